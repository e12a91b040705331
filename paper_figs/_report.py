"""One HTML page: the main result, the verdicts, and what each study found, with its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from experiments._findings import Finding, Setting
from experiments.hypotheses import table
from paper_figs import _pages
from paper_figs._pages import Picture
from paper_figs._papers import Entry


@dataclass(frozen=True)
class Grid:
    """Settings of a grid as a table.

    Attributes:
        fields: Heads of the columns of the swept fields.
        quantities: Heads of the columns of what was found.
        rows: The cells of each row; "" where a setting has none.
    """

    fields: tuple[str, ...]
    quantities: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Found:
    """What one study found.

    Attributes:
        study: The study's name.
        title: Its question.
        findings: What its runs show.
    """

    study: str
    title: str
    findings: Sequence[Finding]

    @property
    def blocks(self) -> tuple[Grid | tuple[str, ...], ...]:
        """The findings in their order: sentences that follow each other, and settings as tables."""
        return tuple(
            _grid([item for item in items if isinstance(item, Setting)])
            if is_grid
            else tuple(map(str, items))
            for is_grid, items in groupby(self.findings, lambda item: isinstance(item, Setting))
        )


def report_page(
    *,
    title: str,
    verdicts: Sequence[Mapping[str, Any]],
    figures: Sequence[Picture],
    findings: Sequence[Found],
    provenance: Mapping[str, Mapping[str, Any]],
    problems: Sequence[str] = (),
    hypotheses: Sequence[Mapping[str, Any]] = (),
    main: str = "",
    claims: Sequence[Entry] = (),
) -> str:
    """The report as one HTML page; all but its links to the figures' files is in it.

    Args:
        title: The page's title.
        verdicts: One mapping a check, as `lowcomplex.checks.Verdict.to_dict` makes it, and `statement`.
        figures: The figures, in order.
        findings: What each study found, in order.
        provenance: For each heading, names and values: configs, versions, times.
        problems: Problems, shown first.
        hypotheses: One mapping a hypothesis that was registered before the runs: `name`, `title`, `outcome`,
            `sentence`, and `tests`, each with `label`, `outcome`, `estimate`, `low`, `high`, `threshold`,
            `direction`, `null`, `corrected`, `runs`, `sample`, `left_out`, `power`, `study`, `statistic`,
            `refuted_if`, `reason`.
        main: Name of the figure that shows the main result; it and its study's findings come first.
        claims: Claims of the papers, as `paper_figs._papers.entries` lists them; papers.html is beside it.

    Returns:
        The page. All text is escaped; equal arguments give an equal page.

    Raises:
        ValueError: Two figures have the same name.
        jinja2.UndefinedError: A verdict or a hypothesis lacks a key.

    Example:
        >>> page = report_page(title="γ & co", verdicts=[], figures=[], findings=[], provenance={})
        >>> "<title>γ &amp; co</title>" in page
        True
    """
    first = next((picture for picture in figures if picture.name == main), None)
    main_found = [found for found in findings if first and found.study == first.study]
    rest = [found for found in findings if found not in main_found]
    of_study = {found.study: [item for item in figures if item.study == found.study] for found in findings}
    of_main = [item for item in figures if first and item is not first and item.study == first.study]
    of_hypotheses = [item for item in figures if hypotheses and item.study == table.NAME]
    placed = [
        *([first] if first else []),
        *of_main,
        *of_hypotheses,
        *(item for found in rest for item in of_study[found.study]),
    ]
    others = [item for item in figures if item not in placed]
    return _pages.render(
        "report.html",
        pictures=figures,
        title=title,
        verdicts=verdicts,
        figures=[*placed, *others],
        main=first,
        main_found=main_found,
        of_main=of_main,
        found=rest,
        of_study=of_study,
        of_hypotheses=of_hypotheses,
        others=others,
        provenance=provenance,
        problems=problems,
        hypotheses=hypotheses,
        claims={entry.name: entry for entry in claims if entry.finding is not None},
        words=[entry.word for entry in claims],
    )


def _grid(settings: Sequence[Setting]) -> Grid:
    fields = tuple(dict.fromkeys(name for setting in settings for name in setting.at))
    quantities = tuple(dict.fromkeys(name for setting in settings for name in setting.found))
    return Grid(
        fields,
        quantities,
        tuple(
            (
                *(setting.at.get(name, "") for name in fields),
                *(setting.found.get(name, "") for name in quantities),
            )
            for setting in settings
        ),
    )

"""One self-contained HTML page: what was found, whether theory agrees, and what it was found with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paper_figs import _pages
from paper_figs._pages import Picture


def report_page(
    *,
    title: str,
    verdicts: Sequence[Mapping[str, Any]],
    figures: Sequence[Picture],
    findings: Mapping[str, Sequence[str]],
    provenance: Mapping[str, Mapping[str, Any]],
    problems: Sequence[str] = (),
    hypotheses: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The report as one HTML page that refers to nothing outside itself.

    Args:
        title: The page's title.
        verdicts: One mapping a check, as `lowcomplex.checks.Verdict.to_dict` makes it, and `statement`.
        figures: The figures, in order.
        findings: For each heading, sentences.
        provenance: For each heading, names and values: configs, versions, times.
        problems: Problems, shown first.
        hypotheses: One mapping a hypothesis that was registered before the runs: `name`, `title`, `outcome`,
            `sentence`, and `tests`, each with `label`, `outcome`, `estimate`, `low`, `high`, `threshold`,
            `direction`, `null`, `corrected`, `runs`, `sample`, `left_out`, `power`, `study`, `statistic`,
            `refuted_if`, `reason`.

    Returns:
        The page. All text is escaped; equal arguments give an equal page.

    Raises:
        ValueError: Two figures have the same name.
        jinja2.UndefinedError: A verdict or a hypothesis lacks a key.

    Example:
        >>> page = report_page(title="γ & co", verdicts=[], figures=[], findings={}, provenance={})
        >>> "<title>γ &amp; co</title>" in page
        True
    """
    return _pages.render(
        "report.html",
        pictures=figures,
        title=title,
        verdicts=verdicts,
        figures=figures,
        findings=findings,
        provenance=provenance,
        problems=problems,
        hypotheses=hypotheses,
    )

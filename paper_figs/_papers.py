"""The two papers, figure by figure: what they claim, what is drawn of it here, and what was found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lowcomplex import report
from paper_figs._judged import VERDICTS
from paper_figs._registry import NAMES, figure

TITLE = "Two papers on composition and initialization: each claim beside what was found here"
NOT_YET = "Not there yet"
OUT_OF_REACH = "Out of reach"


@dataclass(frozen=True)
class Row:
    """Figures of the papers that belong together.

    Attributes:
        paper: Their numbers: "P1 2a,b".
        shows: What they plot.
        stems: Figures here whose names begin so.
        missing: Why there is none, if there cannot be one yet.
    """

    paper: str
    shows: str
    stems: tuple[str, ...] = ()
    missing: str = ""

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures here, in the order of the registry."""
        return tuple(
            name for name in NAMES if any(name == stem or name.startswith(f"{stem}_") for stem in self.stems)
        )


ROWS = (
    Row("P1 1, 8, 9", "the task, two ways to generalize, the key split", ("p1_fig1_8_9",)),
    Row("P1 2a,b", "answers on the unseen pair over depth and γ", ("p1_fig2ab",)),
    Row("P1 2c", "answers of a multi-head model against γ", ("p1_fig2c",)),
    Row("P1 3a,c", "information flow through attention", ("p1_fig3ac",)),
    Row("P1 3b", "attention output by anchor pair", ("p1_fig3b",)),
    Row("P1 4a,b", "cosines of representations of anchor pairs", ("p1_fig4ab",)),
    Row("P1 4c", "cosines of value vectors at the first anchor", ("p1_fig4c",)),
    Row("P1 5a,b; 10; 15", "cosines of the query matrix's neurons", ("p1_fig5ab", "p1_fig10", "p1_fig15")),
    Row("P1 5c,d; 11; 16", "token embeddings in the plane", ("p1_fig5cd", "p1_fig11", "p1_fig16")),
    Row("P1 12a,b", "covariance eigenvalues of the embeddings", ("p1_fig12ab",)),
    Row("P1 13", "singular values of every matrix", ("p1_fig13",)),
    Row("P1 14", "learning rate × weight decay", ("p1_fig14",)),
    Row("P1 6", "SCAN and COGS against data size", ("p1_fig6",)),
    Row("P1 7", "PrOntoQA against data size", ("p1_fig7",)),
    Row("P1 17a", "addition with a held-out block", ("p1_fig17a",)),
    Row(
        "P1 17b",
        "language models on 40 billion tokens of SlimPajama",
        missing="so many tokens need a cluster of graphics processors",
    ),
    Row("P2 3A,B", "in and out of distribution against γ and weight decay", ("p2_fig3ab",)),
    Row("P2 4C,D", "representations by intermediate result", ("p2_fig4cd",)),
    Row("P2 5A-C", "condensation, embeddings, stable rank over γ × decay", ("p2_fig5abc",)),
    Row("P2 6", "image generation from concept graphs", missing="it needs large image models"),
    Row("P2 8A,B", "time to fit over depth and noise groups", ("p2_fig8ab",)),
    Row("P2 8C", "time to learn each anchor pair", ("p2_fig8c",)),
)


@dataclass(frozen=True)
class Entry:
    """A figure here beside what it is to show.

    Attributes:
        row: The papers' figures; "" beyond them.
        shows: What is plotted.
        name: The figure here; "" if there is none.
        claim: What the papers say, or what follows from it.
        verdict: One of `VERDICTS`, "Not there yet" or "Out of reach".
        finding: What was found, or why nothing was.
    """

    row: str
    shows: str
    name: str
    claim: str
    verdict: str
    finding: str


def entries(folder: Path) -> tuple[Entry, ...]:
    """Every row of the papers, then what goes beyond them, from the figures drawn in a folder.

    Args:
        folder: Where `Figure.save` wrote.

    Returns:
        An entry for each figure, and one for each row without a figure.
    """
    found: list[Entry] = []
    for row in ROWS:
        drawn = [(name, _stamp(folder, name)) for name in row.figures]
        found += [_entry(row.paper, row.shows, name, stamp) for name, stamp in drawn]
        if not drawn:
            verdict = NOT_YET if row.stems else OUT_OF_REACH
            found.append(Entry(row.paper, row.shows, "", "", verdict, row.missing or "no figure yet"))
    used = {entry.name for entry in found}
    for name in NAMES:
        stamp = _stamp(folder, name)
        if name not in used and stamp is not None and figure(name).claim:
            found.append(_entry("", "", name, stamp))
    return tuple(found)


def page(folder: Path) -> str:
    """One HTML page that refers to nothing outside itself, from the figures drawn in a folder.

    Args:
        folder: Where `Figure.save` wrote.
    """
    listed = entries(folder)
    drawn = [entry for entry in listed if (folder / f"{entry.name}.svg").is_file()]
    pictures = {
        entry.name: report.Picture(
            name=entry.name,
            caption=str((_stamp(folder, entry.name) or {})["caption"]),
            svg=(folder / f"{entry.name}.svg").read_text(),
            png=(folder / f"{entry.name}.png").read_bytes(),
            numbers=f"{folder.name}/{entry.name}.csv",
        )
        for entry in drawn
    }
    return report.render_claims(
        title=TITLE,
        introduction=introduction(listed),
        claims=[
            report.Claim(
                entry.row, entry.shows, entry.claim, entry.verdict, entry.finding, pictures.get(entry.name)
            )
            for entry in listed
        ],
    )


def introduction(listed: tuple[Entry, ...]) -> str:
    """What the verdicts mean, and how often each was given."""
    return (
        "P1 is Zhang, Lin, Wang, Zhang, Xu (NeurIPS 2024, arXiv 2405.05409), P2 its follow-up (arXiv "
        "2501.08537). Everything here is at reduced scale (most networks have 3 blocks of width 64 and 2,000 "
        "updates), at one learning rate fixed beforehand, from the last checkpoint; a finding at that scale "
        "says nothing certain about the papers'. Findings are computed from the runs. ρ is Spearman's rank "
        "correlation over converged runs with a 95 % bootstrap interval; a trend counts if the interval "
        "excludes 0 and a permutation test rejects at level 0.05, uncorrected for the number of claims. A "
        "finding agrees if every part of the claim comes out as claimed, and disagrees if none does and some "
        f"come out otherwise. In all: {tally(listed)}."
    )


def tally(listed: tuple[Entry, ...]) -> str:
    """How often each verdict was given: "3 agree, …"."""
    kinds = (*VERDICTS, NOT_YET, OUT_OF_REACH)
    return ", ".join(
        f"{sum(entry.verdict == kind for entry in listed)} × {kind.lower()}"
        for kind in kinds
        if any(entry.verdict == kind for entry in listed)
    )


def _entry(row: str, shows: str, name: str, stamp: Mapping[str, str] | None) -> Entry:
    claim = figure(name).claim
    if stamp is None:
        return Entry(row, shows, name, claim, NOT_YET, "no runs yet")
    verdict, _, told = stamp["finding"].partition(": ")
    if verdict not in VERDICTS:
        verdict, told = "Undecided", stamp["finding"] or "nothing is computed of it"
    return Entry(row, shows, name, claim, verdict, told)


def _stamp(folder: Path, name: str) -> dict[str, str] | None:
    """What a figure said when it was drawn; None if it was not, or before it said so much."""
    try:
        stamp = json.loads((folder / f"{name}.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    known = {"caption", "finding"} <= set(stamp)
    return {key: str(value) for key, value in stamp.items()} if known else None

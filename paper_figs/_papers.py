"""The two papers, figure by figure: what they claim, what is drawn of it here, and what was found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from paper_figs import _pages
from paper_figs._finding import Agreement, Claim, Finding
from paper_figs._found import figure, names

TITLE = "Two papers on composition and initialization: each claim beside what was found here"
NOT_YET = "Not there yet"
OUT_OF_REACH = "Out of reach"
# The figure of the papers' main claim, which comes first on the page.
MAIN = "p1_fig2ab_depth"


@dataclass(frozen=True)
class Row:
    """Figures of the papers that belong together.

    Attributes:
        paper: Their numbers: "P1 2a,b".
        shows: The plotted quantities.
        missing: Why there is none here, if there cannot be one yet.
    """

    paper: str
    shows: str
    missing: str = ""

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures here whose claim is of this row, in the report's order."""
        claims = {name: figure(name).claim for name in names()}
        return tuple(name for name, claim in claims.items() if claim and claim.row == self.paper)


ROWS = (
    Row("P1 1, 8, 9", "the task, two ways to generalize, the key split"),
    Row("P1 2a,b", "answers on the unseen pair over depth and γ"),
    Row("P1 2c", "answers of a multi-head model against γ"),
    Row("P1 3a,c", "information flow through attention"),
    Row("P1 3b", "attention output by anchor pair"),
    Row("P1 4a,b", "cosines of representations of anchor pairs"),
    Row("P1 4c", "cosines of value vectors at the first anchor"),
    Row("P1 5a,b; 10; 15", "cosines of the query matrix's neurons"),
    Row("P1 5c,d; 11; 16", "token embeddings in the plane"),
    Row("P1 12a,b", "covariance eigenvalues of the embeddings"),
    Row("P1 13", "singular values of every matrix"),
    Row("P1 14", "learning rate × weight decay"),
    Row("P1 6", "SCAN and COGS against data size"),
    Row("P1 7", "PrOntoQA against data size"),
    Row("P1 17a", "addition with a held-out block"),
    Row(
        "P1 17b",
        "language models on 40 billion tokens of SlimPajama",
        missing="so many tokens need a cluster of graphics processors",
    ),
    Row("P2 3A,B", "in and out of distribution against γ and weight decay"),
    Row("P2 4C,D", "representations by intermediate result"),
    Row("P2 5A-C", "condensation, embeddings, stable rank over γ × decay"),
    Row("P2 6", "image generation from concept graphs", missing="it needs large image models"),
    Row("P2 8A,B", "time to fit over depth and noise groups"),
    Row("P2 8C", "time to learn each anchor pair"),
)


@dataclass(frozen=True)
class Entry:
    """A figure here beside what it is to show.

    Attributes:
        row: The papers' figures; None beyond them.
        name: The figure here; "" if there is none.
        claim: The papers' claim, or what follows from it; None if there is no figure.
        finding: The finding, if the figure was drawn.
        missing: Else why nothing was.
    """

    row: Row | None
    name: str = ""
    claim: Claim | None = None
    finding: Finding | None = None
    missing: str = ""

    @property
    def word(self) -> str:
        """Of the finding; "Not there yet" or "Out of reach" if there is none."""
        if self.finding is not None:
            return self.finding.agreement.value
        return OUT_OF_REACH if self.row is not None and self.row.missing else NOT_YET

    @property
    def text(self) -> str:
        """Of the finding; why there is none."""
        return self.missing if self.finding is None else self.finding.text


@dataclass(frozen=True)
class Stamp:
    """What a figure said when it was drawn.

    Attributes:
        caption: Its caption.
        finding: Its finding, if it has a claim.
    """

    caption: str
    finding: Finding | None


def entries(folder: Path) -> tuple[Entry, ...]:
    """Every row of the papers, then what goes beyond them, from the figures drawn in a folder.

    Args:
        folder: Folder to which `Figure.save` wrote.

    Returns:
        An entry for each figure, and one for each row without a figure.
    """
    found: list[Entry] = []
    for row in ROWS:
        found += [_entry(row, name, stamp(folder, name)) for name in row.figures]
        if not row.figures:
            found.append(Entry(row, missing=row.missing or "no figure yet"))
    used = {entry.name for entry in found}
    for name in names():
        drawn = stamp(folder, name)
        if name not in used and drawn is not None and figure(name).claim:
            found.append(_entry(None, name, drawn))
    return tuple(found)


def page(folder: Path) -> str:
    """One HTML page, from the figures drawn in a folder; all but its links to the figures' files is in it.

    Args:
        folder: Folder to which `Figure.save` wrote.
    """
    listed = entries(folder)
    pictures = {}
    for entry in listed:
        drawn = stamp(folder, entry.name)
        if drawn is not None and (folder / f"{entry.name}.svg").is_file():
            pictures[entry.name] = _pages.picture(entry.name, drawn.caption, folder, figure(entry.name).study)
    return _pages.render(
        "claims.html",
        pictures=list(pictures.values()),
        title=TITLE,
        introduction=introduction(listed),
        claims=[(entry, pictures.get(entry.name)) for entry in listed],
        words=[entry.word for entry in listed],
        main=MAIN,
    )


def introduction(listed: Sequence[Entry]) -> str:
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


def tally(listed: Sequence[Entry]) -> str:
    """How often each word was given: "3 × agrees, …"."""
    words = [entry.word for entry in listed]
    kinds = (*(agreement.value for agreement in Agreement), NOT_YET, OUT_OF_REACH)
    return ", ".join(f"{words.count(kind)} × {kind.lower()}" for kind in kinds if kind in words)


def stamp(folder: Path, name: str) -> Stamp | None:
    """What a figure said when it was drawn; None if it was not, or if its stamp is damaged."""
    try:
        content: Mapping[str, object] = json.loads((folder / f"{name}.json").read_text())
        said = content["finding"]
        finding = Finding.from_dict(said) if isinstance(said, dict) else None
        return Stamp(str(content["caption"]), finding)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _entry(row: Row | None, name: str, drawn: Stamp | None) -> Entry:
    claim = figure(name).claim
    if drawn is None or drawn.finding is None:
        return Entry(row, name, claim, missing="no runs yet")
    return Entry(row, name, claim, drawn.finding)

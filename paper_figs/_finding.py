"""A paper's claim, and the finding that runs give of it. Both become text on a page alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, Literal

Status = Literal["yes", "no", "open"]


class Agreement(Enum):
    """Whether a finding agrees with its claim; the value is its word on a page."""

    AGREES = "Agrees"
    DISAGREES = "Disagrees"
    IN_PART = "In part"
    UNDECIDED = "Undecided"


@dataclass(frozen=True)
class Claim:
    """What is claimed of what a figure shows.

    Attributes:
        text: The claim, with its source.
        row: The papers' figures that it is of, as in `paper_figs._papers.ROWS`; "" if it is of none.
    """

    text: str
    row: str = ""


@dataclass(frozen=True)
class Point:
    """One thing that a claim says, and what the runs say of it.

    Attributes:
        status: "yes" as claimed, "no" the contrary, "open" if the runs do not tell.
        words: In words, with the numbers.
        numbers: The numbers by name.
    """

    status: Status
    words: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What the runs say of a claim.

    Attributes:
        agreement: Whether they agree with it.
        text: All points and notes in words.
        points: The points from which the agreement follows.
    """

    agreement: Agreement
    text: str
    points: tuple[Point, ...] = ()

    def __str__(self) -> str:
        """The line on a page: "Agrees: …"."""
        return f"{self.agreement.value}: {self.text}"

    def to_dict(self) -> dict[str, Any]:
        """The finding as what JSON holds."""
        return {**asdict(self), "agreement": self.agreement.value}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Finding:
        """The finding of which `to_dict` made the content.

        Raises:
            ValueError: An unknown word.
            KeyError: A field is missing.
        """
        points = tuple(Point(**point) for point in content["points"])
        return cls(Agreement(content["agreement"]), str(content["text"]), points)


def conclude(points: Sequence[Point], *notes: str, between: str = "; ") -> Finding:
    """The finding that follows from points.

    Args:
        points: At least one.
        *notes: Said after them, without a part in the agreement.
        between: The text between points and notes.

    Returns:
        Agrees if every point came out as claimed, in part if some did; disagrees if none did and some came
        out the other way; else undecided.

    Raises:
        ValueError: No points.
    """
    if not points:
        raise ValueError("points: expected at least one")
    found = {point.status for point in points}
    if found == {"yes"}:
        agreement = Agreement.AGREES
    elif "yes" in found:
        agreement = Agreement.IN_PART
    else:
        agreement = Agreement.DISAGREES if "no" in found else Agreement.UNDECIDED
    text = between.join((*(point.words for point in points), *notes))
    return Finding(agreement, f"{text}.", tuple(points))

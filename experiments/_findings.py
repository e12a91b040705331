"""What a study's runs show: sentences, and rows of a table over the settings of its grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """What the runs at one setting of a grid show: a row of a table on a page, a sentence in a terminal.

    Attributes:
        at: The swept fields' values in words, by the fields' names.
        found: What was found in words, by the quantities' names.
        sentence: Both as one sentence.
    """

    at: Mapping[str, str]
    found: Mapping[str, str]
    sentence: str

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence


Finding = str | Setting

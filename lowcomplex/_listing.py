"""Tables that show one line per row: predictions, checks, measures."""

from __future__ import annotations

from collections.abc import Callable
from shutil import get_terminal_size

import pandas as pd

from lowcomplex import _html


class Listing(pd.DataFrame):
    """A table that is printed with one line per row, cut at the terminal's width; notebooks show it whole."""

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return Listing

    def __repr__(self) -> str:
        rows = [[str(column) for column in self.columns], *self._cells()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        longest = get_terminal_size((140, 0)).columns
        lines = []
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            lines.append(line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return _html.table([str(column) for column in self.columns], self.itertuples(index=False, name=None))

    def _cells(self) -> list[list[str]]:
        return [[_html.short(value) for value in row] for row in self.itertuples(index=False, name=None)]

"""Small pieces of HTML that notebooks show for this package's objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

_LEFT = ' style="text-align: left"'


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with text to the left and numbers, shown with four digits, to the right.

    Args:
        columns: Titles.
        rows: One value per column each.
    """
    head = "".join(f"<th{_LEFT}>{escape(str(column))}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def definitions(title: str, items: Mapping[str, str]) -> str:
    """A title and a table of names with their texts; empty texts are left out."""
    rows = "".join(
        f"<tr><th{_LEFT}>{escape(name)}</th><td{_LEFT}>{escape(text)}</td></tr>"
        for name, text in items.items()
        if text
    )
    return f"<p><b>{escape(title)}</b></p><table><tbody>{rows}</tbody></table>"


def short(value: object) -> str:
    """A value as a table shows it: numbers with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cell(value: object) -> str:
    style = ' style="text-align: right"' if isinstance(value, int | float) else _LEFT
    return f"<td{style}>{escape(short(value))}</td>"

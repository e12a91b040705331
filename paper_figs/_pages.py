"""What pages share: their templates, how numbers are written, and pictures as part of a page."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from paper_figs._svg import data_uri, minified


@dataclass(frozen=True)
class Picture:
    """A figure on a page.

    Attributes:
        name: Stem of its files.
        caption: Plain text.
        svg: The picture as SVG.
        png: The picture as PNG, shown if it is the smaller of the two.
        numbers: Path of the plotted numbers, as text.
    """

    name: str
    caption: str
    svg: bytes
    png: bytes
    numbers: str = ""

    @property
    def source(self) -> str:
        """The smaller picture as a data URI, which may stand between double quotes in HTML as it is.

        A browser runs no script in it and follows no reference out of it.
        """
        drawn = data_uri(minified(self.svg))
        pixels = f"data:image/png;base64,{base64.b64encode(self.png).decode()}"
        return min(drawn, pixels, key=len)


def picture(name: str, caption: str, folder: Path) -> Picture:
    """The figure of that name that `Figure.save` wrote.

    Args:
        name: Stem of its files.
        caption: Plain text.
        folder: Folder that holds it.
    """
    return Picture(
        name=name,
        caption=caption,
        svg=(folder / f"{name}.svg").read_bytes(),
        png=(folder / f"{name}.png").read_bytes(),
        numbers=f"{folder.name}/{name}.csv",
    )


def render(template: str, *, pictures: Sequence[Picture], **values: Any) -> str:
    """A page that refers to nothing outside itself.

    Args:
        template: File of `templates/`.
        pictures: The pictures on it, for its links.
        **values: What the template shows; all text is escaped.

    Raises:
        ValueError: Two pictures have the same name.
        jinja2.UndefinedError: A value that the template shows is missing.
    """
    names = [item.name for item in pictures]
    if len(set(names)) < len(names):
        raise ValueError(f"figures: expected one figure a name, got {names}")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("paper_figs"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["short"] = _short
    return environment.get_template(template).render(**values)


def _number(value: Any) -> str:
    """Numbers with four digits, a dash for none, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if math.isnan(value):
        return "–"
    return f"{value:.4g}"


def _short(value: float) -> str:
    """Two decimals, with a minus sign; a dash for none."""
    return "–" if math.isnan(value) else f"{value:.2f}".replace("-", "−")

"""What pages share: their templates, how numbers are written, and pictures as part of a page."""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from paper_figs._svg import data_uri, minified, size

# How a page shows a word: its class, which gives the color, and a sign for who sees no color.
_SIGNS = {"good": "✓", "bad": "✗", "part": "◐", "open": "?", "none": "–"}
_KINDS = {
    "agrees": "good",
    "supported": "good",
    "disagrees": "bad",
    "refuted": "bad",
    "in part": "part",
    "undecided": "open",
}


@dataclass(frozen=True)
class Picture:
    """A figure on a page.

    Attributes:
        name: Stem of its files.
        caption: Plain text.
        svg: The picture as SVG.
        png: The picture as PNG, shown if it is the smaller of the two.
        study: The study that it draws; "" if it needs none.
        files: Addresses of its files, as seen from the page, by their kind: CSV, PDF, SVG, PNG.
    """

    name: str
    caption: str
    svg: bytes
    png: bytes
    study: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The smaller picture as a data URI, which may stand between double quotes in HTML as it is.

        A browser runs no script in it and follows no reference out of it.
        """
        drawn = data_uri(minified(self.svg))
        pixels = f"data:image/png;base64,{base64.b64encode(self.png).decode()}"
        return min(drawn, pixels, key=len)

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height in CSS pixels at which its letters have their size in print."""
        width, height = size(self.svg)
        return round(width * 96 / 72), round(height * 96 / 72)


def picture(name: str, caption: str, folder: Path, study: str = "") -> Picture:
    """The figure of that name that `Figure.save` wrote, for a page beside its folder.

    Args:
        name: Stem of its files.
        caption: Plain text.
        folder: Folder that holds it.
        study: The study that it draws; "" if it needs none.
    """
    there = [kind for kind in ("csv", "pdf", "svg", "png") if (folder / f"{name}.{kind}").is_file()]
    return Picture(
        name=name,
        caption=caption,
        svg=(folder / f"{name}.svg").read_bytes(),
        png=(folder / f"{name}.png").read_bytes(),
        study=study,
        files={kind.upper(): quote(f"{folder.name}/{name}.{kind}") for kind in there},
    )


def render(template: str, *, pictures: Sequence[Picture], **values: Any) -> str:
    """A page that needs nothing outside itself; its links to files are relative.

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
    environment.filters["kind"] = _kind
    environment.filters["counted"] = _counted
    environment.globals["signs"] = _SIGNS
    return environment.get_template(template).render(**values)


def _number(value: Any) -> str:
    """Numbers with four digits, a dash for none, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if math.isnan(value):
        return "–"
    return f"{value:.4g}"


def _kind(word: str) -> str:
    """How a page shows a verdict, an outcome, a finding: a key of its signs."""
    return _KINDS.get(word.lower(), "none")


def _counted(words: Sequence[str]) -> list[tuple[str, int]]:
    """Each word and how often it comes, the best first."""
    order = list(_SIGNS)
    return sorted(Counter(words).items(), key=lambda item: (order.index(_kind(item[0])), item[0]))


def _short(value: float) -> str:
    """Two decimals, with a minus sign; a dash for none."""
    return "–" if math.isnan(value) else f"{value:.2f}".replace("-", "−")

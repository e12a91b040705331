"""One self-contained HTML page: what was found, whether theory agrees, and what it was found with."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.dom import minidom

import jinja2
from markupsafe import Markup

# Above this many characters, a vector picture is embedded as pixels instead.
_HEAVY = 1_500_000
_DROPPED = ("metadata", "style", "script", "foreignObject")
# What matplotlib's style sheet says to every element of its own picture, and of every other on the page.
_ROOT_STYLE = "stroke-linejoin: round; stroke-linecap: butt"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Attributes:
        name: Stem of its files.
        caption: Plain text.
        svg: The picture as SVG.
        png: The picture as PNG, shown if the SVG is heavy.
        numbers: Where the plotted numbers are, as text.
    """

    name: str
    caption: str
    svg: str
    png: bytes
    numbers: str = ""


@dataclass(frozen=True)
class Claim:
    """What a source says beside what was found.

    Attributes:
        source: Where it is claimed: "P1 2a,b"; "" if it goes beyond the sources.
        shows: What is plotted.
        claim: What is claimed.
        verdict: "Agrees", "Disagrees", or any other word.
        finding: What was found, or why nothing was.
        picture: The figure, if there is one.
    """

    source: str
    shows: str
    claim: str
    verdict: str
    finding: str
    picture: Picture | None = None


def render(
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
        problems: What went wrong, shown first.
        hypotheses: One mapping a hypothesis that was registered before the runs: `name`, `title`, `outcome`,
            `sentence`, and `tests`, each with `label`, `outcome`, `estimate`, `low`, `high`, `threshold`,
            `direction`, `null`, `corrected`, `runs`, `sample`, `left_out`, `power`, `study`, `statistic`,
            `refuted_if`, `reason`.

    Returns:
        The page. All text is escaped; equal arguments give an equal page.

    Raises:
        ValueError: Two figures have the same name, or a figure's SVG is not SVG.
        jinja2.UndefinedError: A verdict or a hypothesis lacks a key.

    Example:
        >>> page = render(title="γ & co", verdicts=[], figures=[], findings={}, provenance={})
        >>> "<title>γ &amp; co</title>" in page
        True
    """
    _check_names([figure.name for figure in figures])
    return _template("report.html").render(
        title=title,
        verdicts=verdicts,
        figures=[(figure, _picture(figure)) for figure in figures],
        findings=findings,
        provenance=provenance,
        problems=problems,
        hypotheses=hypotheses,
    )


def render_claims(*, title: str, introduction: str, claims: Sequence[Claim]) -> str:
    """Claims beside findings as one HTML page that refers to nothing outside itself.

    Args:
        title: The page's title.
        introduction: Said below it.
        claims: The claims, in order.

    Returns:
        The page: a table of all claims, then those with a picture, one by one. All text is escaped.

    Raises:
        ValueError: Two pictures have the same name, or a picture's SVG is not SVG.

    Example:
        >>> claim = Claim("P1 2a", "answers", "they rise", "Disagrees", "they fall")
        >>> "they fall" in render_claims(title="Claims", introduction="", claims=[claim])
        True
    """
    drawn = [(claim, claim.picture) for claim in claims if claim.picture is not None]
    _check_names([picture.name for _, picture in drawn])
    return _template("claims.html").render(
        title=title,
        introduction=introduction,
        claims=claims,
        drawn=[(claim, _picture(picture)) for claim, picture in drawn],
    )


def inline_svg(svg: str, prefix: str) -> str:
    """An SVG document as an element that can stand in a page beside others.

    Args:
        svg: The document.
        prefix: Put before every id, because pictures of one program share theirs.

    Returns:
        The element, without scripts, style sheets, event handlers and references to other documents.

    Raises:
        ValueError: `svg` is not an SVG document.
    """
    try:
        root = minidom.parseString(svg.encode()).documentElement
    except Exception as error:
        raise ValueError(f"svg: expected an SVG document, got {svg[:40]!r}: {error}") from error
    if root is None or root.localName != "svg":
        raise ValueError(f"svg: expected an SVG document, got {svg[:40]!r}")
    for element in list(_elements(root)):
        if element.localName in _DROPPED and element.parentNode is not None:
            element.parentNode.removeChild(element)
    for element in _elements(root):
        _isolate(element, prefix)
    root.setAttribute("style", _ROOT_STYLE)
    root.setAttribute("role", "img")
    root.setAttribute("aria-label", prefix)
    return str(root.toxml())


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lowcomplex"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["short"] = _short
    return environment.get_template(name)


def _check_names(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise ValueError(f"figures: expected one figure a name, got {list(names)}")


def _picture(figure: Picture) -> Markup:
    if len(figure.svg) > _HEAVY:
        data = base64.b64encode(figure.png).decode()
        return Markup('<img alt="{}" src="data:image/png;base64,{}">').format(figure.name, data)
    # Safe: `inline_svg` parsed it and dropped everything active.
    return Markup(inline_svg(figure.svg, figure.name))


def _elements(root: minidom.Element) -> Iterator[minidom.Element]:
    yield root
    yield from root.getElementsByTagName("*")


def _isolate(element: minidom.Element, prefix: str) -> None:
    for name, value in list(element.attributes.items()):
        if name == "id":
            element.setAttribute(name, f"{prefix}-{value}")
        elif name.rpartition(":")[2] == "href":
            if value.startswith("#"):
                element.setAttribute(name, f"#{prefix}-{value[1:]}")
            elif not value.startswith("data:image/"):
                element.removeAttribute(name)
        elif name.startswith("on"):
            element.removeAttribute(name)
        elif "url(" in value:
            element.setAttribute(name, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))


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

"""A picture as matplotlib writes it in SVG, in fewer bytes and with the same look."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from urllib.parse import quote

_SVG = "http://www.w3.org/2000/svg"
_HREF = "{http://www.w3.org/1999/xlink}href"
# Decimals of a coordinate: a hundredth of a point is a fiftieth of a pixel. Outlines of letters are drawn in
# units of a 64th and less.
_DECIMALS = 2
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
_PATH_TOKEN = re.compile(rf"[A-Za-z]|{_NUMBER.pattern}")
_COORDINATES = {"M": 2, "L": 2, "Q": 4, "C": 6}
_MOVE = re.compile(rf"translate\(({_NUMBER.pattern})[ ,]({_NUMBER.pattern})\)")
_REFERENCE = re.compile(r"url\(#([\w-]+)\)")
_UNESCAPED = " =:/'.,;()-+*!@$?~|"


def minified(svg: bytes) -> str:
    """The picture without what a browser does not need.

    Metadata, comments, white space, names that nothing refers to and groups that do nothing are dropped.
    Coordinates are rounded to a hundredth and written relative to the point before. Equal styles become one
    class.

    Args:
        svg: The picture, as `Figure.savefig` writes it.

    Returns:
        The picture as one line of text.

    Raises:
        xml.etree.ElementTree.ParseError: It is no XML.
    """
    root = ET.fromstring(svg)
    shared = _Short()
    classes = _Short()
    references = set(re.findall(r"(?:url\(|href=\")#([\w-]+)", svg.decode()))
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        element.text, element.tail = (element.text or "").strip() or None, None
        _shorten(element, references, shared, classes)
    _flatten(root)
    rules = "".join(f".{name}{{{style}}}" for style, name in classes.names.items())
    if rules:
        ET.SubElement(root, "style").text = rules
    root.set("xmlns", _SVG)
    return ET.tostring(root, encoding="unicode")


def size(svg: bytes) -> tuple[float, float]:
    """Width and height of a picture in points.

    Args:
        svg: The picture, as `Figure.savefig` writes it.

    Raises:
        ValueError: It does not state them in points.
    """
    found = re.search(rb'<svg\b[^>]*\swidth="([\d.]+)pt" height="([\d.]+)pt"', svg)
    if found is None:
        raise ValueError('svg: expected <svg … width="…pt" height="…pt">, as matplotlib writes it')
    return float(found[1]), float(found[2])


def data_uri(text: str) -> str:
    """SVG as a data URI that may stand between double quotes in HTML: it has none, and no <, > and &.

    Percent signs in place of base64: what is escaped is a tenth of the picture, base64 would add a third.

    Args:
        text: The picture, as `minified` returns it.
    """
    quotes = text.replace("'", "&apos;").replace('"', "'")
    return f"data:image/svg+xml,{quote(quotes, safe=_UNESCAPED)}"


class _Short:
    """Short names, given in the order of the requests."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def __getitem__(self, long: str) -> str:
        number, letters = len(self.names), ""
        while long not in self.names:
            letters += "abcdefghijklmnopqrstuvwxyz"[number % 26]
            number = number // 26 - 1
            if number < 0:
                self.names[long] = letters
        return self.names[long]


def _shorten(element: ET.Element, references: set[str], shared: _Short, classes: _Short) -> None:
    """Rewrite the attributes of one element."""
    attributes = element.attrib
    name = attributes.pop("id", None)
    if name in references:
        attributes["id"] = shared[str(name)]
    target = attributes.pop(_HREF, "")
    if target:
        attributes["href"] = f"#{shared[target[1:]]}" if target.startswith("#") else target
    for key, value in attributes.items():
        attributes[key] = _REFERENCE.sub(lambda found: f"url(#{shared[found[1]]})", value)
    moved = _MOVE.fullmatch(attributes.get("transform", ""))
    if moved and element.tag == "use" and not {"x", "y"} & set(attributes):
        del attributes["transform"]
        attributes |= {key: value for key, value in zip("xy", moved.groups(), strict=True) if float(value)}
    for key in {"x", "y", "width", "height"} & set(attributes):
        attributes[key] = _NUMBER.sub(lambda found: _written(float(found[0]), _DECIMALS), attributes[key])
    transform = attributes.get("transform", "")
    if "d" in attributes:
        is_glyph = transform.startswith("scale(0.015625")
        attributes["d"] = _relative(attributes["d"], 0 if is_glyph else _DECIMALS)
    if transform:
        attributes["transform"] = _NUMBER.sub(lambda found: _factor(float(found[0])), transform)
    if "style" in attributes:
        attributes["class"] = classes[re.sub(r"\s*([;:,])\s*", r"\1", attributes.pop("style")).strip(";")]


def _flatten(parent: ET.Element) -> None:
    """Replace groups without attributes by what is in them, and drop empty ones."""
    kept: list[ET.Element] = []
    for child in parent:
        _flatten(child)
        if child.tag == "g" and not child.attrib:
            kept += list(child)
        elif not _is_idle(child):
            kept.append(child)
    parent[:] = kept


def _is_idle(element: ET.Element) -> bool:
    return element.tag.endswith("metadata") or (element.tag in ("g", "defs") and not len(element))


def _written(value: float, decimals: int) -> str:
    """A number without zeros that say nothing: "-.5", "3"."""
    text = f"{value:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if not digits.strip("0."):
        return "0"
    return sign + (digits[1:] if digits.startswith("0.") else digits)


def _factor(value: float) -> str:
    """A number of a transformation, which may be a small factor."""
    return _written(value, _DECIMALS if abs(value) > 1 else 6)


def _relative(path: str, decimals: int) -> str:
    """A path's commands with coordinates relative to the point before.

    Rounded points are subtracted: errors do not add up. A path with commands that matplotlib does not
    write (other than M, L, Q, C, z) is returned as it is.
    """
    commands = list(_commands(path))
    if any(letter not in _COORDINATES and letter not in "zZ" for letter, _ in commands):
        return path
    unit = 10**decimals
    written: list[str] = []
    start = point = (0, 0)
    before = ""
    for letter, numbers in commands:
        if not numbers:
            written.append("z")
            point, before = start, "z"
            continue
        rounded = [round(number * unit) for number in numbers]
        steps = [value - point[index % 2] for index, value in enumerate(rounded)]
        new, steps = _command(letter, steps)
        # A pair after "m" is a line; a letter that repeats is left out.
        silent = (new == before and new != "m") or (before, new) == ("m", "l")
        text = "" if silent else new
        for step in steps:
            number = _written(step / unit, decimals)
            text += number if number.startswith("-") or text == new else f" {number}"
        written.append(text)
        point, before = (rounded[-2], rounded[-1]), new
        start = point if letter == "M" else start
    return "".join(written)


def _command(letter: str, steps: list[int]) -> tuple[str, list[int]]:
    """The command's letter and its numbers; horizontal and vertical lines need one number alone."""
    if letter == "L" and steps[1] == 0:
        return "h", steps[:1]
    if letter == "L" and steps[0] == 0:
        return "v", steps[1:]
    return letter.lower(), steps


def _commands(path: str) -> Iterator[tuple[str, list[float]]]:
    """The commands of a path, each with its numbers; what follows M without a letter is L."""
    tokens = _PATH_TOKEN.findall(path)
    letter, position = "", 0
    while position < len(tokens):
        if tokens[position].isalpha():
            letter = tokens[position]
            position += 1
        count = _COORDINATES.get(letter, 0)
        if not count:
            yield letter, []
            # Numbers of a command that is not known here; the path is left as it is.
            position += letter not in "zZ"
            continue
        yield letter, [float(token) for token in tokens[position : position + count]]
        position += count
        letter = "L" if letter == "M" else letter

"""A minified picture draws what the original draws; fontTools reads the paths of both."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from io import BytesIO
from urllib.parse import unquote

import numpy as np
import pytest
from fontTools.pens.recordingPen import RecordingPen
from fontTools.svgLib.path import parse_path
from matplotlib.figure import Figure

from paper_figs._svg import data_uri, minified

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def original() -> bytes:
    """Lines, markers, hatches, an image, rotated and mathematical text, clipped to axes."""
    canvas = Figure(figsize=(3, 2))
    left, right = canvas.subplots(1, 2)
    x = np.linspace(0, 6, 300)
    left.plot(x, np.sin(x), "o-", label="a & b's <c>")
    left.set_ylabel(r"rate $\gamma^2$")
    left.legend()
    right.imshow(np.outer(x, x))
    right.bar([20], [200], width=90, hatch="//", facecolor="none", edgecolor="#123456")
    content = BytesIO()
    canvas.savefig(content, format="svg")
    return content.getvalue()


def _paths(svg: str) -> list[list[tuple[str, list[tuple[float, float]]]]]:
    found = []
    for element in ET.fromstring(svg).iter(f"{SVG}path"):
        pen = RecordingPen()
        parse_path(element.attrib.get("d", ""), pen)
        found.append([(name, list(points)) for name, points in pen.value])
    return found


def test_a_minified_picture_has_the_same_paths_in_fewer_bytes(original: bytes) -> None:
    small = minified(original)
    assert len(small) < 0.6 * len(original)
    expected, found = _paths(original.decode()), _paths(small)
    assert len(found) == len(expected) > 30
    for before, after in zip(expected, found, strict=True):
        assert [name for name, _ in after] == [name for name, _ in before]
        for (_, far), (_, near) in zip(before, after, strict=True):
            # Letters are in whole units, 64 and more to a point; all else is in hundredths of a point.
            off = 0.51 if max(map(max, far), default=0) > 500 else 0.0051
            assert np.allclose(far, near, rtol=0, atol=off)


def test_every_reference_of_a_minified_picture_is_met(original: bytes) -> None:
    small = minified(original)
    root = ET.fromstring(small)
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    references = re.findall(r"url\(#(\w+)\)", small) + re.findall(r'href="#(\w+)"', small)
    assert len(ids) == len(set(ids))
    assert set(references) == set(ids)
    assert len(re.findall(r"fill:url\(#", small)) == 1  # the hatch
    assert sum(element.tag == f"{SVG}use" for element in root.iter()) == original.count(b"<use ")
    classes = {element.attrib["class"] for element in root.iter() if "class" in element.attrib}
    assert classes == set(re.findall(r"\.(\w+)\{", small))


def test_a_data_uri_may_stand_in_an_attribute(original: bytes) -> None:
    uri = data_uri(minified(original))
    assert not set('<>"&#\n') & set(uri)
    assert len(uri) < 0.65 * len(original)
    assert ET.fromstring(unquote(uri.partition(",")[2])).tag == f"{SVG}svg"


@pytest.mark.parametrize("path", ["M 0 0 A 1 1 0 0 0 2 2", "M 0 0 H 3 L 2 2"])
def test_a_path_of_other_commands_is_left_as_it_is(path: str) -> None:
    assert path in minified(f'<svg xmlns="http://www.w3.org/2000/svg"><path d="{path}"/></svg>'.encode())

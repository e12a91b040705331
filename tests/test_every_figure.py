"""What every figure owes: legible panels, a caption and numbers that agree with its dataset, equal bytes."""

from __future__ import annotations

import re
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

import synthetic
import synthetic_anchor
import synthetic_mechanism
from experiments import studies, study
from experiments._data import load
from lowcomplex import plots
from paper_figs import figure, names
from paper_figs._papers import ROWS


def _dataset(name: str) -> xr.Dataset:
    """Planted runs of the figure's study; the stored ones of a study for which none are planted."""
    return _runs(figure(name).study).copy(deep=True)


@cache
def _runs(of: str) -> xr.Dataset:
    try:
        return synthetic.dataset(of)
    except KeyError:
        return load(of, "full", Path("nowhere"))


def _one_per(kind: str) -> list[str]:
    """The first figure of each way to draw, or of each study."""
    found: dict[Any, str] = {}
    for name in names():
        item = figure(name)
        draw = item.draw.func if isinstance(item.draw, partial) else item.draw
        found.setdefault({"way to draw": draw, "study": item.study}[kind], name)
    return list(found.values())


@cache
def _of_studies(*prefixes: str) -> list[str]:
    return [name for name in names() if figure(name).study.startswith(prefixes)]


@pytest.mark.parametrize("name", names())
def test_it_is_legible_and_says_what_it_shows(name: str) -> None:
    item = figure(name)
    assert item.study in ("", "hypotheses", *(each.name for each in studies()))
    dataset = _dataset(name)
    with plots.style():
        _assert_legible(item.draw(dataset))
    caption = item.caption(dataset)
    _assert_said(caption)
    assert re.search(r"\d", caption)
    table = item.numbers(dataset)
    assert len(table) > 0
    assert len(table.select_dtypes("number").columns) > 0
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", column) for column in table.columns)
    assert len(set(table.columns)) == len(table.columns)
    if item.finding is not None:
        found = item.finding(dataset)
        _assert_said(found.text)
        assert found.points


@pytest.mark.parametrize("name", names())
def test_what_it_is_of_is_known(name: str) -> None:
    claim = figure(name).claim
    if claim is not None and claim.row:
        assert claim.row in {row.paper for row in ROWS}
    paper = re.match(r"p[12]_", name)
    assert bool(paper) == (claim is not None and claim.row != "")
    if paper and claim is not None:
        assert claim.text.startswith(f"{name[:2].upper()}, figure")
        assert claim.row.startswith(name[:2].upper())


@pytest.mark.parametrize("name", _one_per("way to draw"))
def test_it_becomes_pictures_and_its_numbers(name: str, tmp_path: Path) -> None:
    item = figure(name)
    dataset = _dataset(name)
    pdf, png, svg, csv = item.save(dataset, tmp_path)
    assert pdf.read_bytes().startswith(b"%PDF")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in svg.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        f"{name}.{suffix}" for suffix in ("pdf", "png", "svg", "csv", "json")
    )
    stored, table = pd.read_csv(csv), item.numbers(dataset).reset_index(drop=True)
    assert list(stored.columns) == list(table.columns)
    assert len(stored) == len(table) > 0
    for column in table.select_dtypes("number"):
        np.testing.assert_allclose(stored[column], table[column], rtol=1e-8)


@pytest.mark.parametrize("name", _one_per("study")[:6])
def test_the_same_dataset_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    item = figure(name)
    first = [path.read_bytes() for path in item.save(_dataset(name), tmp_path / "first")]
    second = [path.read_bytes() for path in item.save(_dataset(name), tmp_path / "second")]
    assert first == second


@pytest.mark.parametrize("name", [n for n in names() if figure(n).study in synthetic.ANCHOR_RUNS])
def test_the_quick_grid_suffices(name: str) -> None:
    _assert_drawn(name, synthetic_anchor.runs(**_quick_grid(figure(name).study)))


@pytest.mark.parametrize("name", _of_studies("anchor_mechanism"))
def test_one_run_of_a_mechanism_suffices(name: str) -> None:
    _assert_drawn(name, synthetic_mechanism.runs(depths=(2,), seeds=1).isel(gamma=[1]))


@pytest.mark.parametrize("name", _of_studies("anchor_"))
def test_a_diverged_run_does_not_cost_the_figure(name: str) -> None:
    _assert_drawn(name, _with_a_diverged_run(figure(name).study).copy(deep=True))


def _quick_grid(name: str) -> dict[str, Any]:
    chosen = study(name)
    return {field: list(np.atleast_1d(chosen.presets["quick"][field])) for field in chosen.dimensions}


@cache
def _with_a_diverged_run(name: str) -> xr.Dataset:
    if name == "anchor_gamma":
        return synthetic.diverged(synthetic.anchor_gamma())
    if name == "anchor_mechanism":
        return synthetic_mechanism.runs(diverges=True)
    planted = synthetic.ANCHOR_RUNS.get(name, _quick_grid(name) | {"seed": range(3)})
    return synthetic_anchor.runs(diverges=True, **planted)


def _assert_drawn(name: str, dataset: xr.Dataset) -> None:
    item = figure(name)
    assert item.draw(dataset).axes
    assert len(item.numbers(dataset))
    _assert_said(item.caption(dataset))
    if item.finding is not None:
        _assert_said(item.finding(dataset).text)


def _assert_said(text: str) -> None:
    assert "nan" not in text.lower()
    assert text.endswith(".")


def _assert_legible(picture: Figure) -> None:
    """Nothing smaller than 7 points, every axis name inside a page's width, no title over the figure."""
    assert picture.get_figwidth() in (plots.SINGLE, plots.DOUBLE)
    for text in picture.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            assert text.get_fontsize() >= 7, text
    page, canvas = picture.bbox.padded(2), FigureCanvasAgg(picture)
    canvas.draw()
    renderer = canvas.get_renderer()
    for axis in picture.axes:
        for label in (axis.title, axis.xaxis.label, axis.yaxis.label):
            if label.get_text():
                box = label.get_window_extent(renderer)
                assert page.contains(box.x0, box.y0), label
                assert page.contains(box.x1, box.y1), label
    assert any(axis.get_xlabel() for axis in picture.axes)
    assert picture.get_supylabel() or any(axis.get_ylabel() for axis in picture.axes)
    assert not picture.get_suptitle()

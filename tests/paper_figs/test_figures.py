from __future__ import annotations

from functools import partial
from pathlib import Path

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
from lowcomplex import plots
from paper_figs import figure, names


@pytest.mark.parametrize("name", names())
def test_a_figure_is_legible_and_says_what_it_shows(name: str) -> None:
    item = figure(name)
    assert item.name == name
    assert item.study in ("", "hypotheses", *(each.name for each in studies()))
    dataset = synthetic.dataset(item.study)
    with plots.style():
        _assert_legible(item.draw(dataset))
    assert len(item.numbers(dataset)) > 0
    assert "nan" not in item.caption(dataset).lower()
    assert (item.finding is None) == (item.claim is None)
    if item.finding is not None:
        told = item.finding(dataset)
        assert "nan" not in told.text.lower()
        assert told.text.endswith(".")


def _kinds() -> list[str]:
    """One figure of each way to draw."""
    kinds = {}
    for name in names():
        draw = figure(name).draw
        kinds.setdefault(draw.func if isinstance(draw, partial) else draw, name)
    return list(kinds.values())


@pytest.mark.parametrize("name", _kinds())
def test_a_figure_becomes_pictures_and_its_numbers(name: str, tmp_path: Path) -> None:
    item = figure(name)
    dataset = synthetic.dataset(item.study)
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


@pytest.mark.parametrize("name", [n for n in names() if figure(n).study in synthetic.ANCHOR_RUNS])
def test_the_quick_grid_suffices(name: str) -> None:
    item = figure(name)
    chosen = study(item.study)
    grid = chosen.presets["quick"]
    runs = synthetic_anchor.runs(**{d: list(np.atleast_1d(grid[d])) for d in chosen.dimensions})
    assert item.draw(runs).axes
    assert len(item.numbers(runs))
    assert "nan" not in item.caption(runs).lower()
    assert item.finding is None or "nan" not in item.finding(runs).text.lower()


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


@pytest.mark.parametrize("name", [name for name in names() if figure(name).study.startswith("anchor_")])
def test_a_diverged_run_does_not_cost_the_figure(name: str) -> None:
    item = figure(name)
    dataset = _with_a_diverged_run(item.study)
    assert item.draw(dataset).axes
    assert len(item.numbers(dataset))
    assert "nan" not in item.caption(dataset).lower()


def _with_a_diverged_run(name: str) -> xr.Dataset:
    if name == "anchor_gamma":
        return synthetic.diverged(synthetic.anchor_gamma())
    if name == "anchor_mechanism":
        return synthetic_mechanism.runs(diverges=True)
    return synthetic_anchor.runs(diverges=True, **synthetic.ANCHOR_RUNS[name])


def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path) -> None:
    item = figure("anchor_offsets")
    first = [path.read_bytes() for path in item.save(synthetic.anchor_gamma(), tmp_path / "first")]
    second = [path.read_bytes() for path in item.save(synthetic.anchor_gamma(), tmp_path / "second")]
    assert first == second


def test_a_figure_is_drawn_again_when_its_data_or_files_change(tmp_path: Path) -> None:
    item = figure("anchor_offsets")
    dataset = synthetic.anchor_gamma()
    item.save(dataset, tmp_path)
    assert item.is_current(synthetic.anchor_gamma(), tmp_path)
    changed = synthetic.anchor_gamma()
    changed["deviation_share"][0, 0, 10] += 0.01
    assert not item.is_current(changed, tmp_path)
    relabeled = synthetic.anchor_gamma()
    relabeled["phase"][0, 0] = "neither"
    assert not item.is_current(relabeled, tmp_path)
    (tmp_path / "anchor_offsets.png").unlink()
    assert not item.is_current(dataset, tmp_path)


def test_a_damaged_stamp_means_drawing_again(tmp_path: Path) -> None:
    item = figure("anchor_offsets")
    dataset = synthetic.anchor_gamma()
    item.save(dataset, tmp_path)
    (tmp_path / "anchor_offsets.json").write_text("{")
    assert not item.is_current(dataset, tmp_path)


def test_an_unknown_figure_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'gamma_law'"):
        figure("gama_law")

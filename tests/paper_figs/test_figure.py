"""Figures are found by their names, and drawn again when their data or files change."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr
from matplotlib.figure import Figure as Canvas

import synthetic
from paper_figs import Figure, figure, names
from paper_figs._finding import Claim


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


def test_every_module_is_found_in_the_order_of_the_report() -> None:
    modules = {path.stem for path in (Path(__file__).parents[2] / "paper_figs/figures").glob("[!_]*.py")}
    assert set(names()) == modules
    order = [figure(name).order for name in names()]
    assert order == sorted(order)
    assert order[0] > 0


def test_an_unknown_figure_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'gamma_law'"):
        figure("gama_law")


def test_a_claim_comes_with_its_finding() -> None:
    with pytest.raises(ValueError, match="a claim and its finding"):
        Figure("planted", "", str, lambda _: Canvas(), xr.Dataset.to_dataframe, Claim("It falls."))

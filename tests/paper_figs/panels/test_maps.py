from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

import synthetic_anchor
from paper_figs.panels.maps import plot_answer_maps
from paper_figs.panels.quantity_maps import plot_quantity_maps
from paper_figs.panels.runs import at_end


def _hatched(axis: Axes) -> set[tuple[float, float]]:
    return {p.get_xy() for p in axis.patches if isinstance(p, Rectangle) and p.get_hatch()}


def test_cells_without_convergence_are_hatched_and_counted() -> None:
    dataset = synthetic_anchor.runs(depth=[2, 3], gamma=[0.4, 0.6, 0.8], seed=range(3), diverges=True)
    figure = plot_answer_maps(dataset, "depth", "gamma")
    for axis in figure.axes[:2]:
        assert _hatched(axis) == {(0, 0)}
        texts = [text.get_text() for text in axis.texts]
        assert sum("×2" in text for text in texts) == 1
        assert len([text for text in texts if text and text not in "ab"]) == 6


def test_a_cell_without_a_value_is_marked() -> None:
    dataset = synthetic_anchor.runs(depth=[2, 3], gamma=[0.4, 0.8], seed=[0])
    dataset["accuracy"].loc[{"depth": 3, "gamma": 0.8}] = float("nan")
    dataset["phase"].loc[{"depth": 3, "gamma": 0.8}] = "not converged"
    axis = plot_answer_maps(dataset, "depth", "gamma").axes[0]
    assert "–\n×1" in [text.get_text() for text in axis.texts]
    assert (1, 1) in _hatched(axis)


def test_colors_of_equal_values_start_at_their_value() -> None:
    dataset = synthetic_anchor.runs(depth=[2, 3], gamma=[0.4, 0.8], seed=[0, 1])
    dataset["embedding_dimension"][:] = 0.0
    figure = plot_quantity_maps(
        dataset.assign(last=at_end(dataset)["embedding_dimension"]),
        {"last": "dimension"},
        "depth",
        "gamma",
    )
    assert figure.axes[0].collections[0].get_clim() == (0, 1)

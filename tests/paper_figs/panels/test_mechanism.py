from __future__ import annotations

import numpy as np
import pytest
from matplotlib.image import AxesImage

import synthetic_mechanism
from paper_figs.panels.mechanism import (
    coordinate_table,
    heat_map_table,
    plot_clusters,
    plot_heat_maps,
    score_table,
)


def test_scores_are_of_blocks_that_exist() -> None:
    dataset = synthetic_mechanism.runs()
    table = score_table(dataset, "mirror_coincidence")
    assert len(table) == (2 + 3) * 2 * 3
    assert table["value"].notna().all()
    assert set(table.loc[table["depth"] == 2, "block"]) == {1, 2}
    assert (table["phase"] == "not converged").sum() == 2
    with pytest.raises(ValueError, match="lacks \\['nothing'\\]"):
        score_table(dataset, "nothing")


def test_heat_maps_show_their_numbers_in_the_order_asked_for() -> None:
    dataset = synthetic_mechanism.runs()
    order = [str(name) for name in dataset["pair"].values[::-1]]
    figure = plot_heat_maps(
        dataset, "pair_cosine", "mirror_coincidence", order=order, label="pair", score_label="score"
    )
    (image,) = (child for child in figure.axes[1].get_children() if isinstance(child, AxesImage))
    table = heat_map_table(dataset, "pair_cosine")
    at = table[table["gamma"] == 0.8].pivot(index="row", columns="column", values="cosine")
    np.testing.assert_allclose(np.asarray(image.get_array()), at.loc[order, order].to_numpy())
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == order
    assert figure.axes[1].get_title() == "γ = 0.8: inferential"


def test_runs_that_did_not_converge_are_crosses_outside_the_mean() -> None:
    dataset = synthetic_mechanism.runs(depths=(2,))
    dataset["mirror_coincidence"][0, 0, -1] = -5.0
    scores = plot_clusters(dataset, 1, "mirror_coincidence", score_label="score").axes[2]
    crosses = [line for line in scores.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert [list(line.get_ydata()) for line in crosses] == [[-5.0, -5.0]]
    means = [line.get_ydata() for line in scores.lines if line.get_label() == "γ = 0.5"]
    np.testing.assert_allclose(means, [[0.9, 0.9]])


def test_a_diverged_first_run_is_said_and_costs_nothing_else() -> None:
    dataset = synthetic_mechanism.runs(diverges=True)
    figure = plot_clusters(dataset, 1, "mirror_coincidence", score_label="score")
    assert [text.get_text() for text in figure.axes[0].texts][:1] == ["diverged"]
    assert "diverged" not in [text.get_text() for text in figure.axes[1].texts]
    assert coordinate_table(dataset, 1)["component_1"].notna().sum() == 16 * 6 * 8

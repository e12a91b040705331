from __future__ import annotations

import numpy as np
import pytest

import synthetic_sequences
from paper_figs.panels.data_size import plot_accuracy_by_size, size_table

LABELS = {"in_distribution": "new", "out_of_distribution": "held out"}


def test_the_table_holds_every_run() -> None:
    dataset = synthetic_sequences.runs("scan_generalization")
    table = size_table(dataset)
    assert len(table) == 2 * 3 * 3 * 3
    row = table.set_index(["arm", "examples", "seed", "group"]).loc[("small", 2000, 1, "out_of_distribution")]
    at = {"arm": "small", "examples": 2000, "seed": 1, "group": "out_of_distribution"}
    assert row["accuracy"] == float(dataset["accuracy"].sel(at).isel(step=-1))
    failed = table[~table["converged"]]
    assert set(zip(failed["arm"], failed["examples"], failed["seed"], strict=True)) == {("large", 1000, 0)}
    assert failed["steps_to_convergence"].isna().all()


def test_lines_are_means_and_crosses_are_runs_that_did_not_converge() -> None:
    dataset = synthetic_sequences.runs("scan_generalization")
    picture = plot_accuracy_by_size(dataset, LABELS)
    assert [axis.get_title() for axis in picture.axes] == list(LABELS.values())
    axis = picture.axes[1]
    final = dataset["accuracy"].sel(group="out_of_distribution").isel(step=-1)
    for arm, name in (("small", "γ = 0.8, decay 1"), ("large", "γ = 0.5, decay 0.01")):
        (line,) = (line for line in axis.get_lines() if line.get_label() == name)
        np.testing.assert_allclose(line.get_ydata(), final.sel(arm=arm).mean("seed"))
    (crosses,) = (line for line in axis.get_lines() if line.get_label() == "not converged")
    np.testing.assert_allclose(crosses.get_ydata(), [float(final.sel(arm="large", examples=1000, seed=0))])


def test_times_that_were_not_reached_stand_at_the_end_of_the_run() -> None:
    dataset = synthetic_sequences.runs("ontology_reasoning")
    axis = plot_accuracy_by_size(dataset, {"unseen_rules": "rules"}, times=True).axes[0]
    marks = [line for line in axis.get_lines() if line.get_marker() == "^" and len(line.get_ydata())]
    assert [np.asarray(line.get_ydata()).tolist() for line in marks] == [[100]]
    (line,) = (line for line in axis.get_lines() if line.get_label() == "γ = 0.5, decay 0.01")
    # The median of (never, 68, 72).
    assert np.asarray(line.get_ydata())[0] == pytest.approx(72)


def test_the_map_frames_the_block() -> None:
    dataset = synthetic_sequences.diverged(synthetic_sequences.runs("addition_block"))
    picture = plot_accuracy_by_size(dataset, {"held_out_block": "block"}, tens=True)
    small = picture.axes[1]
    assert np.asarray(small.collections[0].get_array()).reshape(10, 10)[4, 5] == pytest.approx(0.8)
    (frame,) = small.patches
    assert frame.get_bbox().extents.tolist() == [40, 40, 60, 60]


def test_a_dataset_without_runs_of_both_arms_is_refused() -> None:
    dataset = synthetic_sequences.runs("scan_generalization").isel(arm=0)
    with pytest.raises(ValueError, match="arm"):
        size_table(dataset)

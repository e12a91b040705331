from __future__ import annotations

import numpy as np
import pandas as pd

import synthetic
from paper_figs.panels.times import loss_time_table, median_times, plot_loss_times, plot_pair_times


def test_what_was_not_reached_is_censored_at_the_end_of_training() -> None:
    dataset = synthetic.dataset("anchor_data_complexity")
    dataset["steps_to_loss"] = dataset["steps_to_loss"] / 2
    dataset["steps_to_loss"].loc[{"noise_groups": 5, "depth": 2, "seed": 1}] = np.nan
    table = loss_time_table(dataset)
    missing = table[table["censored"]]
    assert (missing["steps"] == 2000).all()
    assert len(missing) == int(dataset["steps_to_loss"].isnull().sum()) == 3


def test_a_median_run_that_did_not_get_there_has_no_time() -> None:
    table = pd.DataFrame(
        {
            "depth": [2, 2, 2, 3, 3, 3, 4, 4],
            "steps": [100.0, 300.0, 2000.0, 100.0, 2000.0, 2000.0, 100.0, 2000.0],
            "censored": [False, False, True, False, True, True, False, True],
        }
    )
    found = median_times(table, ["depth"]).set_index("depth")
    assert found["steps"].tolist() == [300.0, 2000.0, 2000.0]
    assert found["censored"].tolist() == [False, True, True]
    assert found["reached"].tolist() == [2, 1, 1]


def test_censored_runs_are_hollow_marks_at_the_end() -> None:
    dataset = synthetic.dataset("anchor_data_complexity")
    dataset["steps_to_loss"] = dataset["steps_to_loss"].fillna(800.0) / 2
    dataset["steps_to_loss"].loc[{"noise_groups": 5, "depth": 3, "seed": 2}] = np.nan
    axis = plot_loss_times(dataset, "noise_groups").axes[0]
    hollow = [line for line in axis.lines if line.get_marker() == "^" and len(line.get_ydata())]
    assert [list(line.get_ydata()) for line in hollow] == [[2000.0]]
    assert hollow[0].get_markerfacecolor() == "none"


def test_framed_pairs_and_late_pairs_are_marked() -> None:
    dataset = synthetic.dataset("anchor_data_complexity").sel(noise_groups=5, gamma=0.8)
    dataset["steps_to_accuracy"] = dataset["steps_to_accuracy"].fillna(700.0)
    dataset["steps_to_accuracy"].loc[{"depth": 3, "first_anchor": 1, "second_anchor": 2}] = np.nan
    first, second = plot_pair_times(dataset, [(1, 2)]).axes[:2]
    assert [p.get_xy() for p in second.patches if p.get_hatch()] == [(1, 0)]
    assert not [p for p in first.patches if p.get_hatch()]
    assert ">2000" in [text.get_text() for text in second.texts]
    assert len(first.lines) == len(second.lines) == 1

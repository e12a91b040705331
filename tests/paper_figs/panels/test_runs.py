from __future__ import annotations

import numpy as np
import pytest

import synthetic
import synthetic_anchor
from paper_figs.panels.runs import accuracy_table, cell_table


def test_answers_of_every_run_stand_in_the_table() -> None:
    dataset = synthetic_anchor.runs(depth=[2, 3], gamma=[0.4, 0.8], seed=range(3))
    table = accuracy_table(dataset)
    assert list(table.columns) == ["depth", "gamma", "seed", "group", "accuracy", "phase"]
    assert len(table) == 2 * 2 * 3 * 5
    one = table.query("depth == 3 and gamma == 0.8 and seed == 1 and group == 'symmetric'")["accuracy"].item()
    at = dataset["accuracy"].sel(depth=3, gamma=0.8, seed=1, step=2000, group="symmetric")
    assert one == pytest.approx(float(at))


def test_without_a_mirrored_answer_neither_is_the_rest() -> None:
    dataset = synthetic_anchor.runs(gamma=[0.8], seed=[0])
    dataset["accuracy"].loc[{"group": "symmetric"}] = np.nan
    table = accuracy_table(dataset).set_index("group")["accuracy"]
    assert table["neither"] == pytest.approx(1 - table["inferential"])
    assert np.isnan(table["symmetric"])


def test_a_cell_tells_its_mean_and_what_did_not_converge() -> None:
    dataset = synthetic_anchor.runs(depth=[2, 3], gamma=[0.4, 0.8], seed=range(3), diverges=True)
    table = accuracy_table(dataset)
    cells = cell_table(table, "depth", "gamma").set_index(["depth", "gamma", "group"])
    good = cells.loc[(3, 0.8, "inferential")]
    own = table.query("depth == 3 and gamma == 0.8 and group == 'inferential'")["accuracy"]
    assert (good["mean"], good["low"], good["high"]) == (own.mean(), own.min(), own.max())
    assert (good["runs"], good["not_converged"]) == (3, 0)
    # One run reached 0.6, one diverged and counts as 0, one learned its task.
    bad = cells.loc[(2, 0.4, "inferential")]
    assert bad["not_converged"] == 2
    assert bad["seen"] == pytest.approx((0.6 + 1) * 0.998 / 3, rel=0.01)


def test_a_map_refuses_what_it_would_average_over() -> None:
    table = accuracy_table(synthetic.dataset("anchor_data_complexity"))
    with pytest.raises(ValueError, match=r"varies in \['noise_groups'\]"):
        cell_table(table, "depth", "gamma")


def test_what_is_not_over_time_is_refused() -> None:
    dataset = synthetic_anchor.runs(gamma=[0.8], seed=[0]).isel(step=-1)
    with pytest.raises(ValueError, match="over step"):
        accuracy_table(dataset)

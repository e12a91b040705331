from __future__ import annotations

import numpy as np
import pytest

import synthetic
from lowcomplex.predictions import gamma_law
from paper_figs.panels.anchor import offset_table, plot_accuracies
from paper_figs.panels.condensation import neuron_table
from paper_figs.panels.cosines import cosine_table
from paper_figs.panels.embeddings import component_table
from paper_figs.panels.frequency import learning_time_table, plot_learning_times
from paper_figs.panels.gamma import plot_gamma_law, slope_table
from paper_figs.panels.gamma_axis import plane_table
from paper_figs.panels.ranks import rank_table
from paper_figs.panels.runs import accuracy_table


def test_neither_is_what_both_answers_leave_over() -> None:
    table = accuracy_table(synthetic.anchor_gamma())
    wide = table.pivot(index=["gamma", "seed"], columns="group", values="accuracy")
    np.testing.assert_allclose(wide[["inferential", "symmetric", "neither"]].sum(axis=1), 1)
    assert (table.groupby(["gamma", "seed"])["phase"].nunique() == 1).all()
    assert (table["phase"] == "not converged").sum() == 5


def test_unconverged_runs_are_marked() -> None:
    dataset = synthetic.anchor_gamma()
    labels = [axis.get_legend_handles_labels()[1] for axis in plot_accuracies(dataset).axes]
    assert all("not converged" in found for found in labels)
    dataset["phase"][:] = "symmetric"
    labels = [axis.get_legend_handles_labels()[1] for axis in plot_accuracies(dataset).axes]
    assert not any("not converged" in found for found in labels)


def test_offset_shares_sum_to_one() -> None:
    table = offset_table(synthetic.anchor_gamma())
    np.testing.assert_allclose(table.groupby("gamma")["share"].sum(), 1)
    assert set(table["offset"].dropna()) == {-10.0, -6.0}


def test_slopes_on_the_law_are_the_predicted_ones() -> None:
    slopes = slope_table(synthetic.gamma_axis())
    inside = slopes[~slopes["gamma"].between(0.44, 0.56) & slopes["slope"].notna()]
    np.testing.assert_allclose(inside["slope"], gamma_law(inside["gamma"], inside["depth"]), rtol=1e-9)
    failed = slopes[(slopes["depth"] == 3) & (slopes["seed"] == 2) & (slopes["gamma"] > 1.3)]
    assert failed["slope"].isna().all()


def test_predicted_lines_run_through_data_on_the_law() -> None:
    dataset = synthetic.gamma_axis().isel(seed=[1])
    left = plot_gamma_law(dataset, gamma_law).axes[0]
    solid = [line for line in left.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2]
    assert len(solid) == 4
    for line in solid:
        for gamma, displacement in zip(line.get_xdata(), line.get_ydata(), strict=True):
            at = dataset["relative_displacement"].sel(gamma=gamma)
            assert np.isclose(at, displacement, rtol=1e-9).any()


def test_clustering_puts_parallel_neurons_side_by_side() -> None:
    dataset = synthetic.anchor_gamma()
    rng = np.random.default_rng(1)
    first, second = np.linalg.qr(rng.normal(size=(64, 2)))[0].T
    group = rng.permutation(np.arange(64) % 2)
    dataset["query_weight"][-1, 0] = np.where(group[:, None], first, second) * rng.uniform(1, 9, (64, 1))
    table = cosine_table(dataset)
    last = table[table["gamma"] == 0.9].pivot(index="row", columns="column", values="cosine").to_numpy()
    np.testing.assert_allclose(last[:32, :32], 1)
    np.testing.assert_allclose(last[:32, 32:], 0, atol=1e-12)
    assert sorted(table.loc[table["gamma"] == 0.9, "neuron"].unique()) == list(range(64))


def test_zero_neurons_are_left_out_of_the_cosines() -> None:
    dataset = synthetic.anchor_gamma()
    dataset["query_weight"][0, 0, 3] = 0.0
    neurons = cosine_table(dataset).groupby("gamma")["neuron"].unique()
    assert sorted(neurons[0.4]) == [n for n in range(64) if n != 3]


def test_components_of_a_planted_line() -> None:
    dataset = synthetic.anchor_gamma()
    tokens = dataset["token"].values
    direction = np.zeros(64)
    direction[5] = -2.0
    dataset["token_embedding"][0, 0] = tokens[:, None] * direction
    table = component_table(dataset)
    line = table[table["gamma"] == 0.4]
    np.testing.assert_allclose(line["component_1"], 2.0 * (tokens - tokens.mean()))
    np.testing.assert_allclose(line["share_1"], 1)


def test_ranks_keep_their_matrix_and_its_null() -> None:
    table = rank_table(synthetic.anchor_gamma(), "stable_rank")
    row = table[(table["layer"] == "block 2 feedforward in") & (table["gamma"] == 0.6)].iloc[0]
    assert (row["part"], row["block"], row["null_stable_rank"]) == ("feedforward in", 2, 17.0)
    assert set(table.loc[table["layer"] == "embedding", "block"]) == {0}


def test_orientations_are_wrapped() -> None:
    dataset = synthetic.two_layer_condensation()
    turned = dataset.assign(orientation=dataset["orientation"] + 4 * np.pi)
    first, second = neuron_table(dataset), neuron_table(turned)
    np.testing.assert_allclose(first["orientation"], second["orientation"], atol=1e-9)
    assert second["orientation"].between(-np.pi, np.pi).all()
    assert first["snapshot"].nunique() == 4


def test_frequencies_that_were_never_learned_stay_censored() -> None:
    dataset = synthetic.frequency_principle()
    dataset["time_learned"][0, :, 10] = np.nan
    table = learning_time_table(dataset)
    assert set(table["frequency"]) == {0.5, 1.5, 2.5, 5.0}
    assert not table.loc[(table["gamma"] == 0.4) & (table["frequency"] == 5.0), "learned"].any()
    labels = [t.get_text() for t in plot_learning_times(dataset).legends[0].get_texts()]
    assert "not learned" in labels


def test_missing_variables_are_named() -> None:
    with pytest.raises(ValueError, match="phase"):
        accuracy_table(synthetic.anchor_gamma().drop_vars("phase"))


def test_the_fan_in_rule_s_lines_in_the_plane() -> None:
    table = plane_table({"fixed": 0.0, "growing": 1.0}, [0.5, 1.0])
    assert table[table["scaling"] == "fixed"][["gamma_l", "gamma_prime"]].to_numpy().tolist() == [
        [0.5, 0.5],
        [1.0, 1.0],
    ]
    assert table[table["scaling"] == "growing"]["gamma_l"].tolist() == [1.0, 2.0]
    assert (table[table["scaling"] == "growing"]["gamma_prime"] == 0).all()

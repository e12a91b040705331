from __future__ import annotations

import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Annotation

import synthetic_mechanism
from lowcomplex.plots.page import categorical
from paper_figs.panels.information_flow import flow_table, plot_information_flow


def test_the_table_holds_every_edge_that_exists() -> None:
    dataset = synthetic_mechanism.runs()
    table = flow_table(dataset)
    of_run = table[(table["depth"] == 2) & (table["gamma"] == 0.8) & (table["seed"] == 101)]
    lost = of_run[of_run["quantity"] == "lost: inferential"]
    assert len(lost) == 2 * (3 * 4 - 1)
    mass = of_run[of_run["quantity"] == "attention mass"]
    assert mass.groupby(["block", "target"])["value"].sum().to_numpy() == pytest.approx(1)
    with pytest.raises(ValueError, match="edge_importance"):
        flow_table(dataset.drop_vars("edge_importance"))


def test_edges_are_as_wide_as_the_mean_attention_of_converged_runs() -> None:
    dataset = synthetic_mechanism.runs(depths=(2,))
    dataset["attention_mass"][0, 0, -1] = 0.0
    figure = plot_information_flow(dataset)
    diagram = figure.axes[0]
    assert diagram.get_title() == "γ = 0.5 (2 of 3 runs converged)"
    blue, orange = map(to_hex, categorical(2))
    widths = {
        (tuple(line.get_xdata()), tuple(line.get_ydata())): line.get_linewidth()
        for line in diagram.lines
        if to_hex(line.get_color()) == orange
    }
    mass = dataset["attention_mass"].sel(depth=2, gamma=0.5, block=1, asking="last", asked="second anchor")
    assert widths[(3, 5), (0, 1)] == pytest.approx(7 * float(mass[:2].mean()))
    assert any(to_hex(line.get_color()) == blue for line in figure.axes[3].lines)


def test_losses_are_written_where_they_belong() -> None:
    dataset = synthetic_mechanism.runs(depths=(2,))
    table = plot_information_flow(dataset).axes[4]
    # The panel's letter is an annotation.
    texts = {t.get_position(): t.get_text() for t in table.texts if not isinstance(t, Annotation)}
    rows, sources = ["1 a1", "1 a2", "1 last", "2 last"], ["key", "first anchor", "second anchor", "other"]
    assert len(texts) == len(rows) * len(sources)
    lost = dataset["edge_importance"].sel(depth=2, gamma=0.8, group="seen_train_keys").mean("seed")
    carried = float(lost.sel(block=1, target="second anchor", source="key"))
    assert texts[0.5, 1.5] == f"{carried:.2f}"
    assert texts[2.5, 0.5] == "–"
    last = float(lost.sel(block=2, target="last", source="first anchor"))
    assert texts[1.5, 3.5].removeprefix("-") == f"{abs(last):.2f}"

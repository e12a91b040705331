"""The stored runs of experiment E1, and what the page of results says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments._data import load
from experiments.hypotheses import experiments
from experiments.hypotheses.outcome import Outcome
from experiments.order.findings import UNSEEN, findings

ROOT = Path(__file__).parents[3]
PAGE = " ".join((ROOT / "docs" / "explanation" / "results.md").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def datasets() -> dict:
    return {name: load(name, "full", Path("nowhere")) for name in ("order_gamma", "order_controls")}


def test_the_page_says_what_the_stored_runs_show(datasets: dict) -> None:
    (experiment,) = experiments.load()
    report = experiments.evaluate(experiment, datasets)
    assert report.outcome is Outcome.SUPPORTED
    shares = {}
    for gamma in (0.5, 0.9):
        final = datasets["order_gamma"].sel(gamma=gamma, **UNSEEN).isel(step=-1)
        for name in ("composed", "mirrored"):
            shares[gamma, name, "hidden"] = float(final[name].isel(position=slice(-1)).mean())
            shares[gamma, name, "shown"] = float(final[name].isel(position=-1).mean())
    small, large = report.primary
    assert (
        f"compose {shares[0.9, 'composed', 'shown']:.2f} of the answers where the order is in plain sight, "
        f"and {shares[0.9, 'composed', 'hidden']:.2f} where it is not: there they mirror "
        f"{shares[0.9, 'mirrored', 'hidden']:.2f}. In {small.shown} of 12 seeds"
    ) in PAGE
    assert (
        f"in plain sight, too: {shares[0.5, 'mirrored', 'shown']:.2f} of the answers, and "
        f"{shares[0.5, 'mirrored', 'hidden']:.2f} elsewhere. In {large.shown} of 12 seeds"
    ) in PAGE
    assert PAGE.count(f"(p = {small.corrected:.2g})") == 2
    phases = datasets["order_gamma"]["phase"]
    composing, blind = ((phases == kind).sum("seed") for kind in ("composing", "order-blind"))
    assert f"all {int(composing.sel(gamma=0.7))} of 12 networks compose at γ = 0.7" in PAGE
    assert (
        f"At γ = 0.8, {int(composing.sel(gamma=0.8))} compose and {int(blind.sel(gamma=0.8))} do not see"
        in PAGE
    )
    (control,) = report.control
    final = datasets["order_controls"].sel(control="order hidden", gamma=0.9, **UNSEEN).isel(step=-1)
    assert f"compose {float(final['composed'].isel(position=-1).mean()):.2f} of the answers there" in PAGE
    assert f"{control.shown} of 12 seeds pass" in PAGE
    phases = datasets["order_controls"]["phase"].sel(control="no positions", gamma=0.9)
    assert (phases == "not converged").all()


def test_gaps_are_those_of_the_tables(datasets: dict) -> None:
    runs = datasets["order_gamma"]
    composed = runs["composed"].sel(UNSEEN).isel(step=-1)
    expected = composed.isel(position=-1) - composed.isel(position=slice(-1)).mean("position")
    np.testing.assert_allclose(runs["order_gap"], expected.transpose(*runs["order_gap"].dims), atol=1e-6)


def test_findings_tell_both_kinds_of_answers(datasets: dict) -> None:
    said = [str(finding) for finding in findings(datasets["order_gamma"])]
    assert len(said) == 5
    assert "48 transformers, 12 seeds per cell" in said[0]
    assert "order-blind 11" in said[-1]

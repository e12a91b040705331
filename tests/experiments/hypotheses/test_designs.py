"""What registered designs can detect, from their numbers alone."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.hypotheses import registered
from experiments.hypotheses.designs import lines, sufficient
from experiments.hypotheses.experiments import Count, Experiment, load

TEST: dict[str, Any] = {
    "name": "so it is",
    "study": "order_gamma",
    "where": {"gamma": 0.9},
    "quantity": "order gap",
    "above": 0.6,
    "seeds": 12,
    "needed": 10,
}


def _experiment(*primary: dict[str, Any]) -> Experiment:
    rows = {"primary": primary, "control": [TEST]}
    return Experiment.model_validate({"name": "E", "title": "T", "unit": "seed", "level": 0.05, **rows})


def _text(experiment: Experiment) -> str:
    return "\n".join(lines("E", (), (experiment,)))


def test_the_registered_experiment_is_decidable_and_its_power_is_binomial() -> None:
    said = "\n".join(lines("E1", registered.load(), load()))
    assert "order gap above 0.6 in at least 10 of 12 seeds (gamma = 0.9)" in said
    assert "p = 0.019" in said
    assert "0.89 at 0.9" in said
    assert "found with power 0.8: a share of 0.87; at most 2 seeds" in said
    # Both primary tests: .889 squared.
    assert "0.79 at 0.9" in said
    assert "not decidable" not in said


def test_holms_correction_asks_for_more_seeds_or_leaves_nothing_to_decide() -> None:
    assert sufficient(Count.model_validate(TEST), 0.05, 2) == 10
    # Of three tests the smallest p must be below .0167, and 10 of 12 has .0193.
    assert sufficient(Count.model_validate(TEST), 0.05, 3) == 11
    said = _text(_experiment(TEST, {**TEST, "name": "too"}, {**TEST, "name": "and so"}))
    assert "after Holm's correction 11 of 12 seeds are needed" in said
    small = {**TEST, "seeds": 4, "needed": 4}
    assert sufficient(Count.model_validate(small), 0.05, 1) is None
    said = _text(_experiment(small))
    assert "not decidable with these runs: the smallest possible p is 0.062, of all 4 seeds" in said
    assert "power by the share" not in said


def test_power_of_hypotheses_over_runs() -> None:
    said = list(lines("H3", registered.load(), ()))
    over_rates = said[said.index("inferential rises with γ at fixed learning rate") + 1]
    assert "rank correlation +0.30 over 60 runs in 4 strata: power 0.5" in over_rates
    areas = [line for line in lines("H6", registered.load(), ()) if "area under curve 0.30" in line]
    assert areas
    assert all("strata: power 0." in line for line in areas)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="name: expected one of H1"):
        lines("E9", registered.load(), load())

"""At which steps a tracker records."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import tracked
from lowcomplex import Tracker
from lowcomplex.tracking import log_linear_steps


def _run_on_budget(budget: float, costs: list[float], steps: int) -> tuple[Tracker, tracked.Clock]:
    """Updates of one second each; the records' costs in turn, the last of them for all later ones."""
    clock, left = tracked.Clock(), list(costs)
    tracker = Tracker(
        nn.Linear(2, 2),
        budget=budget,
        clock=clock,
        quantities={"cost": lambda: clock.passes(left.pop(0) if len(left) > 1 else left[0])},
    )
    for _ in range(steps):
        tracker.step()
        clock.passes(1.0)
    return tracker, clock


def test_budget_bounds_the_share_of_time_spent_recording() -> None:
    tracker, clock = _run_on_budget(0.05, [0.5], 1000)
    recorded = tracker.dataset()["step"].values.tolist()
    # The first record, and then one for every ten seconds of which half a second is recording.
    assert recorded[:4] == [0, 19, 29, 38]
    assert 0.04 < 0.5 * len(recorded) / (clock.now - 100.0) <= 0.05


def test_budget_records_seldom_when_records_become_expensive_and_often_when_cheap() -> None:
    slow, _ = _run_on_budget(0.1, [0.1] * 5 + [5.0], 400)
    gaps = slow.dataset()["step"].diff("step").values
    assert gaps[:4].max() <= 2
    assert gaps[5:].min() >= 44
    cheap, _ = _run_on_budget(0.1, [5.0, 0.01], 200)
    assert cheap.dataset()["step"].values[1] == 90  # 5 and 5 more seconds are a tenth of 100
    assert (cheap.dataset()["step"].diff("step").values[1:] == 1).all()


def test_budget_continues_from_a_checkpoint_as_if_no_time_had_passed() -> None:
    whole, _ = _run_on_budget(0.05, [0.5], 60)
    first, _ = _run_on_budget(0.05, [0.5], 25)
    second, clock = _run_on_budget(0.05, [0.5], 0)
    clock.passes(1e6)
    second.load_state_dict(first.state_dict())
    for _ in range(35):
        second.step()
        clock.passes(1.0)
    assert second.dataset()["step"].values.tolist() == whole.dataset()["step"].values.tolist()


def test_log_linear_steps() -> None:
    steps = log_linear_steps(2500)
    assert steps[0] == 0
    assert steps[-1] == 2500
    assert list(steps) == sorted(set(steps))
    assert sum(step < 250 for step in steps) >= 8


@pytest.mark.parametrize("steps", [torch.arange(0, 9, 3), np.arange(0, 9, 3), [0.0, 3.0, 6.0]])
def test_steps_are_numbers_of_any_kind(steps: object) -> None:
    tracker = Tracker(tracked.network(), steps=steps)
    for _ in range(9):
        tracker.step()
    assert tracker.dataset()["step"].values.tolist() == [0, 3, 6]


def test_steps_of_no_training() -> None:
    for wrong in ({"total": 0}, {"total": "x"}, {"total": 10, "early": 1}, {"total": 10, "late": 0}):
        (name, *_) = reversed(wrong)
        with pytest.raises(ValueError, match=f"{name}: expected whole numbers"):
            log_linear_steps(**wrong)

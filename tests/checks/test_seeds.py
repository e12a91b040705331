"""How often checks hold and controls are rejected over fresh draws of data and weights."""

from __future__ import annotations

import pytest

from lowcomplex import checks
from lowcomplex.checks import Verdict

SEEDS = range(100, 120)


@pytest.mark.slow
@pytest.mark.parametrize("name", checks.names())
def test_holds_for_nearly_every_draw(name: str) -> None:
    verdicts = [checks.run(name, seed) for seed in SEEDS]
    assert all(isinstance(verdict, Verdict) for verdict in verdicts)
    failed = [verdict.seed for verdict in verdicts if not verdict.passed]
    missed = [verdict.seed for verdict in verdicts if verdict.control != "rejected"]
    # With a pass rate of 99 %, more than one of twenty fails once in sixty studies.
    assert len(failed) <= 1, f"failed at the seeds {failed}"
    assert len(missed) <= 1, f"controls not rejected at the seeds {missed}"

from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.checks import _rank_collapse as module
from lowcomplex.predictions import RankCollapse, rank_collapse


def test_verdict() -> None:
    verdict = module.CHECK.run(seed=1)
    assert verdict.as_expected, verdict


@pytest.mark.parametrize("part", ["blow_up", "frozen"])
def test_a_wrong_limit_is_refuted(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    def wrong(*args: Any) -> RankCollapse:
        collapse = rank_collapse(*args)
        return collapse._replace(**{part: 1.01 * getattr(collapse, part)})

    monkeypatch.setattr(module, "rank_collapse", wrong)
    assert not all(comparison.passed for comparison in module.observe(1, depths=(3,)))

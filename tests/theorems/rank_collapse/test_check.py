from __future__ import annotations

from typing import Any

import pytest

from lowcomplex.predictions import rank_collapse
from lowcomplex.theorems.rank_collapse import check as module
from lowcomplex.theorems.rank_collapse.formula import RankCollapse


@pytest.mark.parametrize("part", ["blow_up", "frozen"])
def test_a_wrong_limit_is_refuted(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    def wrong(*args: Any) -> RankCollapse:
        collapse = rank_collapse(*args)
        return collapse._replace(**{part: 1.01 * getattr(collapse, part)})

    monkeypatch.setattr(module, "rank_collapse", wrong)
    assert not all(comparison.passed for comparison in module.observe(1, depths=(3,)))

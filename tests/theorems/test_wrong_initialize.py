"""Checks that start through `initialize` turn red if it puts networks at the wrong scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn

from lowcomplex import checks, initialize
from lowcomplex.theorems.gamma_law.check import _slope
from lowcomplex.theorems.observations import softmax_attention
from lowcomplex.training import displacement, starts


def _factor(module: nn.Module, gamma: float, **settings: Any) -> Any:
    """Standard deviations 10 % too large."""
    table = initialize(module, gamma, **settings)
    with torch.no_grad():
        for name in table["name"]:
            module.get_parameter(name).mul_(1.1)
    return table


def _exponent(
    module: nn.Module, gamma: float, *, parts: Mapping[str, float] | None = None, **settings: Any
) -> Any:
    """Rates 10 % too large."""
    wrong = {name: 1.1 * rate for name, rate in (parts or {}).items()}
    return initialize(module, 1.1 * gamma, parts=wrong, **settings)


# A slope in γ, such as the γ law's, knows no factor.
@pytest.mark.parametrize(
    ("name", "wrong", "conditions"),
    [
        ("linear_stage", _factor, {}),
        ("linear_stage", _exponent, {}),
        ("gamma_law", _exponent, {"depths": (2,)}),
        ("escape_time", _factor, {}),
        ("escape_time", _exponent, {}),
        ("rank_collapse", _factor, {"depths": (3,)}),
        ("escape_power_law", _factor, {"multiplicities": (2,)}),
        ("embedding_dynamics", _factor, {"parts": ("tokens",)}),
        ("adam_embedding_stage", _factor, {"transformer": False, "escape": False}),
        ("query_key_stage", _factor, {}),
        ("residual_stream", _factor, {"final_norm_sigmas": None, "inner_norms": False}),
        ("residual_stream", _exponent, {"final_norm_sigmas": None, "inner_norms": False}),
    ],
)
def test_a_wrong_initialization_turns_the_check_red(
    name: str, wrong: Any, conditions: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    check = checks.get(name)
    right = check.judge(check.observe(0, **conditions), check.law)
    assert all(comparison.passed for comparison in right)
    for room in (starts, displacement, softmax_attention):
        monkeypatch.setattr(room, "initialize", wrong)
    # The check keeps its trainings, since its controls ask for them again.
    _slope.cache_clear()
    observed = check.judge(check.observe(0, **conditions), check.law)
    _slope.cache_clear()
    assert not all(comparison.passed for comparison in observed)

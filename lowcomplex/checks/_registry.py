"""The checks by name."""

from __future__ import annotations

from lowcomplex._names import require_known
from lowcomplex.checks import (
    _adam_directions,
    _adam_embedding_stage,
    _attention_condensation,
    _balancedness,
    _circle_ntk,
    _deep_linear_modes,
    _diagonal_linear,
    _embedding_dynamics,
    _escape_power_law,
    _escape_time,
    _gamma_law,
    _greedy_low_rank,
    _lazy_limit,
    _lazy_splines,
    _linear_frequency_principle,
    _linear_stage,
    _orthonormal_relu,
    _phase_diagram,
    _query_key_stage,
    _random_cosines,
    _random_effective_rank,
    _random_stable_rank,
    _rank_collapse,
    _relu_directions,
    _residual_stream,
    _tensor_directions,
)
from lowcomplex.checks._check import Check
from lowcomplex.checks._verdict import Verdict

_CHECKS: dict[str, Check] = {
    module.CHECK.prediction.name: module.CHECK
    for module in (
        _linear_stage,
        _escape_time,
        _adam_directions,
        _escape_power_law,
        _rank_collapse,
        _adam_embedding_stage,
        _tensor_directions,
        _gamma_law,
        _phase_diagram,
        _balancedness,
        _deep_linear_modes,
        _diagonal_linear,
        _relu_directions,
        _circle_ntk,
        _attention_condensation,
        _embedding_dynamics,
        _lazy_limit,
        _random_effective_rank,
        _random_stable_rank,
        _random_cosines,
        _lazy_splines,
        _query_key_stage,
        _orthonormal_relu,
        _residual_stream,
        _linear_frequency_principle,
        _greedy_low_rank,
    )
}


def names() -> tuple[str, ...]:
    """The names of all checks, which are those of their predictions."""
    return tuple(_CHECKS)


def get(name: str) -> Check:
    """The check of that name.

    Raises:
        ValueError: There is none.
    """
    require_known("name", name, _CHECKS)
    return _CHECKS[name]


def run(name: str, seed: int = 0) -> Verdict:
    """Run one check.

    Args:
        name: The prediction's name.
        seed: Seed of data and weights.

    Returns:
        The verdict, with its controls.

    Raises:
        ValueError: There is no check of that name.
        ArithmeticError: The check could not run; that is an error, never a pass.
    """
    return get(name).run(seed)

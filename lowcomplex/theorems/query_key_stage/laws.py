"""The law of the second stage, and wrong ones that a trained layer refutes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._mutants import changed, scaled, shifted
from lowcomplex.theorems.formulas.attention_tokens import query_key_matrix
from lowcomplex.theorems.query_key_stage.formula import (
    QueryKeyStage,
    ValuePlateau,
    escape_from_plateau,
    query_key_stage,
    query_rank_exponent,
    value_plateau,
    value_velocity,
)

Array = NDArray[np.float64]


class Law(NamedTuple):
    """The formulas of the second stage.

    Attributes:
        plateau: Where the value path rests, from the data.
        velocity: How it moves there.
        stage: Query and key a time after they were on the plateau.
        escape: Time until they have lowered the loss by a drop.
        exponent: Of s2/s1 of W_Q at the escape in σ.
    """

    plateau: Callable[[Array, Array], ValuePlateau]
    velocity: Callable[[Array, Array, Array], Array]
    stage: Callable[[Array, Array, Array, float], QueryKeyStage]
    escape: Callable[..., float]
    exponent: Callable[[Array], float]


def plateau_of(inputs: Array, targets: Array) -> ValuePlateau:
    """`value_plateau`, which mutants of the other formulas need again for the same data."""
    return _stored(inputs.shape, inputs.tobytes(), targets.tobytes())


@lru_cache(maxsize=4)
def _stored(shape: tuple[int, ...], inputs: bytes, targets: bytes) -> ValuePlateau:
    return value_plateau(np.frombuffer(inputs).reshape(shape), np.frombuffer(targets))


def _at_zero_output(inputs: Array, targets: Array) -> ValuePlateau:
    plateau = plateau_of(inputs, targets)
    return plateau._replace(matrix=query_key_matrix(inputs, targets, plateau.direction))


def _radial_too_fast(direction: Array, inputs: Array, targets: Array) -> Array:
    """The velocity with 2.2 β βᵀ in the place of 2 β βᵀ, which makes a radial velocity 3.2/3 as large."""
    velocity = value_velocity(direction, inputs, targets)
    unit = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    faster: Array = velocity + 0.2 / 3 * (unit * velocity).sum(-1, keepdims=True) * unit
    return faster


def _other_power(direction: Array, inputs: Array, targets: Array) -> Array:
    power: Array = np.linalg.norm(direction, axis=-1, keepdims=True) ** 0.1
    return power * value_velocity(direction, inputs, targets)


LAW = Law(plateau_of, value_velocity, query_key_stage.evaluate, escape_from_plateau, query_rank_exponent)

MUTANTS = {
    "β* 10 % too far": LAW._replace(plateau=changed(plateau_of, "direction", lambda beta: 1.1 * beta)),
    "plateau's loss 10 % too high": LAW._replace(plateau=changed(plateau_of, "loss", lambda v: 1.1 * v)),
    "rates of approach 10 % too fast": LAW._replace(
        plateau=changed(plateau_of, "rates", lambda rates: 1.1 * rates)
    ),
    "F at zero output": LAW._replace(plateau=_at_zero_output),
    "velocity |β|^(4/3 + 0.1)": LAW._replace(velocity=_other_power),
    "velocity with 2.2 β βᵀ": LAW._replace(velocity=_radial_too_fast),
    "velocity uphill": LAW._replace(velocity=scaled(value_velocity, -1.0)),
    "growth 1 % too fast": LAW._replace(
        stage=lambda query, key, matrix, time: query_key_stage(query, key, matrix, 1.01 * time)
    ),
    "F of the other sign": LAW._replace(
        stage=lambda query, key, matrix, time: query_key_stage(query, key, -matrix, time)
    ),
    "escape: 4.4 Δ": LAW._replace(
        escape=lambda query, key, matrix, drop: escape_from_plateau(query, key, matrix, drop=1.1 * drop)
    ),
    "escape at the rate 2.2 s1": LAW._replace(escape=scaled(escape_from_plateau, 1 / 1.1)),
    "rank exponent 10 % too large": LAW._replace(exponent=scaled(query_rank_exponent, 1.1)),
    "rank exponent + 0.1": LAW._replace(exponent=shifted(query_rank_exponent, 0.1)),
    "rank exponent of the other sign": LAW._replace(exponent=scaled(query_rank_exponent, -1.0)),
}

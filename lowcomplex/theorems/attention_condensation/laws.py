"""The law of the first stage, and wrong ones that a trained layer refutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lowcomplex.theorems._mutants import changed, scaled
from lowcomplex.theorems.attention_condensation.formula import (
    AttentionCondensation,
    attention_condensation,
    query_key_change,
)
from lowcomplex.theorems.formulas.attention_tokens import condensation_vector

Array = NDArray[np.float64]


class Law(NamedTuple):
    """The formulas of the first stage.

    Attributes:
        vector: v, from the data.
        stop: The network when the loss has fallen by a share.
        change: How far query and key have moved by then.
    """

    vector: Callable[[Array, Array], Array]
    stop: Callable[..., AttentionCondensation]
    change: Callable[..., Array]


def _last_token(inputs: Array, targets: Array) -> Array:
    vector: Array = targets @ inputs[:, -1] / len(targets)
    return vector


def _stop(
    factor: float = 1.0, power: float = 0.0, blow_up: float = 1.0
) -> Callable[..., AttentionCondensation]:
    """The law of the stop with W_V's norm times factor · (δ/λ)^power, or another blow-up time."""

    def wrong(*path: Array, sigma: Array, share: float) -> AttentionCondensation:
        true = attention_condensation(*path, sigma=sigma, share=share)
        size = factor * (share / np.linalg.norm(path[-1])) ** power
        late, tail = true.blow_up_time / np.asarray(sigma), true.blow_up_time / np.asarray(sigma) - true.time
        return AttentionCondensation(
            blow_up * late - tail / size, blow_up * true.blow_up_time, true.ratio / size, true.tilt / size
        )

    return wrong


def _tail(factor: float) -> Callable[..., AttentionCondensation]:
    """The law of the stop with the time's second term times a factor."""

    def wrong(*path: Array, sigma: Array, share: float) -> AttentionCondensation:
        true = attention_condensation(*path, sigma=sigma, share=share)
        late = true.blow_up_time / np.asarray(sigma)
        return true._replace(time=late - factor * (late - true.time))

    return wrong


def _change_with_power(*pair: Array, share: Array) -> Array:
    change: Array = query_key_change(*pair, share=share) * np.asarray(share) ** 0.1
    return change


LAW = Law(condensation_vector, attention_condensation.evaluate, query_key_change)

MUTANTS = {
    "v of the last token": LAW._replace(vector=_last_token),
    "v with the opposite sign": LAW._replace(vector=scaled(condensation_vector, -1.0)),
    "blow-up 1 % too late": LAW._replace(stop=_stop(blow_up=1.01)),
    "the stop's second term 10 % too large": LAW._replace(stop=_tail(1.1)),
    "the stop's second term of the other sign": LAW._replace(stop=_tail(-1.0)),
    "nine tenths of the stop's second term dropped": LAW._replace(stop=_tail(0.1)),
    "W_V's norm (δ/λ)^(1/3 + 0.1)": LAW._replace(stop=_stop(power=0.1)),
    "ratio of singular values 10 % too large": LAW._replace(
        stop=changed(attention_condensation.evaluate, "ratio", lambda ratio: 1.1 * ratio)
    ),
    "tilt 10 % too large": LAW._replace(
        stop=changed(attention_condensation.evaluate, "tilt", lambda tilt: 1.1 * tilt)
    ),
    "change of query and key 10 % too large": LAW._replace(change=scaled(query_key_change, 1.1)),
    "change of query and key as δ^(2/3 + 0.1)": LAW._replace(change=_change_with_power),
}

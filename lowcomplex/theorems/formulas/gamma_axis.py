"""Where lazy training ends on the γ axis, for each way in which a network can grow.

All matrices start as N(0, d_in^(-2γ)). As the width m grows, the input dimension is d = m^r and inputs have
the norm m^s: r = 0 are fixed data, (r, s) = (1, 0) unit inputs as wide as the network, (1, 1/2) what follows
a layer normalization.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def critical_gamma(
    depth: ArrayLike, inputs_exponent: ArrayLike = 1.0, norm_exponent: ArrayLike = 0.0
) -> Array:
    """γ between lazy and rich training of L weight matrices as the width m → ∞.

    It is (L + 2s)/(2(L - 1 + r)) for L >= 3, and (1 + s)/(2r) for L = 2: 1/2 at any depth for growing unit
    inputs, and 1/2 + 1/(2L) if their norm is sqrt(m). For fixed inputs it is L/(2(L - 1)): the first layer
    never moves, and hands on inputs of norm sqrt(m) to the L - 1 others. With only one other the network is a
    linear model, so for L = 2 on fixed inputs there is no boundary.

    Derived: the exponent in m of the relative change of the tangent features vanishes, see `regime_at`. For
    L = 2 it is Luo et al.'s line γ_L - γ' = 1 at (γ_L, γ') = (γ(1 + r) - s, γ(1 - r)).

    Args:
        depth: Number L of weight matrices, at least 2.
        inputs_exponent: r in [0, 1], d = m^r.
        norm_exponent: s, the inputs' norm m^s; above -1. All three broadcast.

    Returns:
        The boundary; infinite where every γ is lazy.

    Raises:
        ValueError: A parameter outside of its range.

    Example:
        >>> critical_gamma([2, 3, 4], norm_exponent=0.5).tolist()
        [0.75, 0.6666666666666666, 0.625]
    """
    layers, r, s = _exponents(depth, inputs_exponent, norm_exponent)
    with np.errstate(divide="ignore", over="ignore"):
        two = (1 + s) / (2 * r)
    return np.where(layers == 2, two, (layers + 2 * s) / (2 * (layers - 1 + r)))


def displacement_exponent(
    gamma: ArrayLike, depth: ArrayLike, inputs_exponent: ArrayLike = 1.0, norm_exponent: ArrayLike = 0.0
) -> Array:
    """Exponent e of the relative displacement of all weights in the width, RD ~ m^e.

    In the lazy regime it is that of the least displacement that fits, 1/sqrt(K) for the kernel K, over ‖θ_0‖.
    In the rich regime all matrices end with one gain, whose product is 1, except that a first matrix which
    starts with more than its share keeps its start. For r = 1, s = 0 this is `width_exponent`.

    Args:
        gamma: Initialization rate.
        depth: Number L of weight matrices, at least 2.
        inputs_exponent: r in [0, 1], d = m^r.
        norm_exponent: s, the inputs' norm m^s; above -1. All four broadcast.

    Returns:
        e.

    Raises:
        ValueError: A parameter outside of its range.
    """
    rate = np.asarray(gamma, dtype=float)
    if not np.isfinite(rate).all():
        raise ValueError("gamma: expected finite initialization rates")
    layers, r, s = _exponents(depth, inputs_exponent, norm_exponent)
    first_gain = 0.5 - rate * r
    later = np.where(layers == 2, 0.5 - rate, 1 - rate)
    size = np.maximum((1 + r) / 2 - rate * r, later)
    kernel = 2 * s + (layers - 2) * (1 - 2 * rate) + np.maximum(1 - 2 * rate, 2 * first_gain)
    alike = -s / layers
    rich = np.where(first_gain <= alike, alike, -(s + first_gain) / (layers - 1))
    is_lazy = rate <= critical_gamma(layers, r, s)
    exponent: Array = np.where(is_lazy, -kernel / 2, rich) - size
    return exponent


class Family(NamedTuple):
    """One way to grow.

    Attributes:
        words: The way, in words.
        boundary: γ between lazy and rich as m → ∞.
        exponent: Exponent of the relative displacement of all weights in m.
    """

    words: str
    boundary: float
    exponent: float


def families(gamma: float, depth: int) -> tuple[Family, ...]:
    """Boundary and exponent for the three ways to grow, at one γ and depth.

    Args:
        gamma: Initialization rate.
        depth: Number of weight matrices.

    Returns:
        For fixed inputs, inputs as wide as the network of fixed norm, and the same of norm sqrt(m).
    """
    ways = (
        ("inputs stay as they are", 0.0, 0.0),
        ("inputs grow with the width, their norm stays", 1.0, 0.0),
        ("inputs grow with the width, their norm is its root", 1.0, 0.5),
    )
    return tuple(
        Family(words, float(critical_gamma(depth, r, s)), float(displacement_exponent(gamma, depth, r, s)))
        for words, r, s in ways
    )


def _exponents(depth: ArrayLike, r: ArrayLike, s: ArrayLike) -> tuple[Array, Array, Array]:
    layers, inputs, norm = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (depth, r, s)))
    if not (layers >= 2).all():
        raise ValueError("depth: expected at least two weight matrices")
    if not ((inputs >= 0) & (inputs <= 1)).all():
        raise ValueError(
            "inputs_exponent: expected 0 for fixed inputs up to 1 for inputs as wide as the network"
        )
    if not (np.isfinite(norm) & (norm > -1)).all():
        raise ValueError("norm_exponent: expected a finite exponent above -1")
    return layers, inputs, norm

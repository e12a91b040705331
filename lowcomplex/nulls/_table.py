"""The null of each weight measure, by the measure's name."""

from __future__ import annotations

from lowcomplex._names import require_known
from lowcomplex.nulls._cosines import (
    random_condensed_directions,
    random_effective_directions,
    random_mean_cosine,
    random_mean_squared_cosine,
)
from lowcomplex.nulls._null import Null
from lowcomplex.nulls._ranks import (
    random_effective_rank,
    random_nuclear_rank,
    random_numerical_rank,
    random_participation_ratio,
    random_spectral_entropy,
    random_stable_rank,
)


def null_of(measure: str, m: int, n: int) -> Null:
    """What a weight measure gives on an m x n matrix of independent Gaussian entries.

    Args:
        measure: Name of a measure in `lowcomplex.measures` that returns one number a weight matrix, such as
            "stable_rank".
        m: Rows: neurons.
        n: Columns: inputs.

    Returns:
        Mean, standard deviation and, by `Null.quantile`, quantiles.

    Raises:
        ValueError: An unknown measure, or a size out of range.

    Example:
        >>> null_of("participation_ratio", 1, 7).value
        1.0
    """
    nulls = {
        "effective_rank": random_effective_rank,
        "stable_rank": random_stable_rank,
        "participation_ratio": random_participation_ratio,
        "nuclear_rank": random_nuclear_rank,
        "spectral_entropy": random_spectral_entropy,
        "numerical_rank": random_numerical_rank,
        "mean_cosine": random_mean_cosine,
        "mean_squared_cosine": random_mean_squared_cosine,
        "effective_directions": random_effective_directions,
        "condensed_directions": random_condensed_directions,
    }
    require_known("measure", measure, nulls)
    return nulls[measure](m, n)

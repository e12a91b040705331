"""Nulls: the distribution of each measure on random Gaussian weights of the same shape."""

from lowcomplex.nulls._cosines import (
    largest_random_share,
    pair_probability,
    random_condensed_directions,
    random_cosines,
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
    random_singular_values,
    random_spectral_entropy,
    random_stable_rank,
)
from lowcomplex.nulls._trajectory import random_walk_spectrum

__all__ = [
    "Null",
    "largest_random_share",
    "pair_probability",
    "random_condensed_directions",
    "random_cosines",
    "random_effective_directions",
    "random_effective_rank",
    "random_mean_cosine",
    "random_mean_squared_cosine",
    "random_nuclear_rank",
    "random_numerical_rank",
    "random_participation_ratio",
    "random_singular_values",
    "random_spectral_entropy",
    "random_stable_rank",
    "random_walk_spectrum",
]

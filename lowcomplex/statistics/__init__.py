"""Statistics of sweeps: seeds are blocks, arms are paired by seed, and tests that cannot decide report it.

Needs NumPy, SciPy and xarray alone.
"""

from lowcomplex.statistics._association import area_under_curve, rank_correlation
from lowcomplex.statistics._bootstrap import bootstrap
from lowcomplex.statistics._designs import (
    least_effect,
    power,
    power_of_count,
    power_of_equivalence,
    power_of_paired_difference,
)
from lowcomplex.statistics._equivalence import Equivalence, equivalence
from lowcomplex.statistics._estimate import Decidability, Estimate, decidable
from lowcomplex.statistics._multiple import benjamini_hochberg, holm
from lowcomplex.statistics._permutation import exchanged_arms, paired_difference, unpaired_difference
from lowcomplex.statistics._power import power_of_area, power_of_rank_correlation
from lowcomplex.statistics._selection import Best, best_arm
from lowcomplex.statistics._shares import share

__all__ = [
    "Best",
    "Decidability",
    "Equivalence",
    "Estimate",
    "area_under_curve",
    "benjamini_hochberg",
    "best_arm",
    "bootstrap",
    "decidable",
    "equivalence",
    "exchanged_arms",
    "holm",
    "least_effect",
    "paired_difference",
    "power",
    "power_of_area",
    "power_of_count",
    "power_of_equivalence",
    "power_of_paired_difference",
    "power_of_rank_correlation",
    "rank_correlation",
    "share",
    "unpaired_difference",
]

"""Statistics of sweeps: seeds are blocks, arms are paired by seed, and tests that cannot decide report it.

Needs NumPy, SciPy and xarray alone.
"""

from lowcomplex.statistics._association import area_under_curve, rank_correlation
from lowcomplex.statistics._bootstrap import bootstrap
from lowcomplex.statistics._estimate import Estimate
from lowcomplex.statistics._multiple import benjamini_hochberg, holm
from lowcomplex.statistics._power import power_of_area, power_of_rank_correlation
from lowcomplex.statistics._shares import share

__all__ = [
    "Estimate",
    "area_under_curve",
    "benjamini_hochberg",
    "bootstrap",
    "holm",
    "power_of_area",
    "power_of_rank_correlation",
    "rank_correlation",
    "share",
]

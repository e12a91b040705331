"""The predictions by name: `predictions.gamma_law(…)`; `predictions.list()` shows all. No torch here.

Each is defined in `lowcomplex.theorems.NAME.formula`, beside the companion formulas of its theorem, and is
imported at its first use. The stub beside this file states all signatures for type checkers and editors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowcomplex import theorems
from lowcomplex.predictions._list import list as list
from lowcomplex.theorems._prediction import Prediction as Prediction
from lowcomplex.theorems._prediction import Regime as Regime
from lowcomplex.theorems.formulas.gamma_axis import Family as Family
from lowcomplex.theorems.formulas.gamma_axis import critical_gamma as critical_gamma
from lowcomplex.theorems.formulas.gamma_axis import displacement_exponent as displacement_exponent
from lowcomplex.theorems.formulas.gamma_axis import families as families
from lowcomplex.theorems.formulas.regime_at import GammaRegime as GammaRegime
from lowcomplex.theorems.formulas.regime_at import regime_at as regime_at

GENERAL = (
    "Family",
    "GammaRegime",
    "Prediction",
    "Regime",
    "critical_gamma",
    "displacement_exponent",
    "families",
    "regime_at",
)


def __getattr__(name: str) -> Any:
    if name == "__all__":
        # Without `list`: `from lowcomplex.predictions import *` must not hide Python's own.
        return sorted((*GENERAL, *theorems.folders()))
    if name in theorems.folders():
        return theorems.formula(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> Sequence[str]:
    return sorted((*GENERAL, "list", *theorems.folders()))

"""Closed forms: one theorem a file, symbolic and in numpy. No torch here."""

from lowcomplex.predictions._prediction import Prediction, Regime

__all__ = ["Prediction", "Regime"]

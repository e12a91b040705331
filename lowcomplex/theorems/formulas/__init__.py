"""Formulas that several theorems share."""

"""The rates of the study of the γ law; no torch."""

from __future__ import annotations

GAMMAS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5)

"""The curve that the study of the frequency principle fits, and when a frequency counts as learned."""

from __future__ import annotations

from lowcomplex.tasks import Curve

CURVE = Curve()
LEARNED = 0.2

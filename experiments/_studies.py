"""The studies of the main job."""

from __future__ import annotations

import importlib
from difflib import get_close_matches

from experiments._study import Study

# Cheap ones first: a figure within two minutes.
NAMES = ("gamma_axis", "two_layer_condensation", "frequency_principle", "anchor_gamma")


def study(name: str) -> Study:
    """The study of that name.

    Raises:
        ValueError: There is none.
    """
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        raise ValueError(
            f"study: expected one of {', '.join(NAMES)}, got {name!r}"
            + (f"; did you mean {near[0]!r}?" if near else "")
        )
    found: Study = importlib.import_module(f"experiments.{name}").STUDY
    return found

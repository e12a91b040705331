"""The figures by name, in the order of the report."""

from __future__ import annotations

import importlib
from difflib import get_close_matches

from paper_figs._figure import Figure

NAMES = (
    "gamma_law",
    "neurons_condensing",
    "condensation_in_time",
    "learned_spectrum",
    "learning_times",
    "anchor_accuracies",
    "anchor_offsets",
    "query_cosines",
    "embedding_components",
    "stable_rank",
    "effective_rank",
    "token_map",
    "rank_and_composition",
)


def figure(name: str) -> Figure:
    """The figure of that name.

    Raises:
        ValueError: There is none.
    """
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        raise ValueError(
            f"figure: expected one of {', '.join(NAMES)}, got {name!r}"
            + (f"; did you mean {near[0]!r}?" if near else "")
        )
    found: Figure = importlib.import_module(f"paper_figs.{name}").FIGURE
    return found

"""The names in datasets of the anchor task: groups of answers, phases, pairs, sites; no torch."""

from __future__ import annotations

from typing import Literal

# When a run is recorded, as shares of its updates.
FRACTIONS = (0, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 1)


def record_steps(length: int) -> dict[int, float]:
    """The fraction of training at each step that is recorded of a run of so many updates.

    Fractions that round to one step are recorded once, under the fraction that is nearest to the step.
    """
    found: dict[int, float] = {}
    for fraction in FRACTIONS:
        step = round(fraction * length)
        if step not in found or abs(fraction * length - step) < abs(found[step] * length - step):
            found[step] = fraction
    return found


# Answers: to trained pairs, and to the pair that is not, where they compose or mirror. A run's phase is what
# most of its answers to that pair are.
TRAINED = ("seen_train_keys", "seen_test_keys")
Phase = Literal["inferential", "symmetric", "neither"]
UNTRAINED: tuple[Phase, ...] = ("inferential", "symmetric")
GROUPS = (*TRAINED, *UNTRAINED)
NEITHER: Phase = "neither"
PHASES: tuple[Phase, ...] = (*UNTRAINED, NEITHER)
NOT_CONVERGED = "not converged"
PAIRS = ("seen", "unseen")

WEIGHT_MEASURES = (
    "effective_rank",
    "stable_rank",
    "participation_ratio",
    "numerical_rank",
    "condensed_directions",
    "effective_directions",
)
# The parts that the variance over anchor pairs is split into.
COMPONENTS = (
    "additive_symmetric",
    "additive_antisymmetric",
    "interaction_symmetric",
    "interaction_antisymmetric",
)
# What makes two samples alike.
CLASSES = ("target", "intermediate", "unordered_pair")

# What a position of a sequence holds; the edges between them; and the answers that a cut edge may cost.
ANCHORS = ("first anchor", "second anchor")
ROLES = ("before", "key", *ANCHORS, "after", "last")
SOURCES = ("key", *ANCHORS, "other")
TARGETS = (*ANCHORS, "last")
ASKED_GROUPS = (TRAINED[0], *UNTRAINED)
SITES = ("value", "residual")

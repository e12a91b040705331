"""The names in datasets of the anchor task: groups of answers, phases, pairs, sites; no torch."""

from __future__ import annotations

# When a run is recorded, as shares of its updates.
FRACTIONS = (0, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 1)

# Of answers, and the variables and phases that they name.
GROUPS = ("seen_train_keys", "seen_test_keys", "inferential", "symmetric")
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
# What makes two samples alike.
CLASSES = ("target", "intermediate", "unordered_pair")

# What a position of a sequence holds; the edges between them; and the answers that a cut edge may cost.
ROLES = ("before", "key", "first anchor", "second anchor", "after", "last")
SOURCES = ("key", "first anchor", "second anchor", "other")
TARGETS = ("first anchor", "second anchor", "last")
ASKED_GROUPS = ("seen_train_keys", "inferential", "symmetric")
SITES = ("value", "residual")

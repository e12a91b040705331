"""The names in the anchor task's datasets agree with the functions and parameters that they name."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

from experiments.anchor.pair_decomposition import PairDecomposition
from experiments.anchor.schema import COMPONENTS, GROUPS, NOT_CONVERGED, PHASES
from lowcomplex.tasks import AnchorAnswers
from lowcomplex.tasks.anchor_answers import Phase


def test_names_are_those_of_the_library() -> None:
    assert tuple(field.name for field in fields(PairDecomposition)) == COMPONENTS
    assert set(get_args(Phase)) == {*PHASES, NOT_CONVERGED}
    assert {*GROUPS} <= {field.name for field in fields(AnchorAnswers)}

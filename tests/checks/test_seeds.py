"""How often checks hold and controls are rejected over fresh draws of data and weights."""

from __future__ import annotations

import pytest

from lowcomplex import checks

SEEDS, FIRST = 20, 100


@pytest.mark.slow
@pytest.mark.parametrize("name", checks.names())
def test_holds_for_nearly_every_draw(name: str) -> None:
    (repetition,) = checks.repeat([name], seeds=SEEDS, first=FIRST, workers=1)
    assert not repetition.errors
    assert repetition.as_expected, repetition.to_dict()

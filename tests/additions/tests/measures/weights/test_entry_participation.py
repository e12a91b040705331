import pytest
import torch

from lowcomplex.measures import entry_participation


def test_equal_entries_and_one() -> None:
    assert float(entry_participation(-torch.ones(3, 4))) == 1
    W = torch.zeros(3, 4)
    W[1, 2] = 5
    assert float(entry_participation(W)) == pytest.approx(1 / 12)

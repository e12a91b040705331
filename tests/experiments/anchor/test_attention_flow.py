from __future__ import annotations

import pytest
import torch
from torch import Tensor

from experiments.anchor.attention_flow import attention_flow


def _attention(*shape: int) -> Tensor:
    scores = torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    future = torch.ones(shape[-2:]).triu(1).bool()
    return scores.masked_fill(future, -torch.inf).softmax(-1)


def test_agrees_with_counting() -> None:
    attention = _attention(2, 7, 3, 5, 5)
    roles = torch.randint(0, 3, (7, 5), generator=torch.Generator().manual_seed(1))
    found = attention_flow(attention, roles, 3)
    assert found.shape == (2, 3, 3)
    for target in range(3):
        for source in range(3):
            masses = [
                attention[1, i, :, q, roles[i] == source].sum(-1).mean()
                for i in range(7)
                for q in range(5)
                if roles[i, q] == target
            ]
            assert float(found[1, target, source]) == pytest.approx(float(torch.stack(masses).mean()))
    torch.testing.assert_close(found.sum(-1), torch.ones(2, 3, dtype=torch.float64))


def test_uniform_attention_is_the_share_of_positions() -> None:
    attention = torch.ones(1, 1, 4, 4).tril() / torch.arange(1.0, 5)[:, None]
    found = attention_flow(attention, torch.tensor([[0, 0, 1, 2]]), 4)
    torch.testing.assert_close(found[2], torch.tensor([0.5, 0.25, 0.25, 0.0]))
    assert found[3].isnan().all()


def test_bad_input() -> None:
    attention, roles = _attention(7, 3, 5, 5), torch.zeros(7, 5, dtype=torch.long)
    with pytest.raises(ValueError, match=r"got \(7, 3, 5, 5\) and \(6, 5\)"):
        attention_flow(attention, roles[:6], 3)
    with pytest.raises(ValueError, match=r"roles: expected integers in 0\.\.2"):
        attention_flow(attention, roles + 3, 3)
    with pytest.raises(TypeError, match="roles: expected integers"):
        attention_flow(attention, roles.double(), 3)
    with pytest.raises(ValueError, match="NaN"):
        attention_flow(torch.nan * attention, roles, 3)

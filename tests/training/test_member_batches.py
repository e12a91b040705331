from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from lowcomplex.training import MemberBatches, member_cross_entropy


def test_every_epoch_holds_every_sample_once() -> None:
    batches = MemberBatches(12, 4, seeds=(0, 1, 2))
    first, second = (torch.cat([batches.draw() for _ in range(3)], 1) for _ in range(2))
    for epoch in (first, second):
        assert torch.equal(epoch.sort(1).values, torch.arange(12).expand(3, 12))
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])


def test_a_last_batch_that_is_not_full_is_left_out() -> None:
    batches = MemberBatches(10, 4, seeds=(0,))
    drawn = [batches.draw()[0] for _ in range(4)]
    assert len(torch.cat(drawn[:2]).unique()) == 8
    assert len(torch.cat(drawn[2:]).unique()) == 8


def test_an_order_depends_on_its_seed_alone() -> None:
    together, alone = MemberBatches(20, 6, seeds=(4, 7)), MemberBatches(20, 6, seeds=(7,))
    for _ in range(7):
        assert torch.equal(together.draw()[1], alone.draw()[0])


def test_continues_from_its_state() -> None:
    batches = MemberBatches(10, 3, seeds=(0, 1))
    for _ in range(4):
        batches.draw()
    state = batches.state_dict()
    expected = [batches.draw() for _ in range(5)]
    other = MemberBatches(10, 3, seeds=(5, 6))
    other.load_state_dict(state)
    assert all(torch.equal(other.draw(), batch) for batch in expected)
    with pytest.raises(ValueError, match="state_dict"):
        MemberBatches(10, 3, seeds=(0,)).load_state_dict(state)


def test_bad_sizes() -> None:
    with pytest.raises(ValueError, match="batch: expected 1 to 3"):
        MemberBatches(3, 4, seeds=(0,))
    with pytest.raises(ValueError, match="seeds"):
        MemberBatches(3, 2, seeds=())


@pytest.mark.parametrize("shared", [True, False])
def test_cross_entropy_of_each_member(shared: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 7, 5, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 5, (3, 7), generator=generator)
    labels = labels[0] if shared else labels
    each = [
        functional.cross_entropy(member, wanted)
        for member, wanted in zip(logits, labels.expand(3, 7), strict=True)
    ]
    torch.testing.assert_close(member_cross_entropy(logits, labels), torch.stack(each))
    with pytest.raises(ValueError, match="logits, labels"):
        member_cross_entropy(logits, labels[..., :-1])

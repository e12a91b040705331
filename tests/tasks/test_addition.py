from __future__ import annotations

import pytest
import torch

from lowcomplex.tasks import AdditionTask


@pytest.mark.parametrize("units_first", [False, True])
def test_sums_are_right(units_first: bool) -> None:
    task = AdditionTask(units_first=units_first)
    batch = task.batch(torch.cat((task.train, task.test)))
    spoken = [
        "".join(str(t - 3) if t > 2 else {1: "+", 2: "="}[t] for t in row) for row in batch.tokens.tolist()
    ]
    seen = set()
    for text, labels in zip(spoken, batch.labels[:, 5:].tolist(), strict=True):
        a, b = text[:6].rstrip("=").split("+")
        digits = "".join(str(label - 3) for label in labels)
        assert int(a) + int(b) == int(digits[::-1] if units_first else digits)
        assert text[6:] == digits[:2]
        seen.add((int(a), int(b)))
    assert seen == {(a, b) for a in range(100) for b in range(100)}
    assert (batch.labels[:, :5] == -100).all()


def test_the_block_is_held_out() -> None:
    task = AdditionTask(block=(45, 55))
    assert {divmod(i, 100) for i in task.test.tolist()} == {
        (a, b) for a in range(45, 55) for b in range(45, 55)
    }
    assert set(task.train.tolist()) | set(task.test.tolist()) == set(range(10_000))
    chosen, rest = task.divide(2_000, torch.Generator())
    assert sorted([*chosen.tolist(), *rest.tolist()]) == task.train.tolist()


@pytest.mark.parametrize("block", [(60, 40), (0, 100), (-1, 20), (90, 101)])
def test_bad_input(block: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="block: expected"):
        AdditionTask(block=block)

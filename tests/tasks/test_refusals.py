"""Wrong calls are refused at once, in words that name the argument."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from lowcomplex.tasks import AdditionTask, AnchorTask, ScanTask
from lowcomplex.tasks.sequences import lay_out

KEY = torch.tensor([30])


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("kind: expected one of", lambda: AnchorTask().answers(KEY, torch.tensor([[1, 2]]), kind="rules")),
        ("anchors: expected 2 per key", lambda: AnchorTask().answers(KEY, torch.tensor([[1, 2, 3]]))),
        (
            r"anchors: expected some of .* got \[1, 9\]",
            lambda: AnchorTask().answers(KEY, torch.tensor([[1, 9]])),
        ),
        ("answers: expected one per question, 2", lambda: lay_out(torch.ones(2, 3), torch.ones(3, 2))),
        ("indices: expected 0 to 9999, got 10001", lambda: AdditionTask().batch(torch.tensor([10001]))),
        ("indices: expected 0 to 20909, got -1", lambda: ScanTask().batch(torch.tensor([-1]))),
    ],
)
def test_wrong_calls(words: str, call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        call()

"""Addition of two-digit numbers, with a block of operands that is never trained."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from lowcomplex.tasks.sequences import ListedTask, SequenceBatch, lay_out, require_indices

NUMBERS = 100
_PLUS, _EQUALS, _FIRST_DIGIT = 1, 2, 3


@dataclass(frozen=True)
class AdditionTask(ListedTask):
    """a + b of numbers 0..99, digit by digit; pairs with both operands in the block are never trained.

    A question is the two digits of a, a plus sign, the two digits of b and an equals sign; the answer is the
    three digits of the sum, the units first if `units_first`.

    Attributes:
        block: The pairs (a, b) with first <= a, b < last are held out: (first, last).
        units_first: Order of the answer's digits; a carry then goes the way that they are said.

    Raises:
        ValueError: The block is empty, or holds every pair, or does not lie in 0..100.

    Example:
        >>> task = AdditionTask(block=(40, 60))
        >>> len(task.train), len(task.test)
        (9600, 400)
        >>> task.batch(torch.tensor([[27, 45]]).mul(torch.tensor([100, 1])).sum(1)).labels[0, -3:] - 3
        tensor([0, 7, 2])
    """

    block: tuple[int, int] = (40, 60)
    units_first: bool = False
    vocabulary = _FIRST_DIGIT + 10
    length = 8

    def __post_init__(self) -> None:
        first, last = self.block
        if not 0 <= first < last <= NUMBERS or last - first == NUMBERS:
            raise ValueError(
                f"block: expected 0 <= first < last <= {NUMBERS} with numbers left to train, got {self.block}"
            )

    @property
    def train(self) -> Int[Tensor, " examples"]:
        """Indices 100 a + b of the pairs outside the block."""
        return torch.arange(NUMBERS**2)[~self._held_out()]

    @property
    def test(self) -> Int[Tensor, " examples"]:
        """Indices 100 a + b of the pairs in the block."""
        return torch.arange(NUMBERS**2)[self._held_out()]

    def _held_out(self) -> Tensor:
        number = torch.arange(NUMBERS)
        inside = (number >= self.block[0]) & (number < self.block[1])
        return (inside[:, None] & inside).flatten()

    def batch(self, indices: Int[Tensor, " n"]) -> SequenceBatch:
        """Sums by the indices of their pairs.

        Args:
            indices: 100 a + b of each.

        Returns:
            n sequences of length 8.

        Raises:
            ValueError: An index is not that of a pair.
        """
        require_indices(indices, NUMBERS**2)
        a, b = indices // NUMBERS, indices % NUMBERS
        places = [(a + b) // 100, (a + b) // 10 % 10, (a + b) % 10]
        answers = torch.stack(places[::-1] if self.units_first else places, 1)
        digits = [number.unsqueeze(1) for number in (a // 10, a % 10, b // 10, b % 10)]
        plus, equals = (torch.full_like(digits[0], sign) for sign in (_PLUS, _EQUALS))
        a_tens, a_units, b_tens, b_units = (digit + _FIRST_DIGIT for digit in digits)
        questions = torch.cat((a_tens, a_units, plus, b_tens, b_units, equals), 1)
        return lay_out(questions, answers + _FIRST_DIGIT)

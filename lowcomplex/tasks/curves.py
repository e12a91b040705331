"""One-dimensional targets with known frequencies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Curve:
    """A sum of sines on one period, y(x) = Σ amplitude · sin(2π frequency x), x in [0, 1).

    Attributes:
        frequencies: Cycles per period.
        amplitudes: One for each frequency.

    Raises:
        ValueError: Their numbers differ, or there are none.
    """

    frequencies: tuple[int, ...] = (1, 3, 5)
    amplitudes: tuple[float, ...] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if not self.frequencies or len(self.frequencies) != len(self.amplitudes):
            raise ValueError(
                f"frequencies, amplitudes: expected as many of each, at least one, got "
                f"{len(self.frequencies)} and {len(self.amplitudes)}"
            )

    def positions(self, n: int, *, dtype: torch.dtype = torch.float32) -> Float[Tensor, " n"]:
        """Equally spaced points of one period."""
        return torch.arange(n, dtype=dtype) / n

    def values(self, positions: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """The target at these positions.

        Example:
            >>> Curve((1,), (2.0,)).values(torch.tensor([0.25]))
            tensor([2.])
        """
        frequencies = torch.tensor(self.frequencies, dtype=positions.dtype, device=positions.device)
        amplitudes = torch.tensor(self.amplitudes, dtype=positions.dtype, device=positions.device)
        return torch.sin(2 * math.pi * positions[..., None] * frequencies) @ amplitudes

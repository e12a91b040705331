"""Diagonal linear networks: a linear map whose coefficients are differences of powers."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lowcomplex._numbers import positive


class DiagonalLinear(nn.Module):
    """f(x) = β · x with β = u^p - v^p, started at u = v = α, where β = 0.

    Its gradient flow on an underdetermined problem goes to the least ℓ1 norm as α → 0 and to the least ℓ2
    norm as α → ∞ (Woodworth et al., COLT 2020); see `lowcomplex.predictions.diagonal_linear` for p = 2.

    Args:
        d_in: Input dimension.
        alpha: Initialization scale α.
        power: The depth p.
        dtype: Type of the weights.

    Raises:
        TypeError: A size is not an integer.
        ValueError: A size, the power or the scale is not positive.

    Example:
        >>> DiagonalLinear(3, alpha=0.1)(torch.ones(5, 3, dtype=torch.float64)).shape
        torch.Size([5])
    """

    def __init__(
        self, d_in: int, *, alpha: float, power: int = 2, dtype: torch.dtype = torch.float64
    ) -> None:
        super().__init__()
        for name, size in {"d_in": d_in, "power": power}.items():
            positive(size, name)
        if not (alpha > 0 and math.isfinite(alpha)):
            raise ValueError(f"alpha: expected a positive, finite scale, got {alpha}")
        self.power = power
        self.positive = nn.Parameter(torch.full((d_in,), alpha, dtype=dtype))
        self.negative = nn.Parameter(torch.full((d_in,), alpha, dtype=dtype))

    def coefficients(self) -> Float[Tensor, " inputs"]:
        """The coefficients β."""
        return self.positive**self.power - self.negative**self.power

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch"]:
        """β · x of each input x of size d_in."""
        return x @ self.coefficients()

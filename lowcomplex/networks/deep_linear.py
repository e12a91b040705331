"""Deep linear networks: products of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lowcomplex.networks._widths import require_widths


class DeepLinear(nn.Module):
    """f(x) = W_L … W_1 x: linear layers without bias or activation.

    The weights are PyTorch's defaults until `lowcomplex.initialize` sets their rate γ.

    Args:
        widths: Sizes from input to output, at least two.
        dtype: Type of the weights.

    Raises:
        TypeError: A width is not an integer.
        ValueError: Fewer than two widths, or one that is not positive.

    Example:
        >>> network = DeepLinear((4, 8, 2))
        >>> network(torch.zeros(3, 4, dtype=torch.float64)).shape, network.product().shape
        (torch.Size([3, 2]), torch.Size([2, 4]))
    """

    def __init__(self, widths: Sequence[int], *, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        sizes = require_widths(widths)
        self.layers = nn.ModuleList(nn.Linear(a, b, bias=False, dtype=dtype) for a, b in pairwise(sizes))

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The outputs, of size widths[-1], of inputs of size widths[0]."""
        for layer in self.layers:
            x = layer(x)
        return x

    def product(self) -> Float[Tensor, "outputs inputs"]:
        """The matrix that the network applies."""
        first, *others = (layer.get_parameter("weight") for layer in self.layers)
        matrix: Tensor = first
        for weight in others:
            matrix = weight @ matrix
        return matrix

"""A plain multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from lowcomplex.networks._widths import require_widths
from lowcomplex.networks.activations import activation as activation_named


class MLP(nn.Module):
    """Linear layers with an activation between them.

    Args:
        widths: Sizes from input to output, at least two.
        activation: Name of the activation; see `lowcomplex.networks.activation`.
        bias: Whether layers have a bias.

    Raises:
        TypeError: A width is not an integer.
        ValueError: Fewer than two widths, one that is not positive, or an unknown activation.

    Example:
        >>> MLP((1, 8, 8, 1))(torch.zeros(3, 1)).shape
        torch.Size([3, 1])
    """

    def __init__(self, widths: Sequence[int], *, activation: str = "tanh", bias: bool = True) -> None:
        super().__init__()
        sizes = require_widths(widths)
        self._activation = activation_named(activation)
        self.layers = nn.ModuleList(nn.Linear(a, b, bias=bias) for a, b in pairwise(sizes))

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The outputs, of size widths[-1], of inputs of size widths[0]."""
        *hidden, last = self.layers
        for layer in hidden:
            x = self._activation(layer(x))
        output: Tensor = last(x)
        return output

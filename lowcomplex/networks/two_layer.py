"""The two-layer network of the phase diagram, with explicit scales."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lowcomplex._numbers import positive
from lowcomplex.networks.activations import activation as activation_named


class TwoLayer(nn.Module):
    """f(x) = (1/α) Σ_k a_k s(w_k · (x, 1)), a ~ N(0, β1²), w ~ N(0, β2²).

    The parametrization of the phase diagram (Luo, Xu, Ma, Zhang, JMLR 2021, eq. 2): regimes follow from
    γ_L = -log(β1 β2 / α) / log m and γ'_L = -log(β1 / β2) / log m.

    Args:
        d_in: Input dimension, without the bias.
        width: Number m of neurons.
        d_out: Output dimension.
        activation: Name of the activation; see `lowcomplex.networks.activation`.
        alpha: Output scale α.
        beta1: Standard deviation of the output weights; 1/sqrt(width) if None.
        beta2: Standard deviation of the input weights; 1/sqrt(inputs of a neuron) if None.
        bias: Append a 1 to each input; the bias is then a neuron's last input weight.
        generator: Source of the initial weights.
        dtype: Type of the weights.

    Raises:
        TypeError: A size is not an integer.
        ValueError: A size or scale is not positive, or the activation is unknown.

    Example:
        >>> TwoLayer(1, 5)(torch.zeros(3, 1, dtype=torch.float64)).shape
        torch.Size([3, 1])
    """

    def __init__(
        self,
        d_in: int,
        width: int,
        d_out: int = 1,
        *,
        activation: str = "tanh",
        alpha: float = 1.0,
        beta1: float | None = None,
        beta2: float | None = None,
        bias: bool = True,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        for name, size in {"d_in": d_in, "width": width, "d_out": d_out}.items():
            positive(size, name)
        inputs = d_in + bias
        beta1 = 1 / math.sqrt(width) if beta1 is None else beta1
        beta2 = 1 / math.sqrt(inputs) if beta2 is None else beta2
        for name, scale in {"alpha": alpha, "beta1": beta1, "beta2": beta2}.items():
            if not (scale > 0 and math.isfinite(scale)):
                raise ValueError(f"{name}: expected a positive, finite scale, got {scale}")
        self.alpha, self.bias = alpha, bias
        self._activation = activation_named(activation)
        draw = torch.randn(width, inputs, generator=generator, dtype=dtype)
        self.input_weight = nn.Parameter(beta2 * draw)
        draw = torch.randn(d_out, width, generator=generator, dtype=dtype)
        self.output_weight = nn.Parameter(beta1 * draw)

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The outputs, of size d_out, of inputs of size d_in."""
        if self.bias:
            x = torch.cat((x, x.new_ones(*x.shape[:-1], 1)), -1)
        return self._activation(x @ self.input_weight.mT) @ self.output_weight.mT / self.alpha

"""Neurons with two input weights, such as one input and a bias: an angle and an amplitude each."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import at_least_single
from lowcomplex.measures._validation import finite, matrices


class OrientationAmplitude(NamedTuple):
    """Polar coordinates of two-dimensional neurons.

    Attributes:
        orientation: (..., m) radians in (-π, π]; NaN for a zero neuron, which has none.
        amplitude: (..., m) input norm, times the output weight's norm if there is one.
    """

    orientation: Float[Tensor, "*shape"]
    amplitude: Float[Tensor, "*shape"]


def orientation_amplitude(
    W: Float[Tensor, "*batch neurons 2"], output: Float[Tensor, "*any neurons"] | None = None
) -> OrientationAmplitude:
    """Orientation atan2(w_2, w_1) and amplitude |a| |w| of neurons a σ(w · x) with two input weights.

    Args:
        W: (..., m, 2) input weights; for one input, the second weight is the bias.
        output: (..., m) output weights, or (..., out, m) of several outputs; if None, |a| = 1.

    Returns:
        Both (...). A positive scale of the weights leaves orientations unchanged.

    Null:
        Orientations of independent Gaussian weights of one scale are uniform on the circle.

    Cost:
        Time O(m).

    Misleads:
        Small neurons have orientations, too: without the amplitudes, neurons that never grew look like a
        spread of directions. If the second weight is a bias, angles depend on the unit of the input.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: Neurons are not two-dimensional; `output` has another number of neurons; NaN or infinity.

    Reference:
        Luo, Xu, Ma, Zhang, "Phase diagram", JMLR 2021, which shows condensation in these coordinates.

    Example:
        >>> found = orientation_amplitude(torch.tensor([[0.0, 2.0]]), torch.tensor([-3.0]))
        >>> found.amplitude
        tensor([6.])
    """
    W = at_least_single(matrices(W))
    if W.shape[-1] != 2:
        raise ValueError(f"W: expected neurons with two input weights (..., m, 2), got {tuple(W.shape)}")
    alive = W.abs().amax(-1) > 0
    orientation = torch.where(alive, torch.atan2(W[..., 1], W[..., 0]), torch.nan)
    # hypot neither overflows nor underflows.
    amplitude = torch.hypot(W[..., 0], W[..., 1])
    if output is not None:
        m = W.shape[-2]
        if finite(output, "output").ndim == 0 or output.shape[-1] != m:
            raise ValueError(f"output: expected weights of {m} neurons, got shape {tuple(output.shape)}")
        output = at_least_single(output)
        several = output.ndim == W.ndim and output.ndim >= 2
        amplitude = amplitude * (torch.linalg.vector_norm(output, dim=-2) if several else output.abs())
    # (-π, π]: a negative zero above the negative axis would give -π.
    return OrientationAmplitude(torch.where(orientation == -torch.pi, torch.pi, orientation), amplitude)

"""How far networks of L matrices move from their initialization while they learn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from lowcomplex._numbers import real
from lowcomplex.initialization import initialize
from lowcomplex.networks import MLP

_STOP = 0.02


@dataclass(frozen=True)
class Displacement:
    """What one training moved.

    Attributes:
        relative_displacement: ‖θ - θ_0‖ / ‖θ_0‖ over all matrices.
        relative_displacement_first: The same of the first matrix.
        loss_ratio: Final over initial loss.
        converged: Whether the loss reached the stop.
        evaluations: Gradients computed.
    """

    relative_displacement: float
    relative_displacement_first: float
    loss_ratio: float
    converged: bool
    evaluations: int


def displacement_at(
    inputs: Float[Tensor, "n d"],
    targets: Float[Tensor, " n"],
    gamma: float,
    *,
    hidden: Sequence[int],
    generator: torch.Generator | None = None,
    stop: float = _STOP,
    rtol: float = 1e-3,
    max_evaluations: int = 20_000,
) -> Displacement:
    """Train a bias-free ReLU network that `initialize` puts at γ; measure its displacement.

    All else is as in `displacement_from`.

    Args:
        inputs: The training inputs.
        targets: The training targets.
        gamma: Initialization rate.
        hidden: Width of each hidden layer.
        generator: Source of the draw. Generators in the same state give the same draw at every γ, which makes
            the difference of two displacements less noisy.
        stop: Share of the initial loss at which training ends.
        rtol: Relative tolerance of the solver; the displacement is insensitive to it.
        max_evaluations: Budget after which the run is given up as not converged.

    Returns:
        The displacements and how training ended.

    Raises:
        ValueError: γ is not finite, a matrix has d_in = 1, or as for `displacement_from`.
    """
    network = MLP((inputs.shape[-1], *hidden, 1), activation="relu", bias=False).double()
    initialize(network, gamma, generator=generator)
    weights = [weight.detach() for weight in network.parameters()]
    return displacement_from(inputs, targets, weights, stop=stop, rtol=rtol, max_evaluations=max_evaluations)


def displacement_from(
    inputs: Float[Tensor, "n d"],
    targets: Float[Tensor, " n"],
    weights: list[Float[Tensor, "_ _"]],
    *,
    stop: float = _STOP,
    rtol: float = 1e-3,
    max_evaluations: int = 20_000,
) -> Displacement:
    """Train a bias-free ReLU network from given weights, whatever their scales; measure its displacement.

    The output is centered, f - f_0; the loss is (1/2n) Σ (f - f_0 - y)². The flow is integrated in float64
    by an adaptive Runge-Kutta method. An output scale, f/α, is the same as inputs divided by α.

    Args:
        inputs: The training inputs.
        targets: The training targets.
        weights: Initial matrices, shapes (m, d), (m, m), …, (1, m).
        stop: Share of the initial loss at which training ends.
        rtol: Relative tolerance of the solver; the displacement is insensitive to it.
        max_evaluations: Budget after which the run is given up as not converged.

    Returns:
        The displacements and how training ended.

    Raises:
        ValueError: The shapes do not fit each other, a number is not finite, all targets are zero, or `stop`
            is not in (0, 1).
    """
    from scipy.integrate import RK45

    if inputs.ndim != 2 or targets.shape != inputs.shape[:1]:
        raise ValueError(
            f"inputs, targets: expected (n, d) and (n,), got {tuple(inputs.shape)} and {tuple(targets.shape)}"
        )
    if not (inputs.isfinite().all() and targets.isfinite().all() and bool(targets.any())):
        raise ValueError("inputs, targets: expected finite numbers, and a target that is not zero")
    if not 0 < real(stop, "stop") < 1:
        raise ValueError(f"stop: expected a share of the initial loss in (0, 1), got {stop}")
    sizes = [inputs.shape[-1], *(weight.shape[0] for weight in weights)]
    shapes = [weight.shape for weight in weights]
    if [tuple(shape) for shape in shapes] != list(zip(sizes[1:], sizes, strict=False)) or sizes[-1] != 1:
        raise ValueError(f"weights: expected (m, d), (m, m), …, (1, m) with d = {sizes[0]}, got {shapes}")
    start = torch.cat([weight.double().flatten() for weight in weights])
    if not start.isfinite().all():
        raise ValueError("weights: expected finite numbers")
    x, y = inputs.double(), targets.double()
    offset = _forward(x, _split(start, shapes))[-1].squeeze(-1)
    initial_loss = float(y.square().mean()) / 2

    def residual(theta: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
        matrices = _split(theta, shapes)
        layers = _forward(x, matrices)
        return matrices, layers, layers[-1].squeeze(-1) - offset - y

    def slope(_: float, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        matrices, layers, error = residual(start + torch.from_numpy(moved))
        delta = (error / len(y))[:, None]
        gradients = []
        for index in range(len(matrices) - 1, -1, -1):
            gradients.append((delta.mT @ layers[index]).flatten())
            if index > 0:
                delta = (delta @ matrices[index]) * (layers[index] > 0)
        descent: NDArray[np.float64] = -torch.cat(gradients[::-1]).numpy()
        return descent

    def loss_ratio(moved: NDArray[np.float64]) -> float:
        return float(residual(start + torch.from_numpy(moved))[2].square().mean()) / 2 / initial_loss

    # The displacement itself is integrated, since a lazy network moves by less than the rounding of a
    # tolerance relative to its weights. The first scale is the least displacement that can remove the loss
    # at the initial gradient (lazy), the second that of the initial weights (rich).
    still = np.zeros(len(start))
    steepest = float(np.linalg.norm(slope(0.0, still)))
    scale = min(initial_loss / steepest if steepest > 0 else math.inf, float(start.norm()))
    solver = RK45(slope, 0.0, still, t_bound=np.inf, rtol=rtol, atol=rtol * scale / math.sqrt(len(start)))
    ratio = 1.0
    while ratio > stop and solver.nfev < max_evaluations and solver.status == "running":
        before, ratio_before = solver.y, ratio
        # A trial step out of a plateau may overflow; the solver rejects it.
        with np.errstate(over="ignore", invalid="ignore"):
            solver.step()
        ratio = loss_ratio(solver.y)
    end = solver.y
    if ratio <= stop < ratio_before:
        # The last step overshoots the stop; log L is close to linear within one step.
        share = math.log(stop / ratio_before) / math.log(max(ratio, 1e-300) / ratio_before)
        end = before + share * (end - before)
        ratio = stop
    moved = torch.from_numpy(end)
    first, moved_first = _split(start, shapes)[0], _split(moved, shapes)[0]
    return Displacement(
        relative_displacement=float(moved.norm() / start.norm()),
        relative_displacement_first=float(moved_first.norm() / first.norm()),
        loss_ratio=ratio,
        converged=ratio <= stop,
        evaluations=int(solver.nfev),
    )


def _forward(x: Tensor, matrices: list[Tensor]) -> list[Tensor]:
    """Inputs of every layer, then the output."""
    layers = [x]
    for matrix in matrices[:-1]:
        layers.append((layers[-1] @ matrix.mT).relu())
    layers.append(layers[-1] @ matrices[-1].mT)
    return layers


def _split(flat: Tensor, shapes: list[torch.Size]) -> list[Tensor]:
    pieces = torch.split(flat, [math.prod(shape) for shape in shapes])
    return [piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)]

"""Linear pieces of a ReLU network along a segment, counted exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from lowcomplex.measures._networks import measured
from lowcomplex.measures._validation import finite

# Positions on the unit segment closer than this are one: identical neurons switch together.
_SAME = 1e-10
# How far, relative to its values, a network may be from linear inside a piece, in float64.
_LINEAR = 1e-8
_SWITCHING = frozenset(
    {
        torch.relu,
        torch.relu_,
        torch.prelu,
        Tensor.relu,
        Tensor.relu_,
        functional.relu,
        functional.leaky_relu,
        functional.rrelu,
        functional.prelu,
    }
)


@dataclass(frozen=True)
class LinearPieces:
    """The linear pieces of a network along the segment from start to end.

    Attributes:
        count: Number of activation regions crossed: stretches on which no neuron switches.
        breakpoints: (count - 1,) ascending positions in (0, 1) at which neurons switch.
        slopes: (count, outputs) derivative of the outputs along the segment (per unit of t) on each piece.
        kinks: (count - 1,) change of slope at each breakpoint, as a norm over the outputs; 0 if the neurons
            that switch there do not reach an output.
    """

    count: int
    breakpoints: Float[Tensor, "switches"]
    slopes: Float[Tensor, "pieces outputs"]
    kinks: Float[Tensor, "switches"]


def linear_pieces(
    module: nn.Module, start: Float[Tensor, "*input"], end: Float[Tensor, "*input"]
) -> LinearPieces:
    """Count the linear pieces of a ReLU network along a segment, exactly.

    Between two switches of earlier ReLUs every preactivation is linear along the segment; its zero follows
    from its values at both ends. Switches are collected from the first ReLU to the last, with one forward
    pass in float64 per ReLU. Nothing is sampled: pieces as short as 1e-10 of the segment are found. Neurons
    that are identical up to a positive factor switch together and count once: a condensed layer has as few
    breakpoints as directions.

    Args:
        module: Maps inputs (k, ...) to outputs (k, ...), each input by itself; not changed. It consists of
            linear maps, such as convolutions and residual connections, and of ReLU, leaky ReLU or PReLU.
        start: (...) one input.
        end: (...) another of the same shape.

    Returns:
        The pieces. Invariant under a positive scale of a layer's weights and biases, and under exchange of
        start and end up to t → 1 - t.

    Null:
        The same segment through the network at initialization.

    Cost:
        One forward pass in float64 per ReLU, at all breakpoints found so far.

    Misleads:
        Pieces count however small their kinks are; look at `kinks`. One segment says nothing about others.

    Raises:
        TypeError: An input is not a floating-point tensor.
        ValueError: Inputs differ in shape, are equal, or hold NaN or infinity, as do the outputs there; the
            network has no ReLU, or is not linear between the switches of its ReLUs; it is random or
            normalizes over the batch, as in training mode.

    References:
        Hanin, Rolnick, ICML 2019 (1901.09021), section 1, which counts regions along segments.

    Example:
        >>> network = nn.Sequential(nn.Linear(1, 2), nn.ReLU())
        >>> network[0].weight.data, network[0].bias.data = torch.ones(2, 1), torch.tensor([0.5, -0.5])
        >>> linear_pieces(network, torch.tensor([-1.0]), torch.tensor([1.0])).breakpoints
        tensor([0.2500, 0.7500], dtype=torch.float64)
    """
    start, end = finite(start, "start").double(), finite(end, "end").double()
    if start.shape != end.shape:
        raise ValueError(f"start, end: expected one shape, got {tuple(start.shape)} and {tuple(end.shape)}")
    if torch.equal(start, end):
        raise ValueError("start, end: expected two different inputs")
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64, device=start.device)
    with measured(module, Tensor.double) as network:
        network.probe(torch.stack((start, end)))

        def run(t: Tensor) -> tuple[Tensor, list[Tensor]]:
            steps = t.reshape(-1, *[1] * start.ndim)
            with torch.no_grad(), _Preactivations() as seen:
                # Interpolated from both sides: both ends are exact.
                outputs = network((1 - steps) * start + steps * end)
            return finite(outputs, "module(x)").reshape(len(t), -1), seen.found

        _, layers = run(ends)
        if not layers:
            raise ValueError(f"module: {type(module).__name__} calls no ReLU, leaky ReLU or PReLU")
        t = ends
        for layer in range(len(layers)):
            t = _with_switches(t, run(t)[1][layer])
        middles = (t[:-1] + t[1:]) / 2
        values, between = run(t)[0], run(middles)[0]
    size = values.abs().amax().clamp(min=torch.finfo(torch.float64).tiny)
    bent = (between - (values[:-1] + values[1:]) / 2).abs().amax() / size
    if not bool(bent < _LINEAR):
        raise ValueError(
            f"module: {type(module).__name__} is not linear between the switches of its ReLUs; "
            "it must be built of linear maps and ReLU, leaky ReLU or PReLU"
        )
    slopes = values.diff(dim=0) / t.diff()[:, None]
    return LinearPieces(
        count=len(t) - 1,
        breakpoints=t[1:-1],
        slopes=slopes,
        kinks=torch.linalg.vector_norm(slopes.diff(dim=0), dim=-1),
    )


class _Preactivations(TorchFunctionMode):
    """Keeps the input of each ReLU, in the order of the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in _SWITCHING:
            # A copy, since a ReLU may work in place.
            self.found.append(args[0].detach().clone().flatten(1))
        return func(*args, **(kwargs or {}))


def _with_switches(t: Tensor, z: Tensor) -> Tensor:
    """Add the positions at which a preactivation, linear between neighbors of t, changes its sign."""
    left, right = z[:-1], z[1:]
    piece, neuron = torch.nonzero((left < 0) != (right < 0), as_tuple=True)
    before, after = left[piece, neuron], right[piece, neuron]
    switches = t[piece] + (t[piece + 1] - t[piece]) * (before / (before - after))
    merged = torch.cat((t, switches)).sort().values
    inner = merged[(merged > _SAME) & (merged < 1 - _SAME)]
    first = torch.ones(len(inner), dtype=torch.bool, device=t.device)
    first[1:] = inner.diff() > _SAME
    return torch.cat((t[:1], inner[first], t[-1:]))

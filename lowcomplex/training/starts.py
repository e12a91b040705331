"""Networks at several rates γ, or scales σ, from one draw, and as one batch of runs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from lowcomplex.initialization import effective_gamma, initialize
from lowcomplex.training._batched_forward import batched_forward
from lowcomplex.training._buffers import Buffers
from lowcomplex.training._stack import require_same_architecture
from lowcomplex.training.until import Parameters

# Parameters (runs, ...) and inputs (n, ...), which all runs share → outputs (runs, n, ...).
Outputs = Callable[[Parameters, Tensor], Tensor]


def one_draw(
    network: nn.Module, *, gamma: Sequence[float] = (), sigma: Sequence[float] = (), seed: int
) -> list[nn.Module]:
    """Copies of a network that `initialize` puts at several γ, or all weights at several σ, from one draw.

    The standard normal numbers behind the weights are those of `torch.Generator().manual_seed(seed)`, the
    same for every copy. A standard deviation σ of all matrices is γ = -log σ / log d_in of each.

    Args:
        network: The network; it is not changed.
        gamma: The rates.
        sigma: The scales, if no rates are given.
        seed: Seed of the draw.

    Returns:
        One network per rate or scale.

    Raises:
        ValueError: Both or neither of `gamma` and `sigma` are given, or a scale is not positive.

    Example:
        >>> small, smaller = one_draw(nn.Linear(16, 3), sigma=(0.1, 0.01), seed=0)
        >>> bool(torch.allclose(small.weight, 10 * smaller.weight))
        True
    """
    if bool(gamma) == bool(sigma):
        raise ValueError("gamma, sigma: expected rates γ or scales σ, and not both")
    if not all(0 < scale < math.inf for scale in sigma):
        raise ValueError(f"sigma: expected positive, finite scales, got {tuple(sigma)}")
    networks = []
    for value in gamma or sigma:
        placed = copy.deepcopy(network)
        parts: dict[str, float | None] = {}
        if sigma:
            table = effective_gamma(placed)
            fans = zip(table["name"].tolist(), table["d_in"].tolist(), strict=True)
            # A matrix with d_in = 1 has no rate: `initialize` says so.
            parts = {name: -math.log(value) / math.log(d_in) for name, d_in in fans if d_in > 1}
        generator = torch.Generator().manual_seed(seed)
        initialize(placed, 0.5 if sigma else value, parts=parts, generator=generator)
        networks.append(placed)
    return networks


def normals(network: nn.Module, *, seed: int) -> Parameters:
    """The standard normal numbers behind `one_draw`, zero for biases, without `initialize`.

    A prediction that starts from σ times these numbers notices if `initialize` puts a network elsewhere.

    Args:
        network: The network; only its shapes count.
        seed: Seed of the draw.

    Returns:
        The numbers of each parameter, in its shape, float64.

    Example:
        >>> layer = nn.Linear(16, 3).double()
        >>> (half,) = one_draw(layer, gamma=(0.5,), seed=0)
        >>> bool(torch.allclose(half.weight, normals(layer, seed=0)["weight"] / 4))
        True
    """
    generator = torch.Generator().manual_seed(seed)
    shapes = {name: value.shape for name, value in network.named_parameters()}
    return {
        name: torch.zeros(shape, dtype=torch.float64)
        if "bias" in name
        else torch.randn(shape, generator=generator, dtype=torch.float64)
        for name, shape in shapes.items()
    }


def stack(networks: Sequence[nn.Module]) -> tuple[Parameters, Outputs]:
    """Networks of one architecture as one batch of runs, for `descend` and `gradient_flow`.

    Args:
        networks: The networks; they are not changed. A `TwoLayer` may differ in α.

    Returns:
        Copies of the trained parameters, (runs, ...) each; and the function that maps such parameters and
        inputs (n, ...), which all runs share, to outputs (runs, n, ...).

    Raises:
        ValueError: No networks, networks that differ in more than numbers, or at a call of the function: a
            forward pass that changes a buffer, such as running statistics.

    Example:
        >>> from lowcomplex.networks import TwoLayer
        >>> from lowcomplex.training import descend
        >>> x = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None]
        >>> start, output = stack(one_draw(TwoLayer(1, 50), sigma=(1e-1, 1e-2, 1e-3), seed=0))
        >>> run = descend(lambda p: (output(p, x) - x.sin()).square().mean((1, 2)), start, rate=0.1, steps=10)
        >>> run.losses.shape, run.parameters["input_weight"].shape
        (torch.Size([11, 3]), torch.Size([3, 50, 2]))
    """
    require_same_architecture(networks)
    rows = [dict(network.named_parameters()) for network in networks]
    stacked = {name: torch.stack([row[name].detach() for row in rows]) for name in rows[0]}
    fixed = {name: value for name, value in stacked.items() if not rows[0][name].requires_grad}
    buffers = Buffers(networks).values

    def require_unchanged(after: Mapping[str, Tensor]) -> None:
        for name, value in after.items():
            if not torch.equal(value, buffers[name]):
                raise ValueError(
                    f"networks: expected a forward pass that changes nothing, got one that changes {name!r}; "
                    "call eval() on each network first"
                )

    forward = batched_forward(networks, "forward", require_unchanged)

    def outputs(parameters: Parameters, x: Tensor) -> Tensor:
        return forward({**fixed, **buffers, **parameters}, x, True)

    return {name: value for name, value in stacked.items() if name not in fixed}, outputs

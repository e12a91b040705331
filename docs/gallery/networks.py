"""The networks of the gallery, each trained in a few seconds from each initialization rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from lowcomplex import initialize
from lowcomplex.networks import MLP
from lowcomplex.tracking import log_linear_steps
from lowcomplex.training import train

GAMMAS = (0.5, 1.2)
SEED = 0


@dataclass
class Run:
    """A trained network, its data, and what was recorded on the way."""

    network: nn.Module
    x: Tensor
    y: Tensor
    steps: list[int] = field(default_factory=list)
    # Parameters as one vector, weights of the second layer, and outputs on `grid`, at each recorded step.
    path: list[Tensor] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    grid: Tensor | None = None
    start: nn.Module | None = None


def _fit(
    run: Run, *, steps: int, learning_rate: float, loss: Callable[[Tensor, Tensor], Tensor] | None = None
) -> Run:
    """Full-batch Adam, recorded at log-spaced and then linear steps."""
    loss = loss or functional.mse_loss
    recorded = set(log_linear_steps(steps, early=40, late=40))
    layers = [layer for layer in run.network.modules() if isinstance(layer, nn.Linear)]
    run.start = type(run.network)(
        [layers[0].in_features, *(layer.out_features for layer in layers)],
        activation=run.network.name,
    )
    run.start.load_state_dict(run.network.state_dict())

    def record(step: int) -> None:
        if step not in recorded:
            return
        with torch.no_grad():
            run.steps.append(step)
            run.path.append(torch.cat([p.flatten() for p in run.network.parameters()]))
            run.weights.append(layers[min(1, len(layers) - 2)].weight.clone())
            if run.grid is not None:
                run.outputs.append(run.network(run.grid).squeeze(-1))

    train(
        run.network,
        lambda network: loss(network(run.x), run.y),
        steps=steps,
        optimizer=torch.optim.Adam(run.network.parameters(), lr=learning_rate),
        before_step=record,
    )
    return run


class Named(MLP):
    """An MLP that remembers its activation's name."""

    def __init__(self, widths: list[int], *, activation: str = "tanh") -> None:
        super().__init__(widths, activation=activation)
        self.name = activation


def _network(gamma: float, widths: list[int], activation: str = "tanh") -> Named:
    torch.manual_seed(SEED)
    network = Named(widths, activation=activation)
    generator = torch.Generator().manual_seed(SEED)
    # At one or two inputs γ has hardly any effect: the first layer then stands at the width's γ.
    few = widths[0] <= 2
    initialize(network, gamma, parts={"layers.0.weight": None} if few else None, generator=generator)
    if few:
        with torch.no_grad():
            scale = widths[1] ** -gamma * 10
            network.layers[0].weight.normal_(std=scale, generator=generator)
            network.layers[0].bias.normal_(std=scale, generator=generator)
    return network


def teacher(gamma: float) -> Run:
    """Ten inputs, two hidden layers, a target of two directions."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(200, 10, generator=generator)
    y = torch.sin(2 * x[:, :1]) + 0.5 * torch.sin(x[:, 1:2] - x[:, 2:3])
    return _fit(Run(_network(gamma, [10, 64, 64, 1]), x, y), steps=2000, learning_rate=1e-3)


def curve(gamma: float) -> Run:
    """One input, two hidden layers, 32 points of a sum of three waves; γ acts behind the first layer."""
    grid = torch.linspace(-1, 1, 257)[:-1, None]
    generator = torch.Generator().manual_seed(6)
    run = Run(_network(gamma, [1, 128, 128, 1]), grid[::8], torch.empty(0), grid=grid)
    with torch.no_grad():
        first = run.network.layers[0]
        first.weight.normal_(std=2.5, generator=generator)
        first.bias.uniform_(-2.5, 2.5, generator=generator)
    run.y = _waves(run.x)
    return _fit(run, steps=5000, learning_rate=3e-4)


def hinges(gamma: float) -> Run:
    """One input and a bias, one hidden layer of ReLU, the same curve: neurons in the plane."""
    grid = torch.linspace(-1, 1, 257)[:-1, None]
    run = Run(_network(gamma, [1, 200, 1], "relu"), grid[4::10], torch.empty(0), grid=grid)
    run.y = _waves(run.x)
    return _fit(run, steps=6000, learning_rate=2e-3)


def _waves(x: Tensor) -> Tensor:
    return sum(torch.sin(math.pi * k * x) / k for k in (1, 3, 5))  # type: ignore[return-value]


def plane(gamma: float) -> Run:
    """Two inputs on a torus's unit cell, 150 random points of two plane waves."""
    generator = torch.Generator().manual_seed(2)
    axis = torch.arange(32) / 32
    grid = torch.cartesian_prod(axis, axis)
    x = torch.rand(150, 2, generator=generator)
    run = Run(_network(gamma, [2, 128, 128, 1]), x, _plane_waves(x), grid=grid)
    return _fit(run, steps=2000, learning_rate=2e-3)


def _plane_waves(x: Tensor) -> Tensor:
    first = torch.cos(2 * math.pi * x[:, 0])
    return (first + 0.5 * torch.cos(2 * math.pi * (x[:, 0] + 2 * x[:, 1])))[:, None]


def circle(gamma: float) -> Run:
    """Inputs on the circle, 20 angles of a first and a fourth harmonic."""
    theta = 2 * math.pi * torch.rand(20, generator=torch.Generator().manual_seed(3))
    angles = torch.linspace(0, 2 * math.pi, 181)[:-1]
    x, grid = (torch.stack((a.cos(), a.sin()), 1) for a in (theta, angles))
    y = (torch.cos(theta) + 0.5 * torch.cos(4 * theta))[:, None]
    return _fit(Run(_network(gamma, [2, 200, 1]), x, y, grid=grid), steps=4000, learning_rate=3e-3)


def boolean(gamma: float) -> Run:
    """Eight signs, 128 of the 256 inputs of x_1 x_2 + x_3."""
    bits = 1.0 - 2.0 * ((torch.arange(256)[:, None] >> torch.arange(8)) & 1).float()
    seen = torch.randperm(256, generator=torch.Generator().manual_seed(4))[:128]
    y = bits[:, :1] * bits[:, 1:2] + bits[:, 2:3]
    run = Run(_network(gamma, [8, 128, 1]), bits[seen], y[seen], grid=bits)
    return _fit(run, steps=2000, learning_rate=3e-3)


def tokens(gamma: float) -> Run:
    """Twenty keys and four shifts around the circle of tokens, two thirds of their pairs seen."""
    keys, shifts = 20, 4
    pairs = torch.cartesian_prod(torch.arange(keys), torch.arange(shifts))
    x = torch.cat((functional.one_hot(pairs[:, 0]), functional.one_hot(pairs[:, 1])), 1).float()
    y = (pairs[:, 0] + 3 * pairs[:, 1] + 1) % keys
    seen = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(5))[: 2 * len(pairs) // 3]
    run = Run(_network(gamma, [keys + shifts, 64, 64, keys]), x[seen], y[seen], grid=x)
    return _fit(run, steps=2000, learning_rate=3e-3, loss=functional.cross_entropy)

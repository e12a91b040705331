"""What pictures share: colors, text in a corner, the layers and outputs of a run."""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from networks import Run

DARK, LIGHT, ACCENT = "0.2", "0.7", "C0"


def outputs_of(run: Run) -> tuple[Tensor, Tensor]:
    target = sum(torch.sin(torch.pi * k * run.grid[:, 0]) / k for k in (1, 3, 5))
    return torch.stack(run.outputs).double(), target.double()


def layers_of(run: Run) -> list[Tensor]:
    return [layer.weight.detach() for layer in run.network.modules() if isinstance(layer, nn.Linear)]


def say(axis: Axes, text: str, *, top: bool = True, left: bool = False) -> None:
    axis.text(
        0.03 if left else 0.97,
        0.95 if top else 0.05,
        text,
        transform=axis.transAxes,
        ha="left" if left else "right",
        va="top" if top else "bottom",
        fontsize=7,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )

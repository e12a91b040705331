"""What the answers over anchor pairs consist of, in training, at each γ."""

from __future__ import annotations

import pandas as pd
import torch
import xarray as xr
from matplotlib import figure

from experiments.anchor.pair_decomposition import pair_decomposition
from experiments.anchor.schema import COMPONENTS
from lowcomplex.tasks import AnchorTask
from lowcomplex.tasks.anchor import ANCHORS
from paper_figs._figure import Figure
from paper_figs._words import counted
from paper_figs.panels.decomposition import decomposition_table, plot_decomposition


def references() -> dict[str, dict[str, float]]:
    """Shares by component of the offsets that compose on the unseen pair, and of those that mirror."""
    task = AnchorTask()
    table = torch.tensor([[float(task.function((a, b)).shift) for b in ANCHORS] for a in ANCHORS])
    found = {}
    for name, answer in (("composes", task.inferential), ("mirrors", task.symmetric)):
        offsets = table.clone()
        for a, b in task.unseen:
            offsets[a - 1, b - 1] = answer((a, b)).shift
        parts = pair_decomposition(offsets)
        variances = {component: float(getattr(parts, component)) for component in COMPONENTS}
        total = sum(variances.values())
        found[name] = {component: value / total for component, value in variances.items()}
    return found


def draw(dataset: xr.Dataset) -> figure.Figure:
    """Shares in time, beside those of the two answers."""
    return plot_decomposition(dataset, references())


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Shares in time, then those of the two answers."""
    rows = [
        {"quantity": name, "component": component, "share": share}
        for name, shares in references().items()
        for component, share in shares.items()
    ]
    return pd.concat([decomposition_table(dataset), pd.DataFrame(rows)], ignore_index=True)


def caption(dataset: xr.Dataset) -> str:
    """Shares of the answers' variance over training, one panel per γ, one color per component."""
    table = decomposition_table(dataset)
    last = table[table["fraction"] == table["fraction"].max()]
    mean = last.groupby(["quantity", "component"])["share"].mean()
    interaction = {
        quantity: mean[quantity]["interaction_symmetric"] + mean[quantity]["interaction_antisymmetric"]
        for quantity in ("offset_variance", "logit_variance")
    }
    return (
        "What answers over the 16 anchor pairs consist of, in training: shares of the variance of the mean "
        "offset from the key (above) and of the logits (below) that are a sum of the anchors' effects or an "
        "interaction, and that a swap of the anchors keeps (symmetric) or negates (antisymmetric); mean of "
        f"{counted(dataset.sizes['seed'], 'seed')}. Marks: the offsets of a network that composes on the "
        "unseen pair, or mirrors. Shares below 1e-4 are drawn there. In the end interactions hold "
        f"{interaction['offset_variance']:.1%} of the offsets' and {interaction['logit_variance']:.1%} of "
        "the logits' variance, mean over γ."
    )


FIGURE = Figure("decomposition", "anchor_gamma", caption, draw, numbers, order=460)

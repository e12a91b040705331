"""Which way information goes in a transformer on the anchor task, and what each way carries."""

from __future__ import annotations

import torch
import xarray as xr
from torch import Tensor

from experiments.anchor.attention_flow import attention_flow
from experiments.anchor.schema import ASKED_GROUPS, ROLES, SOURCES, TARGETS
from lowcomplex.networks import Transformer, trace
from lowcomplex.tasks import AnchorBatch, AnchorTask
from lowcomplex.tasks.anchor_functions import FIRST_KEY

PROBED = (4, 3)


def roles(tokens: Tensor) -> Tensor:
    """What every position of a sequence stands for, as an index into `ROLES`."""
    key = (tokens < FIRST_KEY).int().argmax(1, keepdim=True) - 1
    relative = torch.arange(tokens.shape[1], device=tokens.device) - key
    found = (relative + 1).clamp(0, ROLES.index("after"))
    found[:, -1] = ROLES.index("last")
    return found


def sequences(task: AnchorTask, generator: torch.Generator, samples: int) -> tuple[AnchorBatch, AnchorBatch]:
    """Sequences of trained pairs, on training keys, and of the unseen pair, whose last token is no anchor."""

    def some(**choice: object) -> AnchorBatch:
        batch = task.sample(2 * samples, generator, **choice)  # type: ignore[arg-type]
        free = (batch.tokens[:, -1] >= FIRST_KEY).nonzero().squeeze(1)[:samples]
        return AnchorBatch(*(part[free] for part in batch))

    return some(), some(pairs=(PROBED,), keys="all")


@torch.no_grad()
def attention_mass(model: Transformer, batch: AnchorBatch) -> xr.DataArray:
    """Mean attention between roles, (block, target, source): how much a target looks at a source."""
    attention = torch.stack([block.attention for block in trace(model, batch.tokens).blocks])
    flow = attention_flow(attention, roles(batch.tokens), len(ROLES))
    coords = {"block": range(1, len(flow) + 1), "asking": list(ROLES), "asked": list(ROLES)}
    return xr.DataArray(flow.numpy(), dims=list(coords), coords=coords)


@torch.no_grad()
def edge_importance(
    model: Transformer, task: AnchorTask, seen: AnchorBatch, unseen: AnchorBatch
) -> tuple[xr.DataArray, xr.DataArray]:
    """What answers lose when one kind of edge is cut in one block.

    Args:
        model: The network.
        task: The task that it was trained on.
        seen: Sequences of trained pairs.
        unseen: Sequences of the pair that was not trained.

    Returns:
        Shares of answers, (group,), with nothing cut; and that minus the share with the edges cut, (block,
        target, source, group), negative where the cut makes such answers more frequent, NaN where no such
        edge exists. "other" is what a target sees besides key and anchors: the background and, for the last
        token, itself.
    """
    tokens = torch.cat((seen.tokens, unseen.tokens))
    compose, mirror = (
        task.answers(unseen.keys, unseen.anchors, kind) for kind in ("inferential", "symmetric")
    )

    def shares(answers: Tensor) -> Tensor:
        """Shares of answers (cuts, sequences), one a group."""
        old, new = answers[:, : len(seen.labels)], answers[:, len(seen.labels) :]
        right = (old == seen.labels, new == compose, new == mirror)
        return torch.stack([which.double().mean(-1) for which in right], dim=-1)

    whole = shares(_answers(model, tokens, None)[None])[0]
    kinds = edge_kinds(tokens)
    depth = len(model.blocks)
    lost = torch.full((depth, len(TARGETS), len(SOURCES), len(ASKED_GROUPS)), torch.nan, dtype=torch.float64)
    exist = kinds.any((2, 3, 4))
    for block in range(depth):
        cut = torch.zeros(int(exist.sum()), len(tokens), depth, *kinds.shape[-2:], dtype=torch.bool)
        cut[:, :, block] = kinds[exist]
        repeated = tokens.expand(len(cut), *tokens.shape).flatten(0, 1)
        answers = _answers(model, repeated, cut.flatten(0, 1)).view(len(cut), -1)
        lost[block][exist] = whole - shares(answers)
    coords = {
        "block": range(1, depth + 1),
        "target": list(TARGETS),
        "source": list(SOURCES),
        "group": list(ASKED_GROUPS),
    }
    groups = {"group": list(ASKED_GROUPS)}
    return (
        xr.DataArray(whole.numpy(), dims="group", coords=groups),
        xr.DataArray(lost.numpy(), dims=list(coords), coords=coords),
    )


def edge_kinds(tokens: Tensor) -> Tensor:
    """The edges from each source to each target: (targets, sources, n, query position, key position)."""
    role = roles(tokens)
    named = torch.stack([role == ROLES.index(name) for name in SOURCES[:-1]])
    asked = torch.cat((named, ~named.any(0, keepdim=True)))
    asking = torch.stack([role == ROLES.index(name) for name in TARGETS])
    causal = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool, device=tokens.device).tril()
    return asking[:, None, :, :, None] & asked[None, :, :, None, :] & causal


def _answers(model: Transformer, tokens: Tensor, cut: Tensor | None) -> Tensor:
    return trace(model, tokens, masked_edges=cut).logits[:, -1].argmax(-1)

"""Embedding models as small as their theorems allow, several at once, each at its own scale."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]


class EmbeddingModel:
    """Logits U · mean_t E[s_t], for several networks at once."""

    def __init__(self, share: Array) -> None:
        self.share = torch.from_numpy(share)

    def __call__(self, weights: dict[str, Tensor]) -> Tensor:
        """Outputs for every sequence."""
        return (self.share @ weights["embedding"]) @ weights["output"].mT


class ResidualModel:
    """One block with attention and a tanh layer, each added to the stream; logits at the last position."""

    def __init__(self, tokens: NDArray[np.int_], layer_norm: bool) -> None:
        self.tokens, self.layer_norm = torch.from_numpy(tokens), layer_norm

    def __call__(self, weights: dict[str, Tensor]) -> Tensor:
        """Outputs at the last token of every sequence."""
        x = weights["embedding"][:, self.tokens] + weights["positions"][:, None]
        last = x[:, :, -1]
        score = torch.einsum("knh,kntg->knt", last @ weights["query"].mT, x @ weights["key"].mT[:, None])
        mixed = torch.einsum("knt,knth->knh", (score / x.shape[-1] ** 0.5).softmax(-1), x)
        stream = last + mixed @ weights["value"].mT @ weights["attention_output"].mT
        hidden = torch.tanh(stream @ weights["feedforward_in"].mT)
        stream = stream + hidden @ weights["feedforward_out"].mT
        if self.layer_norm:
            stream = stream / stream.std(-1, keepdim=True)
        return stream @ weights["output"].mT


def train(
    model: EmbeddingModel | ResidualModel,
    start: dict[str, Array],
    labels: NDArray[np.int_],
    rates: tuple[float, ...],
    steps: int,
    adam: bool,
    epsilon: float,
    drop: float | None = None,
) -> tuple[dict[str, Array], Array]:
    """One network for each rate η, from η times `start`: weights, and losses in the course of time.

    With `drop`, all stop at the step at which each of them has lost so much.
    """
    # In units of its own learning rate a network trains at rate 1, and all of them train as one.
    scale = torch.tensor(rates, dtype=torch.float64)
    units = {
        name: torch.from_numpy(np.broadcast_to(draw, (len(rates), *draw.shape[-2:])).copy()).requires_grad_()
        for name, draw in start.items()
    }
    optimizer: torch.optim.Optimizer = (
        torch.optim.Adam(units.values(), lr=1.0, eps=epsilon)
        if adam
        else torch.optim.SGD(units.values(), lr=1.0)
    )
    wanted = torch.from_numpy(labels).expand(len(rates), -1)[..., None]
    losses = []
    for step in range(steps + 1):
        logits = model({name: unit * scale[:, None, None] for name, unit in units.items()})
        loss = -logits.log_softmax(-1).gather(-1, wanted).mean((-1, -2))
        losses.append(loss.detach())
        if step == steps or (drop is not None and bool((losses[0] - losses[-1] >= drop).all())):
            break
        optimizer.zero_grad()
        # Divided by the rate's square, this is the gradient in units of the rate.
        (loss / scale**2).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    weights = {
        name: unit.detach().numpy() * (1.0 if drop is None else np.array(rates)[:, None, None])
        for name, unit in units.items()
    }
    return weights, torch.stack(losses).numpy()

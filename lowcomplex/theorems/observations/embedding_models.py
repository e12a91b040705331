"""The smallest models with token embeddings, trained at several scales at once.

Their logits are functions of parameters that may be stacked: batched products are faster here than vmap.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from lowcomplex.training.starts import Outputs
from lowcomplex.training.until import Parameters, PerRun


class MeanEmbedding(nn.Module):
    """Logits U · mean_t E[s_t].

    Args:
        tokens: Number of tokens.
        outputs: Number V of outputs.
        width: Number h of hidden units.
    """

    def __init__(self, tokens: int, outputs: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, width, dtype=torch.float64)
        self.output = nn.Linear(width, outputs, bias=False, dtype=torch.float64)

    def forward(self, shares: Tensor) -> Tensor:
        """Logits (n, V) from the share of each token in each sequence, (n, tokens)."""
        return self.logits(dict(self.named_parameters()), shares)

    @staticmethod
    def logits(parameters: Parameters, shares: Tensor) -> Tensor:
        """The same of parameters (..., tokens, h) and (..., V, h): (..., n, V)."""
        return (shares @ parameters["embedding.weight"]) @ parameters["output.weight"].mT


class SmallTransformer(nn.Module):
    """One block with attention and a tanh layer, each added to the stream; logits at the last position.

    Args:
        tokens: Number of tokens.
        length: Number T of positions.
        outputs: Number V of outputs.
        width: Dimension h of the stream.
        hidden: Number of neurons of the tanh layer.
        output_projection: Whether attention has W_O beside W_V.
        inner_eps: ε of a LayerNorm, without scale and shift, before each branch; None for none.
        final_eps: ε of such a LayerNorm before the logits; None for none.
    """

    def __init__(
        self,
        tokens: int,
        length: int,
        outputs: int,
        width: int,
        hidden: int,
        *,
        output_projection: bool = True,
        inner_eps: float | None = None,
        final_eps: float | None = None,
    ) -> None:
        super().__init__()
        self.width, self.inner_eps, self.final_eps = width, inner_eps, final_eps
        self.embedding = nn.Embedding(tokens, width, dtype=torch.float64)
        self.positions = nn.Embedding(length, width, dtype=torch.float64)
        self.query = nn.Linear(width, width, bias=False, dtype=torch.float64)
        self.key = nn.Linear(width, width, bias=False, dtype=torch.float64)
        self.value = nn.Linear(width, width, bias=False, dtype=torch.float64)
        self.up = nn.Linear(width, hidden, bias=False, dtype=torch.float64)
        self.down = nn.Linear(hidden, width, bias=False, dtype=torch.float64)
        self.output = nn.Linear(width, outputs, bias=False, dtype=torch.float64)
        if output_projection:
            self.projection = nn.Linear(width, width, bias=False, dtype=torch.float64)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (n, V) of sequences (n, T)."""
        return self.logits(dict(self.named_parameters()), tokens)

    def logits(self, parameters: Parameters, tokens: Tensor) -> Tensor:
        """The same of parameters that have further dimensions first: (..., n, V)."""
        weight = {name.removesuffix(".weight"): value for name, value in parameters.items()}
        x = weight["embedding"][..., tokens, :] + weight["positions"][..., None, :, :]
        seen = self._normed(x, self.inner_eps)
        query = seen[..., -1, :] @ weight["query"].mT
        scores = (seen @ weight["key"].mT[..., None, :, :] @ query[..., None]).squeeze(-1)
        attention = (scores / math.sqrt(self.width)).softmax(-1)
        attended = (attention[..., None] * seen).sum(-2) @ weight["value"].mT
        if "projection" in weight:
            attended = attended @ weight["projection"].mT
        stream = x[..., -1, :] + attended
        hidden = torch.tanh(self._normed(stream, self.inner_eps) @ weight["up"].mT)
        stream = stream + hidden @ weight["down"].mT
        return self._normed(stream, self.final_eps) @ weight["output"].mT

    def _normed(self, x: Tensor, eps: float | None) -> Tensor:
        return x if eps is None else functional.layer_norm(x, (self.width,), eps=eps)


def mean_cross_entropy(output: Outputs, inputs: Tensor, labels: Tensor) -> PerRun:
    """The loss of each network of a batch."""

    def loss(parameters: Parameters) -> Tensor:
        chosen = output(parameters, inputs).log_softmax(-1)
        return -chosen.gather(-1, labels.expand(len(chosen), -1)[..., None]).mean((-1, -2))

    return loss

"""Rank measures against the decompositions that bound them, and against weightwatcher."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lowcomplex.measures import rank_measures
from ratios import ratio

# One block of GPT-2 small, as Linear stores it.
_BLOCK = {"c_attn": (2304, 768), "attn_proj": (768, 768), "c_fc": (3072, 768), "mlp_proj": (768, 3072)}


def _gpt2_small(blocks: int = 12) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = {f"h.{i}.{name}": shape for i in range(blocks) for name, shape in _BLOCK.items()}
    shapes |= {"wte": (50257, 768), "wpe": (1024, 768)}
    return {name: 0.02 * torch.randn(*shape, generator=generator) for name, shape in shapes.items()}


@pytest.mark.parametrize("shape", [(8, 64, 64), (1000, 384)])
def test_all_rank_measures_against_one_decomposition(shape: tuple[int, ...]) -> None:
    W = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    ratio(lambda: rank_measures(W), lambda: torch.linalg.svdvals(W.double()), rounds=9)


def test_gpt2_small_against_single_precision_singular_values() -> None:
    state = _gpt2_small()
    ratio(
        lambda: [rank_measures(W) for W in state.values()],
        lambda: [torch.linalg.svdvals(W) for W in state.values()],
        rounds=3,
        bar=1.0,
    )


def test_gpt2_small_against_weightwatcher() -> None:
    """Its default analysis of the same matrices except the embeddings, which it leaves out."""
    weightwatcher = pytest.importorskip("weightwatcher")
    state = {name: W for name, W in _gpt2_small().items() if name.startswith("h.")}
    model = nn.ModuleDict()
    for name, W in state.items():
        layer = nn.Linear(W.shape[1], W.shape[0], bias=False)
        layer.weight.data = W
        model[name.replace(".", "_")] = layer
    analyzed = []

    def theirs() -> None:
        analyzed.append(weightwatcher.WeightWatcher(model=model).analyze())

    ratio(lambda: [rank_measures(W) for W in state.values()], theirs, rounds=1, bar=1 / 3)
    # Both did the same work: a weightwatcher that silently left layers out would be no measure.
    assert len(analyzed[-1]) == len(model)

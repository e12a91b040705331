"""Condensed directions against the matrix of all pairs, in time and in memory."""

from __future__ import annotations

import time

import torch
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from lowcomplex.measures import condensed_directions
from ratios import peak_memory, ratio

_PLANTED = """
import torch
def planted(m, d, directions, outliers):
    generator = torch.Generator().manual_seed(0)
    centers = torch.nn.functional.normalize(torch.randn(directions, d, generator=generator), dim=-1)
    labels = torch.randint(directions, (m - outliers,), generator=generator)
    # In place and by direction: no second matrix.
    W = torch.randn(m, d, generator=generator).div_(d**0.5)
    W[: m - outliers] *= 0.1
    for index, center in enumerate(centers):
        W[: m - outliers][labels == index] += center
    W *= 0.5 + torch.rand(m, 1, generator=generator)
    return W, labels
"""
_scope: dict[str, object] = {}
exec(_PLANTED, _scope)
_planted = _scope["planted"]


def _components(W: Tensor, threshold: float = 0.95) -> Tensor:
    """Clusters of the graph of all pairs whose |cos| is above the threshold."""
    U = W / W.norm(dim=-1, keepdim=True)
    _, labels = connected_components(csr_matrix((U @ U.mT).abs().gt_(threshold).bool().numpy()))
    return torch.from_numpy(labels)


def test_against_one_product_of_all_pairs() -> None:
    W = torch.randn(1000, 384, generator=torch.Generator().manual_seed(0))
    ratio(lambda: condensed_directions(W), lambda: W @ W.mT, rounds=9)


def test_twenty_thousand_neurons_against_connected_components() -> None:
    W, planted = _planted(20_000, 256, 12, 1_000)
    found, components = condensed_directions(W), _components(W)
    assert found.count == 12
    assert found.exact
    # The same clusters: each direction is one component, and no outlier is in any.
    sizes = torch.bincount(components)
    for label in range(12):
        (component,) = components[found.labels == label].unique()
        assert int(sizes[component]) == int((found.labels == label).sum())
        (truth,) = planted[found.labels[:19_000] == label].unique()
        assert int((planted == truth).sum()) == int(sizes[component])
    assert (found.labels[19_000:] == -1).all()
    ratio(lambda: condensed_directions(W), lambda: _components(W), rounds=3, bar=1 / 3)


def test_twenty_thousand_neurons_take_little_memory() -> None:
    setup = f"{_PLANTED}\nfrom lowcomplex.measures import condensed_directions\n"
    setup += "W, _ = planted(20_000, 256, 12, 1_000)\ncondensed_directions(W[:200])\n"
    ours = peak_memory(setup, "condensed_directions(W)")
    pairs = peak_memory(setup, "U = W / W.norm(dim=-1, keepdim=True); ((U @ U.mT).abs() > 0.95)")
    share = f"{ours / 2**20:.0f} MiB over {pairs / 2**20:.0f} MiB for all pairs"
    print(
        f"\nmemory ratio {ours / pairs:.3g} ({share}); bar 0.1: {'met' if ours <= pairs / 10 else 'MISSED'}"
    )


def test_a_million_neurons() -> None:
    W, planted = _planted(1_000_000, 256, 10, 0)
    start = time.perf_counter()
    found = condensed_directions(W)
    print(f"\n{time.perf_counter() - start:.1f} s; bar 60 s")
    assert found.count == 10
    assert found.exact
    assert len(torch.stack((found.labels, planted), 1).unique(dim=0)) == 10


def test_a_million_neurons_in_memory() -> None:
    setup = f"{_PLANTED}\nfrom lowcomplex.measures import condensed_directions\n"
    program = "W, _ = planted(1_000_000, 256, 10, 0)\nassert condensed_directions(W).count == 10"
    peak = peak_memory(setup, program)
    print(f"\nmemory {peak / 1e9:.2f} GB, of which the weights themselves are 1.02 GB; bar 2 GB")

"""Write docs/explanation/cost.md: what sweeps cost, measured here and extrapolated to the papers' own scale.

Run as `make cost`; it takes about two minutes on an idle machine.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from lowcomplex import initialize
from lowcomplex.networks import Transformer
from lowcomplex.tasks import AnchorTask
from lowcomplex.training import adamw, train

# A modern data center GPU (A100): 156e12 float32 operations per second through TF32 tensor cores, of which
# training is assumed to reach three tenths. Nothing here was run on one.
GPU_RATE = 0.3 * 156e12
TASK = AnchorTask()


class Size(NamedTuple):
    """A transformer on the anchor task, and its batch."""

    width: int
    heads: int
    head_width: int
    feedforward: int
    depth: int
    batch: int

    def network(self) -> Transformer:
        return Transformer(TASK.vocabulary, TASK.length, *self[:5], "pre")


class Figure(NamedTuple):
    """A figure of the papers at their own scale."""

    name: str
    grid: str
    sizes: tuple[Size, ...]
    runs_a_size: int
    updates: int


REDUCED = Size(64, 1, 64, 128, 3, 256)
P1 = Size(400, 1, 200, 1200, 3, 2048)
P2 = Size(640, 10, 64, 1280, 10, 2048)
GPT2 = Size(768, 12, 64, 3072, 12, 2048)
# 210 epochs of 15 pairs of 50,625 sequences; 1,050 epochs of 14 pairs of 11,250.
P1_UPDATES, P2_UPDATES = 210 * (15 * 50_625 // 2048), 1050 * (14 * 11_250 // 2048)
SEEDS = 3
FIGURES = (
    Figure(
        "P1 2a,b; 10; 11",
        "depth 2-7 × 7 γ",
        tuple(P1._replace(depth=d) for d in range(2, 8)),
        7 * SEEDS,
        P1_UPDATES,
    ),
    Figure("P1 2c", "GPT-2 (12 blocks, width 768) × 7 γ", (GPT2,), 7 * SEEDS, P1_UPDATES),
    Figure("P1 3, 4, 5, 13", "2 blocks, γ = .5, .8", (P1._replace(depth=2),), 2 * SEEDS, P1_UPDATES),
    Figure("P1 12", "7 γ, in time", (P1,), 7 * SEEDS, P1_UPDATES),
    Figure("P1 14, 15, 16", "learning rate × weight decay, 5 × 5", (P1,), 25 * SEEDS, P1_UPDATES),
    Figure("P2 3A", "7 γ", (P2,), 7 * SEEDS, P2_UPDATES),
    Figure("P2 3B; 5C", "7 γ × 4 weight decays", (P2,), 28 * SEEDS, P2_UPDATES),
    Figure("P2 4, 5A,B", "2 corners of that map", (P2,), 2 * SEEDS, P2_UPDATES),
    Figure(
        "P2 8A-C",
        "depth 2-4 × 3 noise groups × 2 γ",
        tuple(P1._replace(depth=d) for d in (2, 3, 4)),
        6 * SEEDS,
        P1_UPDATES,
    ),
)


def operations(size: Size) -> int:
    """Multiplications and additions of one update's matrix products, counted without computing them."""
    with torch.device("meta"):
        network = size.network()
        tokens = torch.zeros(size.batch, TASK.length, dtype=torch.long)
        labels = torch.zeros(size.batch, dtype=torch.long)
        with FlopCounterMode(display=False) as counter:
            functional.cross_entropy(network.last(tokens), labels).backward()
    return counter.get_total_flops()


def seconds_an_update(size: Size, gamma: float = 0.5, *, rounds: int = 3) -> float:
    """Median over rounds of a training loop's time per update, including data, on this machine."""
    network, data = size.network(), torch.Generator().manual_seed(1)
    initialize(network, gamma, generator=torch.Generator().manual_seed(0))

    def loss(_: nn.Module) -> Tensor:
        batch = TASK.sample(size.batch, data)
        return functional.cross_entropy(network.last(batch.tokens), batch.labels)

    optimizer = adamw(network, 1e-3)
    updates = max(2, min(40, int(20e9 / operations(size))))
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        train(network, loss, steps=updates, optimizer=optimizer, clip_norm=1.0)
        times.append((time.perf_counter() - start) / updates)
    return statistics.median(times[1:])


def measured() -> list[str]:
    """Rows: what one update costs as width, depth, batch and γ grow."""
    sizes = [
        REDUCED,
        *(REDUCED._replace(depth=d) for d in (2, 4)),
        *(REDUCED._replace(width=w, head_width=w, feedforward=2 * w) for w in (128, 256)),
        REDUCED._replace(batch=1024),
        P1._replace(depth=2),
    ]
    rows = []
    for size in sizes:
        seconds, needed = seconds_an_update(size), operations(size)
        rows.append(
            f"| {size.width} | {size.feedforward} | {size.depth} | {size.batch} | {needed / 1e9:.2f} "
            f"| {1e3 * seconds:.1f} | {needed / seconds / 1e9:.0f} |"
        )
    return rows


def extrapolated() -> list[str]:
    """Rows: what each full-scale figure costs."""
    rows, total = [], 0.0
    for figure in FIGURES:
        needed = [figure.updates * operations(size) for size in figure.sizes]
        whole = figure.runs_a_size * sum(needed)
        hours = whole / GPU_RATE / 3600
        total += hours
        rows.append(
            f"| {figure.name} | {figure.grid} | {figure.runs_a_size * len(figure.sizes)} "
            f"| {sum(needed) / len(needed) / 1e15:.0f} | {whole / 1e18:.1f} "
            f"| {sum(needed) / len(needed) / GPU_RATE / 60:.0f} | {hours:.{hours < 10:d}f} |"
        )
    rows.append(f"| all | | | | | | {total:.0f} |")
    return rows


def gammas() -> str:
    """Sentence: whether γ itself changes the cost."""
    times = {gamma: 1e3 * seconds_an_update(REDUCED, gamma) for gamma in (0.3, 0.5, 0.9)}
    return ", ".join(f"{t:.1f} ms at γ = {g:g}" for g, t in times.items())


def main() -> None:
    page = PAGE.format(
        measured="\n".join(measured()), gammas=gammas(), extrapolated="\n".join(extrapolated()), seeds=SEEDS
    )
    (Path(__file__).parent / "explanation" / "cost.md").write_text(page, encoding="utf-8")


PAGE = """# What a sweep costs

This page is written by `make cost`.

## Measured on one core

One update (data, forward, backward, clipping, AdamW) of the transformer on the anchor task, on one core of a
small server. Operations are those of the matrix products that a step needs, forward and backward.

| width | feed-forward | blocks | batch | 10⁹ operations | ms | 10⁹ operations per second |
| --- | --- | --- | --- | --- | --- | --- |
{measured}

The cost of a sweep is cells × updates × this, divided by the workers: cells are independent. The last block
computes one position of nine, so that one block more costs more than a block's share. γ itself is free
({gammas}):
a γ axis of twice as many points costs twice as much. Ensembles of small networks are the exception: they cost
less than their members one by one ([](../how_to/ensemble.md)).

## Extrapolated to the papers' own scale

P1 is Zhang, Lin, Wang, Zhang, Xu (NeurIPS 2024), P2 its follow-up (arXiv 2501.08537). Widths, depths, batch
and epochs are the papers'; grids are those of their figures, seven γ where a grid is not stated, and {seeds}
seeds everywhere. Hours are for **one A100 at three tenths of its 156·10¹² TF32 operations per second: an
assumption, not a measurement**; divide the operations by the rate that yours sustains. Figures in one
row share runs.

| figure | grid | runs | 10¹⁵ operations per run | 10¹⁸ in all | GPU minutes per run | GPU hours in all |
| --- | --- | --- | --- | --- | --- | --- |
{extrapolated}
"""

if __name__ == "__main__":
    main()

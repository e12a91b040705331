"""P1, figures 1, 8 and 9: the task, two ways to generalize, the key split; from the task's own numbers."""

from __future__ import annotations

import pandas as pd
import torch
import xarray as xr
from matplotlib import figure

from lowcomplex.tasks import AnchorTask
from lowcomplex.tasks.anchor_functions import FIRST_KEY, LAST_KEY
from paper_figs._figure import Figure
from paper_figs._finding import Claim, Finding, Point, conclude
from paper_figs.panels.anchor_task import plot_anchor_task

_PAIR = (1, 2)


def draw(_: xr.Dataset) -> figure.Figure:
    """A sequence, the pairs, the split."""
    task = AnchorTask()
    batch = task.sample(1, torch.Generator().manual_seed(0), pairs=(_PAIR,))
    sequence = [int(token) for token in batch.tokens[0]]
    place = next(i for i in range(len(sequence)) if tuple(sequence[i + 1 : i + 3]) == _PAIR)
    return plot_anchor_task(sequence, place, int(batch.labels[0]), pairs(), split())


def pairs() -> pd.DataFrame:
    """What each pair of anchors adds to the key: composed, by the task's rule, and mirrored."""
    task = AnchorTask()
    return pd.DataFrame(
        {
            "first_anchor": a,
            "second_anchor": b,
            "composed": task.inferential((a, b)).shift,
            "label": task.function((a, b)).shift,
            "mirrored": task.symmetric((a, b)).shift,
            "trained": (a, b) in task.seen,
        }
        for a, b in task.words
    )


def split() -> pd.DataFrame:
    """Which keys are held out at which position."""
    task = AnchorTask()
    return pd.DataFrame(
        {"position": position, "key": key, "held_out": key % task.modulus == position}
        for position in task.positions
        for key in range(FIRST_KEY, LAST_KEY + 1)
    )


def numbers(_: xr.Dataset) -> pd.DataFrame:
    """Both tables."""
    return pd.concat([pairs().assign(panel="b"), split().assign(panel="c")], ignore_index=True)


def caption(_: xr.Dataset) -> str:
    """A sequence of the task, what each anchor pair adds, and which keys are held out."""
    table = pairs()
    return (
        "The task. (a) A sequence: the answer at the last position is the key plus what its two anchors add; "
        "below, the two ways to answer the pair that is never trained. (b) What each pair adds; of "
        f"{int(table['trained'].sum())} trained pairs one is an exception (orange). (c) A key is held out at "
        f"the position that is its remainder modulo {AnchorTask().modulus}: "
        f"{float(split()['held_out'].mean()):.0%} of all."
    )


def finding(_: xr.Dataset) -> Finding:
    """Whether the task, as it is coded here, is the papers'."""
    table = pairs()
    exceptions = table[table["trained"] & (table["label"] != table["composed"])]
    unseen = table[~table["trained"]]
    tells_apart = bool((unseen["composed"] != unseen["mirrored"]).all())
    return conclude(
        [
            Point(
                "yes" if len(exceptions) == 1 and len(unseen) == 1 else "no",
                f"{int(table['trained'].sum())} of {len(table)} pairs are trained, {len(exceptions)} of them "
                "with another answer than the composed one",
            ),
            Point(
                "yes" if tells_apart else "no",
                "on the unseen pair composing adds "
                + ", ".join(
                    f"{c:+d} and mirroring {m:+d}" for c, m in unseen[["composed", "mirrored"]].values
                ),
            ),
        ]
    )


FIGURE = Figure(
    "p1_fig1_8_9_task",
    "",
    caption,
    draw,
    numbers,
    Claim(
        "P1, figures 1, 8, 9: all trained pairs but one compose; the one pair never trained can be "
        "answered by composing its anchors or by mirroring the exception, and the answers differ.",
        row="P1 1, 8, 9",
    ),
    finding,
    order=160,
)

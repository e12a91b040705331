"""The anchor task itself: a sequence, what pairs of anchors add, which keys are held out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lowcomplex.plots.page import DOUBLE, Color, categorical, panel_letters, style


@style()
def plot_anchor_task(
    sequence: Sequence[int], key: int, label: int, pairs: pd.DataFrame, split: pd.DataFrame
) -> Figure:
    """Schematic of the task, drawn from its own numbers.

    Args:
        sequence: Tokens of one sequence.
        key: Position of its key; its anchors follow.
        label: The right answer at the end.
        pairs: Columns first_anchor, second_anchor, composed, label (offsets from the key), trained (bool),
            mirrored (the offset that the mirrored pair has).
        split: Columns position, key, held_out (bool).

    Returns:
        The figure.
    """
    figure = Figure(figsize=(DOUBLE, 4.3), layout="constrained")
    panels = figure.subplot_mosaic("ab;cc", height_ratios=(2.1, 1), width_ratios=(1.15, 1))
    _draw_sequence(panels["a"], sequence, key, label, pairs)
    _draw_pairs(panels["b"], pairs)
    _draw_split(panels["c"], split)
    panel_letters([panels[letter] for letter in "abc"])
    return figure


def _draw_sequence(axis: Axes, sequence: Sequence[int], key: int, label: int, pairs: pd.DataFrame) -> None:
    blue, orange, green = categorical(3)
    for place, token in enumerate(sequence):
        color = blue if place == key else orange if key < place <= key + 2 else "0.85"
        axis.add_patch(Rectangle((place + 0.05, 5), 0.9, 0.9, color=color, linewidth=0))
        _say(axis, place + 0.5, 5.45, str(token), color="white" if place == key else "0.1")
    _say(axis, key + 0.5, 6.35, "key x")
    _say(axis, key + 2, 6.35, "anchors")
    _say(axis, len(sequence) - 0.05, 4.65, f"answer here: {label} ↑", ha="right")
    unseen = pairs[~pairs["trained"]].iloc[0]
    first, second = int(unseen["first_anchor"]), int(unseen["second_anchor"])
    own = pairs[pairs["first_anchor"] == pairs["second_anchor"]].set_index("first_anchor")["composed"] / 2
    rows: tuple[tuple[float, str, str, Color], ...] = (
        (
            2.7,
            f"composes: f{first} then f{second}",
            f"x {own[first]:+.0f} {own[second]:+.0f} = x {unseen['composed']:+.0f}",
            blue,
        ),
        (
            1.4,
            f"mirrors: what ({second}, {first}) was taught",
            f"x {unseen['mirrored']:+.0f}",
            green,
        ),
    )
    _say(axis, 0, 3.6, f"never trained: x, {first}, {second}", ha="left", weight="bold")
    for height, name, result, color in rows:
        axis.add_patch(Rectangle((0, height - 0.45), 0.12, 0.9, color=color, linewidth=0))
        _say(axis, 0.35, height, name, ha="left")
        _say(axis, len(sequence), height, result, ha="right", color=color, weight="bold")
    axis.set_xlim(-0.1, len(sequence) + 0.1)
    axis.set_ylim(0.7, 7)
    axis.set_axis_off()


def _draw_pairs(axis: Axes, pairs: pd.DataFrame) -> None:
    anchors = sorted(pairs["first_anchor"].unique())
    _, orange, _ = categorical(3)
    for pair in pairs.to_dict("records"):
        row, column = anchors.index(pair["first_anchor"]), anchors.index(pair["second_anchor"])
        seen = bool(pair["trained"])
        exception = seen and pair["label"] != pair["composed"]
        face: str | Color = orange if exception else "0.92" if seen else "white"
        axis.add_patch(
            Rectangle(
                (column, row),
                1,
                1,
                facecolor=face,
                edgecolor="white" if seen else "0.5",
                linewidth=1.2,
                hatch=None if seen else "////",
            )
        )
        text = f"{pair['label']:+}" if seen else "unseen"
        note = f"\nnot {pair['composed']:+}" if exception else ""
        box = None if seen else {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axis.text(
            column + 0.5,
            row + 0.5,
            text + note,
            ha="center",
            va="center",
            fontsize=7.5,
            color="black",
            bbox=box,
        )
    ticks = np.arange(len(anchors)) + 0.5
    axis.set_xticks(ticks, [str(anchor) for anchor in anchors])
    axis.set_yticks(ticks, [str(anchor) for anchor in anchors])
    axis.set_xlim(0, len(anchors))
    axis.set_ylim(len(anchors), 0)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("second anchor")
    axis.set_ylabel("first anchor")
    axis.set_title("label minus key")


def _draw_split(axis: Axes, split: pd.DataFrame) -> None:
    grid = split.pivot(index="position", columns="key", values="held_out")
    _, orange, _ = categorical(3)
    left, right = split["key"].min() - 0.5, split["key"].max() + 0.5
    axis.pcolormesh(
        np.linspace(left, right, grid.shape[1] + 1),
        np.arange(-0.5, grid.shape[0] + 0.5),
        grid.to_numpy(float),
        cmap=ListedColormap([(0.88, 0.88, 0.88), orange]),
        edgecolors="white",
        linewidth=0.3,
    )
    axis.invert_yaxis()
    axis.set_yticks(grid.index[::2])
    axis.set_xlabel("key x (held out for testing at this position: orange)")
    axis.set_ylabel("position of the key")
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)


def _say(axis: Axes, x: float, y: float, text: str, *, ha: str = "center", **font: object) -> None:
    axis.text(x, y, text, fontsize=8, ha=ha, va="center", **font)  # type: ignore[arg-type]

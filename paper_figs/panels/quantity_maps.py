"""Heat maps of what was measured of the last checkpoint, over two run dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from lowcomplex.plots.page import canvas, panel_letters, style
from paper_figs.panels.axes import require
from paper_figs.panels.maps import draw_map
from paper_figs.panels.runs import CONVERGED, DIMENSION_LABELS, accuracy_table, cell_table


def quantity_table(dataset: xr.Dataset, quantities: Sequence[str], rows: str, columns: str) -> pd.DataFrame:
    """Means over seeds of final numbers of a run, over two run dimensions.

    Args:
        dataset: The quantities over (rows, columns, seed), and what `accuracy_table` needs.
        quantities: Names of variables. A run that diverged has NaN, and no part in the mean.
        rows: A run dimension.
        columns: Another.

    Returns:
        Columns: `rows`, `columns`, the quantities, runs, not_converged (their number), and seen (accuracy on
        trained pairs, as in `cell_table`).

    Raises:
        ValueError: The dataset lacks a variable or a dimension, or varies in another run dimension.
    """
    require(dataset, tuple(quantities), (rows, columns, "seed"))
    cells = cell_table(accuracy_table(dataset), rows, columns, groups=("seen_train_keys",))
    means = dataset[list(quantities)].mean("seed").to_dataframe().reset_index()
    kept = means[[rows, columns, *quantities]]
    return kept.merge(cells[[rows, columns, "runs", "not_converged", "seen"]], on=[rows, columns])


@style()
def plot_quantity_maps(
    dataset: xr.Dataset, labels: Mapping[str, str], rows: str, columns: str, *, digits: int = 1
) -> Figure:
    """One heat map a quantity, each with its own colors.

    Cells hold the mean over seeds; "×2" counts runs that did not converge; a cell is hatched where accuracy
    on trained pairs is below 0.9 on average, gray where there is no value.

    Args:
        dataset: As for `quantity_table`.
        labels: For each quantity, its words.
        rows: The run dimension drawn upward.
        columns: The run dimension drawn to the right.
        digits: After the point.

    Returns:
        The figure.
    """
    table = quantity_table(dataset, list(labels), rows, columns)
    figure = canvas(1, len(labels), height=1.1 + 0.34 * table[rows].nunique())
    panels = list(figure.axes)
    for axis, (quantity, label) in zip(panels, labels.items(), strict=True):
        low, high = table[quantity].min(), table[quantity].max()
        # Around equal values a color bar would invent a range, negative numbers of directions included.
        high = low + 1 if low == high else high
        mesh = quantity_panel(axis, table, quantity, rows, columns, digits=digits, low=low, high=high)
        axis.set_xlabel(DIMENSION_LABELS.get(columns, columns))
        axis.set_ylabel(DIMENSION_LABELS.get(rows, rows))
        figure.colorbar(mesh, ax=axis, label=label, pad=0.02)
    panel_letters(panels)
    return figure


def quantity_panel(
    axis: Axes,
    table: pd.DataFrame,
    quantity: str,
    rows: str,
    columns: str,
    *,
    digits: int | None = None,
    low: float | None = None,
    high: float | None = None,
) -> QuadMesh:
    """Draw one quantity of a `quantity_table`.

    Args:
        axis: The panel to draw on.
        table: The table.
        quantity: Its column.
        rows: The run dimension drawn upward.
        columns: The run dimension drawn to the right.
        digits: After the point, of the number in a cell; without it, cells hold none.
        low: Lower end of the colors; the least value if None.
        high: Upper end; the largest value if None.

    Returns:
        The mesh, for a color bar.
    """

    def text(mean: float, failed: int) -> str:
        if digits is None:
            return ""
        number = "–" if pd.isna(mean) else f"{mean:.{digits}f}"
        return number + (f"\n×{failed}" if failed else "")

    frame = table.assign(
        text=[text(m, f) for m, f in zip(table[quantity], table["not_converged"], strict=True)],
        hatched=table["seen"] < CONVERGED,
    )
    grids = [frame.pivot(index=rows, columns=columns, values=name) for name in (quantity, "text", "hatched")]
    mesh = draw_map(axis, *grids, vmin=low, vmax=high)
    axis.set_xlabel("")
    axis.set_ylabel("")
    return mesh

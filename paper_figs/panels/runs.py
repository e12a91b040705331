"""What every run ended with, one row per run: the table under curves and maps over run dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import pandas as pd
import xarray as xr

from experiments.anchor.schema import NEITHER, NOT_CONVERGED, PHASES, TRAINED, UNTRAINED
from lowcomplex.plots.page import GAMMA_LABEL
from paper_figs.panels.axes import require

Records = TypeVar("Records", xr.DataArray, xr.Dataset)

# A run that knows fewer of its trained pairs has not learned its task.
CONVERGED = 0.9

GROUP_LABELS = {
    "inferential": "inferential (composes)",
    "symmetric": "symmetric (mirrors)",
    "neither": "neither",
    "seen_train_keys": "training keys",
    "seen_test_keys": "held-out keys",
}
PANEL_TITLES = {
    **GROUP_LABELS,
    "seen_train_keys": "trained pairs, training keys",
    "seen_test_keys": "trained pairs, held-out keys",
}
DIMENSION_LABELS = {
    "gamma": GAMMA_LABEL,
    "depth": "blocks",
    "weight_decay": "weight decay",
    "learning_rate": "learning rate",
    "steps": "training steps",
    "noise_groups": "noise groups",
    "sequences": "sequences per pair",
    "functions": "anchor functions",
    "part": "part at γ, the others at 1/2",
    "modulus": "keys split modulo",
    "first_anchor": "first anchor",
    "second_anchor": "second anchor",
}


def accuracy_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Final answers of every run.

    Args:
        dataset: `accuracy` over run dimensions, `step` and `group`; `phase` over the run dimensions.

    Returns:
        Columns: the run dimensions, group, accuracy, phase. The group "neither" is what the inferential and
        the symmetric answer leave over; a group without an answer in this task is NaN.

    Raises:
        ValueError: The dataset lacks a variable or a dimension.
    """
    require(dataset, ("accuracy", "phase"), ("seed", "group"))
    runs = [str(dimension) for dimension in dataset["phase"].dims]
    final = at_end(dataset["accuracy"]).reset_coords(drop=True)
    neither = 1 - final.sel(group="inferential") - final.sel(group="symmetric").fillna(0)
    final = xr.concat([final, neither.assign_coords(group=NEITHER)], dim="group")
    final = final.sel(group=[*PHASES, *TRAINED]).transpose(*runs, "group")
    phase = dataset["phase"].reset_coords(drop=True).broadcast_like(final)
    table = xr.Dataset({"accuracy": final, "phase": phase}).to_dataframe().reset_index()
    return table[[*runs, "group", "accuracy", "phase"]]


def at_end(data: Records) -> Records:
    """The last record of each run, its last checkpoint's: NaN if it diverged.

    Raises:
        ValueError: The data are not over `step`.
    """
    if "step" not in data.dims:
        raise ValueError(f"expected data over step, got dimensions {list(data.dims)}")
    return data.isel(step=-1)


def cell_table(
    table: pd.DataFrame, rows: str, columns: str, *, groups: Sequence[str] = UNTRAINED
) -> pd.DataFrame:
    """Mean over seeds for each cell of a map over two run dimensions.

    Args:
        table: As `accuracy_table` makes it.
        rows: One of its run dimensions.
        columns: Another.
        groups: Which answers.

    Returns:
        Columns: `rows`, `columns`, group, mean, low, high (the seeds' range), runs, not_converged (their
        number), seen (mean accuracy on trained pairs and training keys, a diverged run counting as 0).

    Raises:
        ValueError: The table varies in a run dimension besides these and the seed.
    """
    others = set(table.columns) - {rows, columns, "seed", "group", "accuracy", "phase"}
    varying = sorted(name for name in others if table[name].nunique() > 1)
    if varying:
        raise ValueError(f"table: expected to vary in {rows}, {columns} and seed alone, varies in {varying}")
    cells = table[table["group"].isin(groups)].groupby([rows, columns, "group"], sort=True)
    result = cells.agg(
        mean=("accuracy", "mean"),
        low=("accuracy", "min"),
        high=("accuracy", "max"),
        runs=("accuracy", "size"),
        not_converged=("phase", lambda phase: int((phase == NOT_CONVERGED).sum())),
    ).reset_index()
    seen = table[table["group"] == "seen_train_keys"].fillna({"accuracy": 0.0})
    seen = seen.groupby([rows, columns])["accuracy"].mean().rename("seen").reset_index()
    return result.merge(seen, on=[rows, columns])


def tick_label(value: Any) -> str:
    """A run dimension's value as a tick label."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"

"""Tables of a checkpoint: its weight matrices measured, or placed on the γ axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from lowcomplex.checkpoints._matrices import matrices
from lowcomplex.initialization import placed
from lowcomplex.matrices import Layout, Skipped, WeightMatrix
from lowcomplex.measures import measure_weights, weight_measures

if TYPE_CHECKING:
    import pandas as pd

# Random weights measure less than the lower and more than the upper of these in 1 of 100 draws each.
_QUANTILES = {"low": 0.01, "high": 0.99}
Progress = Callable[[str], None]


class CheckpointTable(NamedTuple):
    """What a checkpoint measures.

    Attributes:
        table: One row per weight matrix.
        skipped: What is not a weight matrix, with the reason.
    """

    table: pd.DataFrame
    skipped: tuple[Skipped, ...]


def measure_table(
    path: Path | str, *, layout: Mapping[str, Layout] | None = None, progress: Progress | None = None
) -> CheckpointTable:
    """Ranks and condensation of every weight matrix of a checkpoint, beside what random weights measure.

    Args:
        path: A .safetensors file, a torch state dict, or a folder of either, such as a Hugging Face model's.
        layout: As for `matrices`.
        progress: Called with each tensor's name once it is done.

    Returns:
        Columns name, shape, d_in, gamma; each weight measure, and the mean that Gaussian weights of that
        shape give under `random_` and its name, with `_low` and `_high` for their 1 % and 99 % quantiles; the
        condensed directions, the share of the neurons that they hold, and whether their search was exact.
        Memory stays below twice the largest matrix in single precision, if that has a side much shorter than
        the other.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: As for `matrices`.
    """
    return _table(path, layout, progress, _measured)


def gamma_table(
    path: Path | str, *, layout: Mapping[str, Layout] | None = None, progress: Progress | None = None
) -> CheckpointTable:
    """Where every weight matrix of a checkpoint stands on the γ axis.

    Args:
        path: As for `measure_table`, like `layout` and `progress`.
        layout: As for `matrices`.
        progress: Called with each tensor's name once it is done.

    Returns:
        The columns of `lowcomplex.effective_gamma`.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: As for `matrices`.
    """
    return _table(path, layout, progress, placed)


def side_by_side(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Join two tables of checkpoints by name and shape, such as before and after training.

    Args:
        before: A table of `measure_table` or `gamma_table`.
        after: Another.

    Returns:
        Columns name, shape and d_in, and those that the matrix's values decide with `_before` and `_after`;
        what depends on the shape alone stands once. In the order of the first table, then of the second;
        matrices that only one holds have NaN at the other.
    """
    shared = [c for c in before.columns if c in ("name", "shape", "d_in", "rule", "standard_error")]
    shared += [c for c in before.columns if c.startswith("random_")]
    both = before.merge(after, how="outer", on=shared, suffixes=("_before", "_after"))
    # An outer merge sorts by name, which would put block 10 before block 2.
    order = {name: place for place, name in enumerate(dict.fromkeys([*before["name"], *after["name"]]))}
    return both.sort_values("name", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def _table(
    path: Path | str,
    layout: Mapping[str, Layout] | None,
    progress: Progress | None,
    row_of: Callable[[WeightMatrix], dict[str, Any]],
) -> CheckpointTable:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    skipped = []
    for item in matrices(path, layout=layout):
        if isinstance(item, Skipped):
            skipped.append(item)
        else:
            rows.extend(map(row_of, item.each()))
        if progress is not None:
            progress(item.name)
        # So that two are never in memory at a time.
        del item
    return CheckpointTable(pd.DataFrame(rows), tuple(skipped))


@torch.no_grad()
def _measured(matrix: WeightMatrix) -> dict[str, Any]:
    place, W = placed(matrix), matrix.neurons
    row = {key: place[key] for key in ("name", "shape", "d_in", "gamma")}
    records = weight_measures()
    values = measure_weights(W, [name for name, record in records.items() if record.details is None])
    for name, record in records.items():
        if record.details is None:
            row |= {name: float(values[name]), **_null(name, *W.shape)}
        else:
            row |= record.details(W)
    return row


@lru_cache
def _null(measure: str, m: int, n: int) -> dict[str, float]:
    record = weight_measures()[measure]
    if m < record.fewest:
        return {}
    null = record.null(m, n)
    row = {f"random_{measure}": null.value}
    for end, q in _QUANTILES.items():
        row[f"random_{measure}_{end}"] = null.quantile(q)
    return row

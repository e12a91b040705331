"""Tables of a checkpoint's weight matrices: what they measure, and their places on the γ axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from lowcomplex import _html
from lowcomplex.checkpoints._hub import HubPath
from lowcomplex.checkpoints._matrices import matrices
from lowcomplex.checkpoints._pairs import renamed
from lowcomplex.initialization import placed
from lowcomplex.matrices import Layout, Skipped, WeightMatrix
from lowcomplex.measures import measure_weights, weight_measures

if TYPE_CHECKING:
    import pandas as pd

# Quantiles of random weights: 1 draw of 100 is below the lower, and 1 of 100 above the upper.
_QUANTILES = {"low": 0.01, "high": 0.99}
Progress = Callable[[str], None]


class CheckpointTable(NamedTuple):
    """The weight matrices of a checkpoint, one row each, and its other tensors.

    Attributes:
        table: One row per weight matrix.
        skipped: The tensors that are no weight matrix, with the reason.
    """

    table: pd.DataFrame
    skipped: tuple[Skipped, ...]

    def __repr__(self) -> str:
        return f"{self._headlines().to_string(index=False, max_colwidth=60)}\n{self._rest()}"

    def _repr_html_(self) -> str:
        shown = self._headlines()
        rows = shown.itertuples(index=False, name=None)
        return _html.table([str(column) for column in shown.columns], rows) + f"<p>{self._rest()}</p>"

    def _headlines(self) -> pd.DataFrame:
        """The columns that the command line shows."""
        headlines = [name for name, measure in weight_measures().items() if measure.headline]
        measured = [column for name in headlines for column in (name, f"random_{name}")]
        chosen = ("name", "shape", "d_in", "gamma", "standard_error", *measured)
        return self.table[[column for column in chosen if column in self.table.columns]]

    def _rest(self) -> str:
        counts = f"{len(self.table)} weight matrices, {len(self.skipped)} other tensors"
        return f"{counts}; `table` has all columns, `skipped` the reasons"


def measure_table(
    path: Path | str | HubPath,
    *,
    layout: Mapping[str, Layout] | None = None,
    match: Sequence[str] | None = None,
    skip: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> CheckpointTable:
    """Ranks and condensation of every weight matrix of a checkpoint, beside what random weights measure.

    Args:
        path: A .safetensors file, a torch state dict, a folder of either, or the name of a model on the
            hub; see `located`.
        layout: As for `matrices`.
        match: As for `matrices`.
        skip: As for `matrices`.
        progress: Called with each tensor's name once it is done.

    Returns:
        Columns name, shape, d_in, gamma, and one per weight measure. The columns `random_` with a measure's
        name hold what Gaussian weights of the same shape give: the mean, and with `_low` and `_high` the 1 %
        and 99 % quantiles. Three more hold the number of condensed directions, the share of the neurons that
        they hold, and whether their search was exact. Memory stays below twice the largest matrix in single
        precision (four times if it is stored in fewer bits), if one side of that matrix is much shorter than
        the other.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: As for `matrices`.
    """
    return _table(matrices(path, layout=layout, match=match, skip=skip), progress, _measured)


def gamma_table(
    path: Path | str | HubPath,
    *,
    layout: Mapping[str, Layout] | None = None,
    match: Sequence[str] | None = None,
    skip: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> CheckpointTable:
    """The place of every weight matrix of a checkpoint on the γ axis.

    Args:
        path: As for `measure_table`.
        layout: As for `matrices`.
        match: As for `matrices`.
        skip: As for `matrices`.
        progress: Called with each tensor's name once it is done.

    Returns:
        The columns of `lowcomplex.effective_gamma`.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: As for `matrices`.
    """
    return _table(matrices(path, layout=layout, match=match, skip=skip), progress, placed)


def side_by_side(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Join two tables of checkpoints by name and shape, such as before and after training.

    Parts of names that wrappers add, such as `_orig_mod.` or `module.`, make no difference; rows have the
    names of the first table.

    Args:
        before: A table of `measure_table` or `gamma_table`.
        after: Another.

    Returns:
        Columns that depend on the name or the shape alone appear once; each other column appears twice, with
        `_before` and `_after`. Rows are in the order of the first table, then of the second. A matrix that
        is in one table only has NaN in the columns of the other.
    """
    shared = [c for c in before.columns if c in ("name", "shape", "d_in", "rule", "standard_error")]
    shared += [c for c in before.columns if c.startswith("random_")]
    after = after.assign(name=after["name"].replace(renamed(list(before["name"]), list(after["name"]))))
    both = before.merge(after, how="outer", on=shared, suffixes=("_before", "_after"))
    # An outer merge sorts by name, which would put block 10 before block 2.
    order = {name: place for place, name in enumerate(dict.fromkeys([*before["name"], *after["name"]]))}
    return both.sort_values("name", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def _table(
    found: Iterator[WeightMatrix | Skipped],
    progress: Progress | None,
    row_of: Callable[[WeightMatrix], dict[str, Any]],
) -> CheckpointTable:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    skipped = []
    for item in found:
        if isinstance(item, Skipped):
            skipped.append(item)
        else:
            rows.extend(map(row_of, item.each()))
        if progress is not None:
            progress(item.name)
        # Otherwise two tensors would be in memory at a time.
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

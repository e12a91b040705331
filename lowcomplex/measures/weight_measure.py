"""The record of a weight measure, and what is derived from all records that are found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from torch import Tensor

from lowcomplex._found import modules
from lowcomplex._names import require_known
from lowcomplex.nulls import Null


@dataclass(frozen=True)
class SharedQuantity:
    """A quantity from which several measures are computed; it is computed once for all of them.

    Attributes:
        of: (..., out, in) matrices → the quantity.
        value: The quantity and the matrices → (...), equal to what the measure's function returns.
    """

    of: Callable[[Tensor], Any]
    value: Callable[[Any, Tensor], Tensor]


@dataclass(frozen=True)
class WeightMeasure:
    """A measure that returns one number per weight matrix, and all that belongs to it.

    The record is defined beside the function, in any module of `lowcomplex.measures.weights`. The tracker's
    named measures, the columns of a checkpoint's table and the generic test are derived from the records.

    Attributes:
        name: Name of the tracker's variable and of the table's column.
        function: (..., out, in) matrices → (...).
        null: Rows and columns → the measure's distribution on matrices of independent Gaussian entries.
        order: Place among the columns, ascending.
        fewest: Smallest number of rows for which the null is defined.
        shared: Quantity from which the measure is computed, if other measures are computed from it too.
        details: One matrix → columns that a table shows in place of the number and its null.
        headline: Whether the command line's table shows the measure; files hold all measures.
    """

    name: str
    function: Callable[[Tensor], Tensor]
    null: Callable[[int, int], Null]
    order: int
    fewest: int = 1
    shared: SharedQuantity | None = None
    details: Callable[[Tensor], Mapping[str, float | bool]] | None = None
    headline: bool = False


@cache
def weight_measures(*, of: Callable[[Tensor], Any] | None = None) -> Mapping[str, WeightMeasure]:
    """Return the record of every weight measure by its name, in the order of the columns.

    Args:
        of: Return only the measures computed from this shared quantity, such as `singular_values`. If None,
            return all measures.

    Raises:
        ValueError: Two records have one name.

    Example:
        >>> list(weight_measures())[:2]
        ['effective_rank', 'stable_rank']
    """
    from lowcomplex.measures import weights

    found: dict[str, WeightMeasure] = {}
    for module in modules(weights):
        for thing in vars(module).values():
            if isinstance(thing, WeightMeasure) and found.setdefault(thing.name, thing) is not thing:
                raise ValueError(f"{thing.name}: two weight measures of this name, one in {module.__name__}")
    records = sorted(found.values(), key=lambda record: (record.order, record.name))
    return {r.name: r for r in records if of is None or (r.shared is not None and r.shared.of is of)}


def measure_weights(W: Tensor, names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """Compute several weight measures together: what they share is computed once.

    Args:
        W: (..., out, in) matrices.
        names: Names of weight measures; all of them if None.

    Returns:
        (...) values by name.

    Raises:
        TypeError: `W` is not a floating-point tensor.
        ValueError: An unknown name; `W` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> measure_weights(torch.eye(3), ["stable_rank", "mean_cosine"])
        {'stable_rank': tensor(3.), 'mean_cosine': tensor(0.)}
    """
    records = weight_measures()
    quantities: dict[Callable[[Tensor], Any], Any] = {}
    values = {}
    for name in records if names is None else names:
        require_known("names", name, records)
        record, shared = records[name], records[name].shared
        if shared is None:
            values[name] = record.function(W)
        else:
            if shared.of not in quantities:
                quantities[shared.of] = shared.of(W)
            values[name] = shared.value(quantities[shared.of], W)
    return values


def null_of(measure: str, rows: int, columns: int) -> Null:
    """Distribution of a weight measure on an m x n matrix of independent Gaussian entries.

    Args:
        measure: Name of a weight measure, such as "stable_rank".
        rows: Number m of rows (neurons).
        columns: Number n of columns (inputs).

    Returns:
        Mean, standard deviation and, by `Null.quantile`, quantiles.

    Raises:
        ValueError: An unknown measure, or a size out of range.

    Example:
        >>> null_of("participation_ratio", 1, 7).value
        1.0
    """
    require_known("measure", measure, weight_measures())
    return weight_measures()[measure].null(rows, columns)

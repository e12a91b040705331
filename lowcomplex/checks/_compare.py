"""A prediction beside a record of one's own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lowcomplex._names import require_known
from lowcomplex.predictions import Prediction

if TYPE_CHECKING:
    import xarray as xr


def compare(
    dataset: xr.Dataset,
    prediction: Prediction[..., Any],
    *,
    measured: str,
    tolerance: float,
    arguments: Mapping[str, Any] | None = None,
    dims: Sequence[str] | None = None,
    field: str | None = None,
) -> xr.Dataset:
    """Put a prediction beside a measured variable of a record, point by point.

    The evaluator's parameters are taken from `arguments` or, by their names, from the dataset's coordinates,
    variables and attributes.

    Args:
        dataset: A record or sweep.
        prediction: The prediction; its evaluator returns an array.
        measured: Name of the measured variable, in the prediction's units.
        tolerance: Largest |measured - predicted| that counts as agreement.
        arguments: Parameters that the dataset does not hold under the evaluator's names.
        dims: Dimensions of what the evaluator returns, if its parameters do not broadcast against each other
            (such as times and modes). By default parameters are broadcast by their named dimensions, and the
            result has the broadcast shape.
        field: Which field of the result to take, if the evaluator returns several.

    Returns:
        `predicted`, `measured`, `error` and `agrees` (False where either number is NaN), with the
        prediction's name, source and tolerance as attributes. The attribute `regime` is the answer of
        `prediction.regime`, if the record holds its parameters as single numbers.

    Raises:
        ValueError: The dataset has no such variable, a parameter is not found, `arguments` names one that the
            prediction does not have, the tolerance is not positive, or the result does not fit the dims.

    Example:
        >>> import xarray as xr
        >>> from lowcomplex.predictions import gamma_law
        >>> slopes = xr.Dataset({"slope": ("gamma", [2.04, 1.6, 1.01])}, coords={"gamma": [0.2, 0.4, 1.4]})
        >>> result = compare(slopes, gamma_law, measured="slope", tolerance=0.07, arguments={"depth": 2})
        >>> result["agrees"].values.tolist()
        [True, False, True]
    """
    import xarray as xr

    require_known("measured", measured, [str(name) for name in dataset.data_vars])
    if not tolerance > 0:
        raise ValueError(f"tolerance: expected a positive number, got {tolerance}")
    evaluated = inspect.signature(prediction.evaluate).parameters
    for name in arguments or {}:
        require_known("arguments", name, evaluated | inspect.signature(prediction.regime).parameters)
    given = {
        name: value
        for name, parameter in evaluated.items()
        if (value := _find(name, dataset, arguments or {}, parameter, prediction.name)) is not None
    }
    if dims is None:
        arrays = {name: value for name, value in given.items() if isinstance(value, xr.DataArray)}
        spread = dict(zip(arrays, xr.broadcast(*arrays.values()), strict=True)) if arrays else {}
        first = next(iter(spread.values()), None)
        dims = () if first is None else tuple(str(dim) for dim in first.dims)
        given |= spread
    values = prediction.evaluate(**{name: _plain(value) for name, value in given.items()})
    if field is not None:
        values = getattr(values, field)
    array = np.asarray(values, dtype=float)
    if array.ndim != len(dims):
        raise ValueError(
            f"dims: {prediction.name} returned shape {array.shape}, which does not fit {tuple(dims)}"
        )
    coordinates = {dim: dataset[dim] for dim in dims if dim in dataset.coords}
    predicted = xr.DataArray(array, dims=tuple(dims), coords=coordinates)
    result = xr.Dataset({"predicted": predicted, "measured": dataset[measured]})
    result["error"] = abs(result["measured"] - result["predicted"])
    result["agrees"] = result["error"] <= tolerance
    result.attrs = {
        "prediction": prediction.name,
        "source": prediction.source,
        "tolerance": tolerance,
        "regime": _regime(prediction, dataset, arguments or {}),
    }
    return result


def _find(
    name: str, dataset: xr.Dataset, arguments: Mapping[str, Any], parameter: inspect.Parameter, theorem: str
) -> Any:
    for place in (arguments, dataset, dataset.attrs):
        if name in place:
            return place[name]
    if parameter.default is inspect.Parameter.empty:
        raise ValueError(
            f"arguments: {theorem} needs {name!r}, which is neither among them nor in the dataset's "
            "coordinates, variables and attributes"
        )
    return None


def _plain(value: Any) -> Any:
    values = getattr(value, "values", None)
    return value if values is None else values


def _regime(prediction: Prediction[..., Any], dataset: xr.Dataset, arguments: Mapping[str, Any]) -> str:
    """The prediction's answer on its regime, or the parameter that is missing for one."""
    given = {}
    for name, parameter in inspect.signature(prediction.regime).parameters.items():
        try:
            value = _find(name, dataset, arguments, parameter, prediction.name)
        except ValueError:
            return f"not decided: the record does not hold {name!r}"
        if value is None:
            continue
        if np.ndim(value) > 0:
            return f"not decided: {name!r} varies over the record"
        given[name] = _plain(value).item() if hasattr(value, "item") else value
    regime = prediction.regime(**given)
    return f"{'inside' if regime else 'outside'}: {regime.reason}"

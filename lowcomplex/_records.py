"""Records as plain numbers, tensors and text: what a checkpoint may hold without pickled code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    import xarray as xr

_RAW_KINDS = "biufcmMSU"


def encode(record: xr.Dataset) -> dict[str, Any]:
    """Turn a dataset into dicts, lists, text and byte tensors, to the last bit.

    Args:
        record: Variables of numbers, booleans, times or text.

    Returns:
        What `decode` takes.

    Raises:
        ValueError: A variable or attribute holds other objects.

    Example:
        >>> import xarray as xr
        >>> record = xr.Dataset({"phase": ("layer", ["rich"]), "loss": 0.1})
        >>> decode(encode(record)).identical(record)
        True
    """
    return {
        "variables": {str(name): _encode_variable(str(name), v) for name, v in record.data_vars.items()},
        "coordinates": {str(name): _encode_variable(str(name), v) for name, v in record.coords.items()},
        "attributes": _encode_attributes("the record", record.attrs),
    }


def decode(state: dict[str, Any]) -> xr.Dataset:
    """Undo `encode`."""
    import xarray as xr

    variables, coordinates = (
        {name: _decode_variable(variable) for name, variable in state[part].items()}
        for part in ("variables", "coordinates")
    )
    return xr.Dataset(variables, coords=coordinates, attrs=_decode_attributes(state["attributes"]))


def _encode_variable(name: str, variable: xr.DataArray) -> dict[str, Any]:
    return {
        "dimensions": [str(dimension) for dimension in variable.dims],
        "values": _encode_array(name, np.asarray(variable.values)),
        "attributes": _encode_attributes(name, variable.attrs),
    }


def _decode_variable(state: dict[str, Any]) -> tuple[list[str], np.ndarray, dict[str, Any]]:
    return state["dimensions"], _decode_array(state["values"]), _decode_attributes(state["attributes"])


def _encode_array(name: str, values: np.ndarray) -> dict[str, Any]:
    content: Any
    if values.dtype.kind in _RAW_KINDS:
        raw = bytearray(np.ascontiguousarray(values).tobytes())
        content = torch.frombuffer(raw, dtype=torch.uint8) if raw else torch.empty(0, dtype=torch.uint8)
    elif values.dtype.kind == "O" and all(isinstance(value, str) for value in values.flat):
        content = [str(value) for value in values.flat]
    else:
        raise ValueError(f"{name}: expected numbers, times or text, got an array of {values.dtype}")
    return {"dtype": values.dtype.str, "shape": list(values.shape), "content": content}


def _decode_array(state: dict[str, Any]) -> np.ndarray:
    dtype, content = np.dtype(state["dtype"]), state["content"]
    if dtype.kind == "O":
        flat = np.empty(len(content), dtype=object)
        flat[:] = content
    else:
        flat = np.frombuffer(content.numpy().tobytes(), dtype=dtype).copy()
    return flat.reshape(state["shape"])


def _encode_attributes(name: str, attributes: dict[Any, Any]) -> dict[str, Any]:
    encoded: dict[str, Any] = {}
    for key, value in attributes.items():
        if value is None or isinstance(value, bool | int | float | str):
            encoded[str(key)] = value
        elif isinstance(value, np.ndarray | np.generic):
            is_scalar = isinstance(value, np.generic)
            array = _encode_array(f"attribute {key} of {name}", np.asarray(value))
            encoded[str(key)] = {"array": array, "scalar": is_scalar}
        elif isinstance(value, list | tuple) and all(isinstance(v, bool | int | float | str) for v in value):
            encoded[str(key)] = value
        else:
            raise ValueError(f"attribute {key} of {name}: cannot keep a {type(value).__name__}")
    return encoded


def _decode_attributes(state: dict[str, Any]) -> dict[str, Any]:
    decoded: dict[str, Any] = {}
    for key, value in state.items():
        if isinstance(value, dict):
            array = _decode_array(value["array"])
            decoded[key] = array[()] if value["scalar"] else array
        else:
            decoded[key] = value
    return decoded

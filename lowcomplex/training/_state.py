"""States that a checkpoint can hold without pickled code, and their digests."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def plain(name: str, value: Any) -> Any:
    """A nested state of plain tensors, numbers and text in dicts, lists and tuples, equal to the given one.

    Numbers of NumPy, and subclasses of numbers, text and containers, are written as pickled code, which
    `torch.load(weights_only=True)` refuses to read; they become the plain values that they equal.

    Args:
        name: Name of the state, for the error.
        value: The state.

    Raises:
        ValueError: A part of it is of another type, such as a set or an array.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Tensor):
        detached = value.detach()
        if type(detached) is Tensor:
            return detached
    elif isinstance(value, Mapping):
        items = {plain(f"a key of {name}", k): plain(f"{name}.{k}", item) for k, item in value.items()}
        if isinstance(value, OrderedDict):  # Of a module's state it carries the layers' versions.
            items = OrderedDict(items)
            vars(items).update(plain(name, vars(value)))
        return items
    elif isinstance(value, list | tuple):
        found = [plain(f"{name}[{index}]", item) for index, item in enumerate(value)]
        return found if isinstance(value, list) else tuple(found)
    elif value is None or isinstance(value, bool):
        return value
    else:
        kinds: tuple[tuple[type, Any], ...] = (
            (int, int.__int__),
            (float, float.__float__),
            (str, str.__str__),
        )
        for kind, base in kinds:
            if isinstance(value, kind):
                return base(value)
    raise ValueError(
        f"{name}: a checkpoint holds tensors, numbers and text in dicts and lists, got {type(value).__name__}"
    )


def digest(value: Any) -> str:
    """SHA-256 over the values of a plain state, in hexadecimal digits."""
    found = hashlib.sha256()
    _feed(found, value)
    return found.hexdigest()


def _feed(found: Any, value: Any) -> None:
    if isinstance(value, Tensor):
        found.update(f"tensor {value.dtype} {tuple(value.shape)}".encode())
        flat = value.cpu().contiguous().flatten()
        found.update(flat.view(torch.uint8).numpy().data if flat.numel() else b"")
    elif isinstance(value, dict):
        found.update(f"mapping {len(value)}".encode())
        for key, item in value.items():
            found.update(f"{key!r}:".encode())
            _feed(found, item)
    elif isinstance(value, list | tuple):
        found.update(f"sequence {len(value)}".encode())
        for item in value:
            _feed(found, item)
    else:
        found.update(f"{type(value).__name__} {value!r};".encode())

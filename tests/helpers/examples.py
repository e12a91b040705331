"""The example of every measure from its test file, with what it takes and returns."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

import samples
from lowcomplex import measures
from lowcomplex.measures import weight_measures

HERE = Path(__file__).parents[1] / "measures"
RECORDS = weight_measures()
NEEDS_CURVLINOPS = {"hessian_density", "hessian_eigenvalues", "hessian_trace"}


def _examples() -> dict[str, Callable[[float], object]]:
    """`SCALED` of every test file beside this one, and every weight measure of a multiple of one matrix."""
    found: dict[str, Callable[[float], object]] = {
        record.function.__name__: lambda c, record=record: record.function(c * samples.W)
        for record in RECORDS.values()
    }
    for path in sorted(HERE.glob("*/test_*.py")):
        spec = importlib.util.spec_from_file_location(f"examples_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        # A file that needs an extra is skipped below its examples.
        with contextlib.suppress(pytest.skip.Exception):
            spec.loader.exec_module(module)
        assert not set(found) & set(getattr(module, "SCALED", {})), path
        found |= getattr(module, "SCALED", {})
    return found


SCALED = _examples()


def arguments(name: str) -> tuple[tuple[object, ...], dict[str, object]]:
    """Arguments of a measure in its example."""
    if name in {record.function.__name__ for record in RECORDS.values()}:
        return (samples.W,), {}
    calls = []

    def called(*args: object, **kwargs: object) -> None:
        calls.append((args, kwargs))
        raise InterruptedError

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(InterruptedError):
        patch.setattr(measures, name, called)
        SCALED[name](1.0)
    return calls[0]


def stored(thing: object, dtype: torch.dtype) -> object:
    """A copy of an argument with all its numbers stored in a dtype."""
    if isinstance(thing, Tensor):
        return thing.to(dtype) if thing.is_floating_point() else thing
    if isinstance(thing, torch.nn.Module):
        return copy.deepcopy(thing).to(dtype)
    if isinstance(thing, torch.Generator):
        return thing.clone_state()
    if isinstance(thing, dict):
        return {key: stored(value, dtype) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return type(thing)(stored(value, dtype) for value in thing)
    return thing


def tensors(result: object) -> Iterator[Tensor]:
    """All numbers that a measure returned, in the dtypes in which it returned them."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, bool | int | float):
        yield torch.tensor(result, dtype=torch.float64)
    elif dataclasses.is_dataclass(result):
        yield from tensors({field.name: getattr(result, field.name) for field in dataclasses.fields(result)})
    else:
        for value in result.values() if isinstance(result, dict) else result:
            yield from tensors(value)


def skip_without_curvlinops(name: str) -> None:
    if name in NEEDS_CURVLINOPS and importlib.util.find_spec("curvlinops") is None:
        pytest.skip("needs curvlinops")

"""The shapes that annotations state hold in examples, and every tensor of three rooms states its shape."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lowcomplex import measures, networks, tasks

ROOT = Path(__file__).parents[1]


def test_examples_have_the_shapes_that_annotations_state() -> None:
    # In a process of its own, since what checks shapes must be there before the measures are imported.
    run = subprocess.run(
        [sys.executable, "tests/helpers/shapes.py"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]


@pytest.mark.parametrize("room", [measures, networks, tasks])
def test_no_tensor_is_without_a_shape(room: ModuleType) -> None:
    """Tensors among arguments, results and fields state their shapes; parameters by name do not."""
    bare = [
        f"{name}: {what}"
        for name in room.__all__
        for what, text in _annotations(name, getattr(room, name))
        if text.split(" | ")[0] in ("Tensor", "dict[str, Tensor]", "tuple[Tensor, Tensor]")
    ]
    assert not bare


def _annotations(name: str, thing: Any) -> Iterator[tuple[str, str]]:
    """Annotations of a function, or of a class's fields, properties and public methods, as text."""
    if inspect.isfunction(thing) and "weight_measure" in thing.__module__:
        return
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return
    for what, annotation in inspect.get_annotations(thing).items():
        # Fields of a NamedTuple wrap the text of the annotation.
        yield what, str(getattr(annotation, "__forward_arg__", annotation))
    if inspect.isclass(thing):
        for method, member in vars(thing).items():
            function = member.fget if isinstance(member, property) else member
            if inspect.isfunction(function) and not method.startswith("_"):
                for what, annotation in inspect.get_annotations(function).items():
                    yield f"{method}: {what}", str(annotation)

"""The shapes that the measures' annotations state hold in their examples."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

from lowcomplex import measures

ROOT = Path(__file__).parents[2]


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


def test_no_tensor_is_without_a_shape() -> None:
    """Tensors among arguments, results and their fields state their shapes; parameters by name do not."""
    bare = []
    for name in measures.__all__:
        thing = getattr(measures, name)
        if inspect.isclass(thing) or (inspect.isfunction(thing) and "weight_measure" not in thing.__module__):
            for what, annotation in inspect.get_annotations(thing).items():
                # Fields of a NamedTuple wrap the text of the annotation.
                text = getattr(annotation, "__forward_arg__", annotation)
                if text.split(" | ")[0] in ("Tensor", "dict[str, Tensor]", "tuple[Tensor, Tensor]"):
                    bare.append(f"{name}: {what}")
    assert not bare

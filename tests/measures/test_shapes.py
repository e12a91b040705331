"""What the annotations of the measures say of shapes holds in their examples."""

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
    """Arguments and results that are tensors state their shapes, except where names map to tensors of any."""
    bare = []
    for name in measures.__all__:
        function = getattr(measures, name)
        if inspect.isfunction(function) and len(function.__module__.split(".")) == 4:
            for what, annotation in inspect.get_annotations(function).items():
                if annotation.split(" | ")[0] in ("Tensor", "dict[str, Tensor]"):
                    bare.append(f"{name}: {what}")
    assert not bare

"""What an addition costs: its files in a copy of the repository, and no other file edited, make it appear."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MEASURE = {
    "lowcomplex/measures/weights/entry_participation.py": '''"""Participation ratio of the entries."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._validation import matrices
from lowcomplex.measures.weight_measure import WeightMeasure
from lowcomplex.nulls import Null


def entry_participation(W: Float[Tensor, "*batch neurons inputs"]) -> Float[Tensor, "*batch"]:
    """Share of the entries that carry the squared norm, (Σ w²)² / (mn Σ w⁴).

    Args:
        W: (..., out, in) matrices.

    Returns:
        (...), between 1/(mn) for a single entry and 1 for entries of one size; NaN for a zero matrix.

    Example:
        >>> entry_participation(torch.eye(2))
        tensor(0.5000)
    """
    entries = matrices(W).double().flatten(-2)
    largest = entries.abs().amax(-1, keepdim=True) if len(entries) else entries[..., :1]
    squares = (entries / largest).square()
    return (squares.sum(-1).square() / squares.square().sum(-1) / entries.shape[-1]).to(W.dtype)


def _null(m: int, n: int) -> Null:
    """One third, since E[w⁴] = 3 E[w²]²; the spread by the delta method."""
    if m < 1 or n < 1:
        raise ValueError(f"m, n: expected positive sizes, got {m} x {n}")
    return Null(1 / 3, math.sqrt(8 / (3 * m * n)) / 3)


MEASURE = WeightMeasure("entry_participation", entry_participation, _null, order=1000)
''',
    "tests/measures/weights/test_entry_participation.py": """import pytest
import torch

from lowcomplex.measures import entry_participation


def test_equal_entries_and_one() -> None:
    assert float(entry_participation(-torch.ones(3, 4))) == 1
    W = torch.zeros(3, 4)
    W[1, 2] = 5
    assert float(entry_participation(W)) == pytest.approx(1 / 12)
""",
    "docs/gallery/pictures/entry_participation.py": '''"""Entries of a matrix

`entry_participation`: the share of the entries that carry the squared norm.
"""

from __future__ import annotations

from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, teacher
from pictures._drawing import layers_of, say

ORDER = 1000
NETWORK = teacher
CAPTION = "Entries of a hidden layer"


def draw(axis: Axes, run: Run) -> None:
    W = layers_of(run)[1]
    axis.hist(W.flatten(), bins=40)
    say(axis, f"{float(measures.entry_participation(W)):.2f}")
''',
}

STUDY = """    Study(
        name="gamma_axis_of_two_samples",
        title="Does the law of γ hold for two samples?",
        config=GammaAxisConfig,
        measure=measure,
        presets={
            preset: {"gamma": GAMMAS, "depth": (2,), "seed": (0, 1), "width": 24, "samples": 2}
            for preset in ("quick", "full")
        },
        dimensions=("depth", "gamma", "seed"),
        findings=findings,
        order=15,
        seconds=0.1,
    ),
)
"""


def _run(folder: Path, *command: str) -> str:
    run = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return run.stdout


@pytest.mark.slow
def test_a_measure_is_a_function_a_test_and_a_picture(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("lowcomplex", "tests", "docs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    for file in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / file, copy / file)
    for name, text in MEASURE.items():
        (copy / name).write_text(text, encoding="utf-8")
    # What is generated: signatures for type checkers, the picture, and the page that shows it.
    _run(copy, "tests/helpers/stubs.py")
    _run(copy, "docs/gallery", "entry_participation")
    assert "![Entries of a hidden layer]" in (copy / "docs" / "measures.md").read_text(encoding="utf-8")

    options = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    own = ("tests/measures/weights/test_entry_participation.py", "lowcomplex/measures/weights")
    _run(copy, *options, *own)
    said = _run(
        copy, *options, "tests/measures/test_every_measure.py", "-k", "entry_participation or example"
    )
    assert int(said.rpartition(" passed")[0].split()[-1]) > 15
    _run(copy, *options, "tests/test_docs.py", "tests/test_package.py", "-k", "measure or picture or stub")

    save = "import torch; torch.manual_seed(0); torch.save({'w': torch.randn(30, 20)}, 'model.pt')"
    _run(copy, "-c", save)
    _run(copy, "-m", "lowcomplex", "measure", "model.pt", "--json", "measured.json")
    (row,) = json.loads((copy / "measured.json").read_text(encoding="utf-8"))
    assert row["random_entry_participation"] == pytest.approx(1 / 3)
    assert 0 < row["random_entry_participation_low"] < row["random_entry_participation_high"] < 1
    assert 0 < row["entry_participation"] < 1


@pytest.mark.slow
def test_a_study_is_a_row_and_its_dataset(tmp_path: Path) -> None:
    copy, name = tmp_path / "copy", "gamma_axis_of_two_samples"
    for folder in ("lowcomplex", "experiments", "paper_figs", "tests"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "*.nc"))
    for file in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / file, copy / file)
    (copy / "paper_figs" / "data").mkdir(exist_ok=True)
    grids = copy / "experiments" / "gamma_law" / "grids.py"
    rows = grids.read_text(encoding="utf-8")
    assert rows.endswith("\n)\n")
    grids.write_text(rows.removesuffix(")\n") + STUDY, encoding="utf-8")

    listed = _run(copy, "-m", "experiments").splitlines()
    assert [line.split()[0] for line in listed[:2]] == ["gamma_axis", name]
    said = _run(copy, "-m", "experiments", name, "--preset", "full", "--workers", "0", "--reduce")
    assert "log RD / log m grows in γ with slope" in said
    assert (copy / "paper_figs" / "data" / f"{name}.nc").is_file()
    options = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    tested = _run(copy, *options, "tests/test_every_study.py", "-k", name)
    assert int(tested.rpartition(" passed")[0].split()[-1]) == 4
    main_job = "from paper_figs.reproduce import studies; print(*(each.name for each in studies()))"
    assert name in _run(copy, "-c", main_job).split()

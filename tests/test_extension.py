"""An addition appears wherever it belongs by its own files alone, no other file being edited.

The additions are in the folder beside this file, laid out as in the repository; the study is a row below.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ADDITIONS = Path(__file__).parent / "additions"
MEASURE, THEOREM, STUDY, FIGURE = (
    "entry_participation",
    "norm_of_means",
    "gamma_axis_narrow",
    "gamma_law_narrow",
)
GRIDS = "experiments/gamma_law/grids.py"
ROW = """    Study(
        name="gamma_axis_narrow",
        title="Does the boundary at γ = 1/2 show in narrow networks, too?",
        config=GammaAxisConfig,
        measure=measure,
        presets={
            "quick": {"gamma": GAMMAS, "depth": (2,), "seed": (0, 1), "width": 24, "samples": 3},
            "full": {"gamma": GAMMAS, "depth": (2,), "seed": (0, 1), "width": 24, "samples": 3},
        },
        dimensions=("depth", "gamma", "seed"),
        findings=findings,
        order=15,
        seconds=0.1,
    ),
)
"""
# One process for many commands: imports cost more than the commands.
RUNNER = """
import runpy, sys
for line in sys.argv[1:]:
    print(f"$ {line}", flush=True)
    sys.argv = line.split()
    run = runpy.run_path if "/" in sys.argv[0] else runpy.run_module
    try:
        run(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
"""
# Tests that compare what is generated with what is found.
GENERATED = (
    "test_door_has_every_prediction_in_its_stub",
    "test_every_function_has_an_example",
    "test_every_picture_is_there_and_shown",
    "test_maps_are_made_from_the_theorems",
    "test_the_catalogue_is_made_from_the_theorems",
    "test_the_pages_of_the_measures_are_current",
    "test_the_page_of_the_studies_is_current",
    "test_the_stub_of_the_measures_is_current",
)
# No command makes a tracker's record, or a report of the additions alone.
QUESTIONS = f"""
from functools import partial
from pathlib import Path
import torch
from lowcomplex import Tracker
from paper_figs import _verdicts, reproduce

tracker = Tracker(torch.nn.Linear(20, 30), ("{MEASURE}",))
tracker.record()
print("tracked", tracker.dataset()["{MEASURE}"].sizes)
added = [each for each in reproduce.studies() if each.name == "{STUDY}"]
figures = [each for each in reproduce.names() if each == "{FIGURE}"]
reproduce.studies, reproduce.names = (lambda: added), (lambda: figures)
_verdicts.checks.run_all = partial(_verdicts.checks.run_all, ["{THEOREM}"])
problems = reproduce.reproduce("quick", 0, Path("results"))
"""


# One test, so that tests in several processes need one copy.
def test_additions_appear_everywhere(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    _add(copy)
    _assert_documented(copy)
    _assert_in_commands_tracker_and_report(copy)
    _assert_asked_by_generic_tests(copy)


def _add(copy: Path) -> None:
    """A copy of the repository with one measure, theorem, study and figure more, and what is generated."""
    ignored = shutil.ignore_patterns("__pycache__", "_build", "additions")
    for folder in ("docs", "experiments", "lowcomplex", "paper_figs", "tests", "theory"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    for file in ("CITATION.cff", "conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / file, copy / file)
    present = {path for path in copy.rglob("*") if path.is_file()}
    for path in ADDITIONS.rglob("*.py"):
        added = copy / path.relative_to(ADDITIONS)
        assert added not in present
        added.parent.mkdir(exist_ok=True)
        shutil.copy(path, added)
    grids = (copy / GRIDS).read_text(encoding="utf-8")
    assert grids.endswith("    ),\n)\n")
    (copy / GRIDS).write_text(grids.removesuffix(")\n") + ROW, encoding="utf-8")
    _run(
        copy,
        "-c",
        RUNNER,
        "tests/helpers/stubs.py",
        "theory --table",
        f"theory {THEOREM}",
        f"experiments {STUDY} --preset full --workers 0 --reduce",
        "docs/studies.py",
        f"docs/gallery {MEASURE}",
    )


def _assert_documented(copy: Path) -> None:
    pages = {
        name: (copy / "docs" / "explanation" / f"{name}.md").read_text("utf-8")
        for name in ("measures_weights", "studies", "theory")
    }
    assert f"(../gallery/{MEASURE}.png)" in pages["measures_weights"]
    assert (
        f"| [`{THEOREM}`](../../theory/{THEOREM}.ipynb) | A null: the mean of m random vectors"
        in pages["theory"]
    )
    (row,) = [line for line in pages["studies"].splitlines() if f"| `{STUDY}` |" in line]
    assert f"`{FIGURE}`" in row
    theorems = (copy / "theory" / "README.md").read_text(encoding="utf-8")
    assert f"[notebook]({THEOREM}.ipynb)" in theorems
    assert f"[{FIGURE}](../paper_figs/figures/{FIGURE}.py)" in theorems


def _assert_in_commands_tracker_and_report(copy: Path) -> None:
    code = "import torch; torch.save({'w': torch.randn(30, 20)}, 'model.pt')\n" + RUNNER + QUESTIONS
    said = _run(
        copy,
        "-c",
        code,
        "lowcomplex measure model.pt --json measured.json",
        f"lowcomplex check {THEOREM} --workers 1 --json checked.json",
        "experiments",
        f"paper_figs {FIGURE} --preset full --folder drawn",
    )
    (row,) = json.loads((copy / "measured.json").read_text(encoding="utf-8"))
    assert 0 < row[MEASURE] < 1
    assert row[f"random_{MEASURE}"] == pytest.approx(1 / 3)
    (verdict,) = json.loads((copy / "checked.json").read_text(encoding="utf-8"))
    assert verdict["name"] == THEOREM
    assert verdict["as_expected"]
    assert "Does the boundary at γ = 1/2 show in narrow networks, too? (quick: 22 runs" in said
    assert (copy / "drawn" / "figures" / f"{FIGURE}.csv").is_file()
    assert "tracked" in said
    report = (copy / "results" / "report.html").read_text(encoding="utf-8")
    for shown in (STUDY, "narrow networks, too?", "The γ law in narrow networks, of width 24.", THEOREM):
        assert shown in report


def _assert_asked_by_generic_tests(copy: Path) -> None:
    names = (MEASURE, THEOREM, STUDY, FIGURE)
    # The notebook was run when it was written.
    chosen = f"({' or '.join((*names, *GENERATED))}) and not notebook_runs"
    said = _run(
        copy,
        *("-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", chosen),
        f"tests/measures/weights/test_{MEASURE}.py",
        f"tests/theorems/{THEOREM}",
        "tests/measures/test_every_measure.py",
        "tests/theorems/test_every_theorem.py",
        "tests/test_every_study.py",
        "tests/test_every_figure.py",
        "tests/test_docs.py",
        "tests/test_package.py",
        "tests/test_theory.py",
        f"lowcomplex/measures/weights/{MEASURE}.py",
    )
    passed = [line.split(" PASSED")[0] for line in said.splitlines() if " PASSED" in line]
    for name, kind, fewest in zip(
        names, ("measure", "theorem", "study", "figure"), (15, 5, 4, 3), strict=True
    ):
        asked = [
            test for test in passed if f"test_every_{kind}.py" in test and name in test.partition("[")[2]
        ]
        assert len(asked) >= fewest, (kind, asked)
    assert all(any(test.endswith(f"::{name}") for test in passed) for name in GENERATED)


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

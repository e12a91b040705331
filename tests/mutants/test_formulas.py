"""A theorem's check, or its tests, notice when one expression of its formula is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mutants

ROOT = Path(__file__).parents[2]
TABLE = tomllib.loads(Path(__file__).with_name("formulas.toml").read_text(encoding="utf-8"))["mutant"]
CHECK = "tests/theorems/test_every_theorem.py::test_check_is_as_expected_and_refutes_its_mutants"


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row['theorem']}: {row['wrong']}") for row in TABLE])
def test_expression_stands_in_the_formula(row: dict[str, str]) -> None:
    source = ROOT / f"{row['module'].replace('.', '/')}.py"
    assert row["old"] in source.read_text(encoding="utf-8")
    assert row["old"] != row["new"]


@pytest.mark.slow
@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row['theorem']}: {row['wrong']}") for row in TABLE])
def test_a_wrong_formula_is_noticed(row: dict[str, str]) -> None:
    theorem = row["theorem"]
    tests = [f"{CHECK}[{theorem}]", f"tests/theorems/{theorem}"]
    if row["module"].startswith("lowcomplex.nulls"):
        tests.append("tests/test_nulls.py")
    run = subprocess.run(
        [sys.executable, mutants.__file__, row["module"], row["old"], row["new"], *tests],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == (0 if "equivalent" in row else 1), run.stdout + run.stderr

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import lowcomplex
import stubs
from lowcomplex import theorems

ROOT = Path(__file__).parents[1]


def _modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_every_public_name_is_there() -> None:
    for name in dir(lowcomplex):
        assert getattr(lowcomplex, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lowcomplex.nothing  # noqa: B018


def test_the_version_is_said_once() -> None:
    """Metadata of an installation and the citation say what `lowcomplex.__version__` says."""
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited is not None
    assert cited[1] == lowcomplex.__version__ == version("lowcomplex")


def test_the_wheel_holds_the_library_alone_and_works(tmp_path: Path) -> None:
    def run(*arguments: str | Path, **options: Any) -> str:
        call = [sys.executable, *arguments]
        return subprocess.run(call, capture_output=True, text=True, check=True, **options).stdout

    run("-m", "hatchling", "build", "-d", tmp_path, cwd=ROOT)
    (wheel,), (source,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        held = {Path(name).parts[1] for name in archive.getnames()}
    assert {"lowcomplex", "tests", "theory", "pyproject.toml", "LICENSE", "CHANGELOG.md"} <= held
    installed = tmp_path / "installed"
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", installed, wheel)
    library = {each.name for each in installed.iterdir()}
    assert library == {"lowcomplex", f"lowcomplex-{lowcomplex.__version__}.dist-info", "bin"}
    assert (installed / "lowcomplex" / "py.typed").is_file()
    # What is found by looking is in the wheel, too.
    program = (
        "import lowcomplex, torch; from lowcomplex import theorems; print(lowcomplex.__file__, "
        "lowcomplex.effective_rank(torch.eye(3)).item(), *theorems.names(), sep='\\n')"
    )
    alone = {**os.environ, "PYTHONPATH": str(installed)}
    place, rank, *names = run("-c", program, cwd=tmp_path, env=alone).split()
    assert Path(place).is_relative_to(installed)
    assert float(rank) == pytest.approx(3)
    assert tuple(names) == theorems.names()
    assert "measure" in run("-m", "lowcomplex", "--help", cwd=tmp_path, env=alone)


@pytest.mark.parametrize(
    "room",
    ["measures", "networks", "predictions", "training", "tasks", "checks", "plots", "statistics"],
)
def test_every_exported_name_is_there(room: str) -> None:
    module = importlib.import_module(f"lowcomplex.{room}")
    assert module.__all__
    assert all(hasattr(module, name) for name in module.__all__)


def test_the_stub_of_the_measures_is_current() -> None:
    written = stubs.MEASURES.read_text(encoding="utf-8")
    assert written == stubs.measures_stub(), "run `python tests/helpers/stubs.py`"


def test_the_library_is_light_to_import() -> None:
    names = "initialize, effective_gamma, effective_rank, condensed_directions, fourier_spectrum, Tracker"
    heavy = {"pandas", "xarray", "sympy", "seaborn", "matplotlib", "scipy.cluster", "scipy.stats", "exca"}
    assert "torch" not in _modules_after("import lowcomplex")
    # torch itself imports sympy once it compiles; only what a plain import of it leaves out is ours.
    loaded = _modules_after(f"from lowcomplex import {names}") - _modules_after("import torch")
    assert not heavy & loaded


@pytest.mark.parametrize("room", ["predictions", "plots", "nulls", "statistics", "sweeps"])
def test_rooms_without_torch(room: str) -> None:
    assert "torch" not in _modules_after(f"import lowcomplex.{room}")


def test_trainers_stay_optional() -> None:
    loaded = _modules_after("import lowcomplex.integrations, lowcomplex.tracking, lowcomplex.cli")
    assert (
        not {"lightning", "transformers", "accelerate", "finufft", "curvlinops", "huggingface_hub"} & loaded
    )

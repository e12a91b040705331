"""CONTRIBUTING.md is true: pinned versions, tested versions of Python, files and commands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"


def test_hooks_use_the_locked_versions() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert {hook["id"] for hook in hooks} == {"ruff-check", "ruff-format", "mypy"}
    pinned = [pin for hook in hooks for pin in hook.get("additional_dependencies", ())]
    assert pinned
    assert set(pinned) <= set(lock)


def test_the_workflow_runs_the_one_command_on_every_supported_python() -> None:
    workflow = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["test"]
    assert {"run": ".ci/run"} in job["steps"]
    assert "-m hatchling build" in job["steps"][-1]["run"]
    assert 'pip" install dist/*.whl' in job["steps"][-1]["run"]
    assert (ROOT / ".ci" / "run").is_file()
    versions = job["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={versions[0]}"


@pytest.mark.parametrize("path", sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda p: p.stem)
def test_issue_forms_have_what_github_asks(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert fields
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)


def _said() -> str:
    """How to contribute: the page, and the recipes that it links to."""
    pages = (ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "how_to").glob("add_*.md")))
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def test_commands_of_make_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    said = _said()
    commands = set(re.findall(r"`?make (?:VENV= )?([a-z]+)", said))
    assert {"setup", "test", "tables"} <= commands
    assert all(f"\n{command}:" in makefile for command in commands), commands


def test_files_that_are_shown_are_there() -> None:
    said = _said()
    paths = set(
        re.findall(
            r"(?:lowcomplex|tests|theory|docs|experiments|paper_figs)/[\w/.]+\.(?:py|md|nc|ipynb)", said
        )
    )
    placeholders = {path for path in paths if re.search(r"FAMILY|NAME|PICTURE|/(test_)?x\.py", path)}
    assert {"lowcomplex/measures/weights/x.py", "theory/NAME.py"} <= placeholders
    assert len(paths - placeholders) > 10
    assert not [path for path in paths - placeholders if not (ROOT / path).is_file()]


def test_recipes_name_every_folder_that_an_addition_needs() -> None:
    said = _said()
    additions = ROOT / "tests" / "additions"
    folders = {path.relative_to(additions).parent.as_posix() for path in additions.rglob("*.py")}
    assert len(folders) == 7
    assert not [folder for folder in folders if f"{folder.replace('norm_of_means', 'NAME')}/" not in said]

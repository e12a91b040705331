"""The README's program runs, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = [block.split("```")[0] for block in README.split("```python\n")[1:]]
    scope: dict[str, object] = {}
    exec(compile(program, "README.md", "exec"), scope)
    ranks, directions, verdict = capsys.readouterr().out.splitlines()
    rank, null = map(float, ranks.split(" random: "))
    assert rank < null
    assert int(directions.split()[0]) >= 1
    assert verdict == "True"


def test_it_fits_a_screen() -> None:
    (program,) = [block.split("```")[0] for block in README.split("```python\n")[1:]]
    assert len(program.splitlines()) <= 16
    assert len(README.splitlines()) <= 56


def test_what_it_shows_is_what_make_offers() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"^    make (\w+)", README, re.MULTILINE)
    assert commands
    assert all(f"\n{command}:" in makefile for command in commands)


def test_no_dead_link() -> None:
    pages = (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
    for page in pages:
        targets = [part.split(")")[0] for part in page.read_text(encoding="utf-8").split("](")[1:]]
        inside = [target.partition("#")[0] for target in targets if "//" not in target]
        assert not [target for target in inside if not (page.parent / target).exists()]


@pytest.mark.parametrize(
    "page", ["README.md", "Makefile", "paper_figs/reproduce.py", "experiments/__main__.py"]
)
def test_durations_are_said_on_the_page_of_the_studies_alone(page: str) -> None:
    said = (ROOT / page).read_text(encoding="utf-8")
    assert not re.search(r"\b(minutes?|hours?)\b", said), (
        "docs/explanation/studies.md says them, from the studies' seconds"
    )

"""The README's program runs, and its links lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = [block.split("```")[0] for block in README.split("```python\n")[1:]]
    scope: dict[str, object] = {}
    exec(compile(program, "README.md", "exec"), scope)
    said = capsys.readouterr().out.splitlines()
    rank, null = map(float, said[0].split())
    assert rank < null
    assert int(said[1].split()[0]) >= 1
    assert said[-1] == "True"


def test_no_dead_link() -> None:
    targets = [part.split(")")[0] for part in README.split("](")[1:]]
    assert not [target for target in targets if "//" not in target and not (ROOT / target).exists()]

"""The studies by name, on the command line."""

from __future__ import annotations

import pytest

from experiments import studies
from experiments.__main__ import main


def test_an_unknown_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("gama_axis") == 2
    assert "did you mean 'gamma_axis'" in capsys.readouterr().err
    assert main("gamma_axis", preset="ful") == 2
    assert "did you mean 'full'" in capsys.readouterr().err
    assert main() == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in [each.name for each in studies()])

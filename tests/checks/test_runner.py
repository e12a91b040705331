from __future__ import annotations

import pytest

from lowcomplex import checks, theorems
from lowcomplex.checks import Check, CheckError, Comparison, Verdict
from lowcomplex.predictions import gamma_law


def test_an_unknown_check_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'gamma_law'"):
        checks.get("gama_law")
    with pytest.raises(ValueError, match="'nothing'"):
        checks.run_all(["gamma_law", "nothing"])
    with pytest.raises(TypeError, match=r"chosen: .* give \['gamma_law'\]"):
        checks.run_all("gamma_law")
    with pytest.raises(ValueError, match="workers"):
        checks.run_all(workers=0)


def test_what_cannot_run_is_an_error_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(seed: int, **_: float) -> float:
        raise ArithmeticError("no neuron grew")

    def works(seed: int, shift: float = 0.0) -> float:
        return seed + shift

    def judge(found: float, law: float) -> tuple[Comparison, ...]:
        return (Comparison("seed", law, found, 0.5, "exact"),)

    planted = {
        "broken": Check(gamma_law, fails, judge, 7.0, {"six": 6.0}, {"none": {}}),
        "sound": Check(gamma_law, works, judge, 7.0, {"six": 6.0}, {"shifted": {"shift": 1.0}}),
    }
    monkeypatch.setattr(theorems, "check", planted.__getitem__)
    monkeypatch.setattr(theorems, "names", lambda: tuple(planted))
    ended: list[str] = []
    broken, sound = checks.run_all(seed=7, workers=1, progress=ended.append)
    assert isinstance(broken, CheckError)
    assert "no neuron grew" in broken.error
    assert not broken.as_expected
    assert isinstance(sound, Verdict)
    assert sound.as_expected
    assert (sound.seed, sound.measured) == (7, 7.0)
    assert [mutant.refuted for mutant in sound.mutants] == [True]
    assert ended == ["broken", "sound"]


def test_processes_give_the_verdicts_of_one() -> None:
    chosen = ["diagonal_linear", "relu_directions"]  # the quickest
    alone, together = (checks.run_all(chosen, seed=3, workers=workers) for workers in (1, 2))
    for one, other in zip(alone, together, strict=True):
        assert isinstance(one, Verdict)
        assert isinstance(other, Verdict)
        assert (one.comparisons, one.controls) == (other.comparisons, other.controls)

"""Registered hypotheses are read correctly or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.hypotheses.registered import load

HEAD = """
[[hypothesis]]
name = "H1"
title = "Complexity falls with γ."
study = "anchor_gamma"
unit = "run"
sample = 56
rule = "all"
"""
CORRELATION = """
[[hypothesis.test]]
name = "stable rank falls"
x = "gamma"
y = "stable_rank: block 1 query"
statistic = "rank correlation"
direction = -1
threshold = 0.4
"""
AREA = """
[[hypothesis.test]]
name = "early rank predicts"
x = "stable_rank: block 1 query"
statistic = "area under curve"
strata = ["gamma", "training_loss"]
where = {weight_decay = 0.01, gamma = [0.7, 0.8], fraction = 0.25}
positive = "inferential"
direction = -1
threshold = 0.7
sample = 24
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "hypotheses.toml"
    path.write_text(text)
    return path


def test_tests_know_their_study_sample_and_bound(tmp_path: Path) -> None:
    (hypothesis,) = load(_write(tmp_path, HEAD + CORRELATION + AREA))
    first, second = hypothesis.test
    assert (first.study, first.sample, first.bound, first.null) == ("anchor_gamma", 56, -0.4, 0)
    assert (second.study, second.sample, second.null) == ("anchor_gamma", 24, 0.5)
    assert second.bound == pytest.approx(0.3)
    assert (second.x_fraction, second.y_fraction, second.y) == (0.25, 1.0, "phase")
    assert second.where == {"weight_decay": 0.01, "gamma": (0.7, 0.8)}


def test_a_fraction_of_training_is_of_both_observables(tmp_path: Path) -> None:
    (hypothesis,) = load(_write(tmp_path, HEAD + CORRELATION + "where = {fraction = 0.1}"))
    assert (hypothesis.test[0].x_fraction, hypothesis.test[0].y_fraction) == (0.1, 0.1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"stable_rank: block 1 query"',
            '"stable_rank: block 1 qurey"',
            "did you mean 'stable_rank: block 1 query'",
        ),
        ('x = "gamma"', 'x = "gama"', "did you mean 'gamma'"),
        (
            "threshold = 0.4",
            "threshold = -0.4",
            r"size of a correlation, whatever its direction, in \(0, 1\)",
        ),
        ("threshold = 0.7", "threshold = 0.3", r"an area, whatever the direction, in \(0.5, 1\)"),
        ("direction = -1", "direction = 2", "direction"),
        ('unit = "run"', 'unit = "seed"', "unit"),
        ('rule = "all"', "", "rule"),
        ('rule = "all"', 'rule = "all"\nverdict = "supported"', "verdict"),
        ('strata = ["gamma"', 'strata = ["inferential"', "expected fields of the config, got the observable"),
        ("weight_decay = 0.01", "weight_dekay = 0.01", "did you mean 'weight_decay'"),
        ("fraction = 0.25}", "fraction = 0.25}\nx_fraction = 0.5", "got both"),
        ('positive = "inferential"', 'positive = "inferential"\nnegative = "inferential"', "another phase"),
        ('x = "stable_rank: block 1 query"', 'x = "trajectory_dimension"', "end of training only"),
        ("early rank predicts", "stable rank falls", "one test per name"),
        ("[[hypothesis]]", "[hypothesis]", "hypothesis"),
    ],
)
def test_what_is_not_meant_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = HEAD + CORRELATION + AREA
    assert old in text
    with pytest.raises(ValueError, match=message):
        load(_write(tmp_path, text.replace(old, new, 1)))


def test_two_hypotheses_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one hypothesis per name"):
        load(_write(tmp_path, 2 * (HEAD + CORRELATION)))


def test_the_registered_hypotheses_are_of_known_studies_and_their_fields() -> None:
    from experiments import study
    from experiments.hypotheses.observables import FIELDS
    from experiments.hypotheses.registered import MATCHED

    for test in (test for hypothesis in load() for test in hypothesis.test):
        fields = study(test.study).dimensions
        named = {*test.strata, *test.where, *({test.x, test.y} & {*FIELDS})} - {MATCHED}
        assert named <= {*fields}, (test.name, test.study, fields)
        assert test.sample <= len(study(test.study).sweep("full").configs), test.name

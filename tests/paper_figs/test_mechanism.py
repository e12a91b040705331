"""Findings of the figures of the mechanism, from planted runs."""

from __future__ import annotations

import pytest

import synthetic_mechanism
from paper_figs import figure, names

MECHANISM = [name for name in names() if figure(name).study == "anchor_mechanism"]


def test_there_are_five() -> None:
    assert len(MECHANISM) == 5


@pytest.mark.parametrize("name", MECHANISM)
def test_findings_follow_the_runs(name: str) -> None:
    finding = figure(name).finding
    assert finding is not None
    dataset = synthetic_mechanism.runs()
    assert finding(dataset).agreement.value == "Agrees"
    assert "1 of 12 runs did not converge" in finding(dataset).text
    # The two γ change places.
    swapped = dataset.assign_coords(gamma=dataset["gamma"].values[::-1]).sortby("gamma")
    assert finding(swapped).agreement.value == "Disagrees"
    assert finding(dataset.isel(seed=[0])).agreement.value == "Undecided"
    assert "nan" not in finding(synthetic_mechanism.runs(diverges=True)).text

"""The registered hypotheses as something to draw: what several studies' runs say of them, in one dataset."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from experiments._data import load_available
from experiments.hypotheses import evidence, registered, table
from paper_figs._words import counted

NAME = table.NAME


def load(preset: str, results: Path) -> xr.Dataset:
    """The hypotheses' judgments by the runs that there are.

    Args:
        preset: Which of the studies' grids to look for in `results`.
        results: Folder of the runs; a study without finished runs there is read from the committed data.

    Returns:
        As `experiments.hypotheses.table.dataset` makes it; its attribute `origin` says where it is from.

    Raises:
        ValueError: The registered hypotheses are not valid, or do not fit the studies' data.
        FileNotFoundError: No hypotheses are registered.
    """
    hypotheses = registered.load()
    studies = [test.study for hypothesis in hypotheses for test in hypothesis.test]
    datasets, reasons = load_available(studies, preset, results)
    found = table.dataset(evidence.evaluate(hypotheses, datasets))
    read = [f"{name} ({dataset.attrs['origin']})" for name, dataset in datasets.items()]
    return found.assign_attrs(origin=", ".join([*read, *(f"without {name}" for name in reasons)]))


def with_tests(dataset: xr.Dataset, *, least: int = 1, most: int = 10**6) -> list[str]:
    """Names of the hypotheses with so many tests; all of them if there is none such."""
    tests = list(dataset["tested"].values)
    names = [str(name) for name in dataset["hypothesis"].values]
    return [name for name in names if least <= tests.count(name) <= most] or names


def caption_of_effects(dataset: xr.Dataset, names: list[str]) -> str:
    """How the named hypotheses came out, and how a forest plot of their tests is read."""
    outcomes = list(dataset["judgment"].sel(hypothesis=names).values)
    counts = ", ".join(f"{outcomes.count(kind)} {kind}" for kind in dict.fromkeys(outcomes))
    return (
        f"of {counted(len(outcomes), 'hypothesis', 'hypotheses')}, {counts}. Size of the effect in every "
        "test, a rank correlation ρ or an area under the ROC curve A as 2 A - 1, with its 95 % bootstrap "
        "interval over runs (within strata) and the registered threshold (black; on both sides where no "
        "effect is expected). Numbers on the right: runs that the test is of, and runs registered. A test is "
        "supported if its estimate is at or beyond the threshold and significant at level .05, corrected for "
        f"all {dataset.sizes['test']} tests of all hypotheses; refuted if the whole interval falls short of "
        "the threshold. Where no effect is expected: supported if the whole interval lies within the "
        "thresholds, refuted if the estimate does not and is significant."
    )

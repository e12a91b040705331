"""The order in which frequencies are learned, and what the learned map has besides the target's."""

from __future__ import annotations

import numpy as np
import xarray as xr

from experiments._findings import Finding, Setting
from experiments.frequency.schema import CURVE


def findings(dataset: xr.Dataset) -> tuple[Finding, ...]:
    """The order in which frequencies are learned, and what lies between the training points."""
    asked = list(CURVE.frequencies)
    sentences: list[Finding] = []
    for gamma in dataset["gamma"].values:
        at = dataset.sel(gamma=gamma)
        times = at["time_learned"].sel(frequency=asked)
        in_order = int((times.diff("frequency") >= 0).all("frequency").sum())
        censored = int(times.isnull().any("frequency").sum())
        medians = {
            k: "never" if np.isnan(t) else f"{t:.0f}"
            for k, t in zip(asked, times.median("seed").values, strict=True)
        }
        shown = ", ".join(f"{k}: {median}" for k, median in medians.items())
        ordered = f"{in_order} of {at.sizes['seed']} runs"
        sentence = (
            f"γ = {gamma:g}: median step at which frequency k is learned: {shown}; low to high in {ordered}"
            + (f", {censored} with a frequency never learned" if censored else "")
            + "."
        )
        found = {f"median step, frequency {k}": median for k, median in medians.items()}
        found["low to high in"] = ordered
        if censored:
            found["runs with a frequency never learned"] = str(censored)
        sentences.append(Setting({"γ": f"{gamma:g}"}, found, sentence))
    power = dataset["power"].isel(step=-1)
    outside = 1 - power.sel(frequency=asked).sum("frequency") / power.sum("frequency")
    values = ", ".join(
        f"{v:.1%} at γ = {g:g}"
        for g, v in zip(dataset["gamma"].values, outside.mean("seed").values, strict=True)
    )
    sentences.append(f"Power of the final map at frequencies that the target does not have: {values}.")
    return tuple(sentences)

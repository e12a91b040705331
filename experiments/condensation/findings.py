"""How much of a two-layer network points where theory says when it leaves its plateau."""

from __future__ import annotations

import xarray as xr

from experiments._starts import STARTS
from lowcomplex.networks import multiplicity


def findings(dataset: xr.Dataset) -> tuple[str, ...]:
    """How much of the network points where theory says, at the escape, small against large."""
    at_escape = abs(dataset["time"] - 1).argmin("step")
    share = dataset["aligned_share"].isel(step=at_escape)
    sentences = []
    for name in dataset["activation"].values:
        order = multiplicity(str(name))
        small, large = (share.sel(activation=name, initialization=i) for i in STARTS)
        sentences.append(
            f"{name} (multiplicity {order}): when the loss has fallen by a tenth, {_range(small)} of the "
            "amplitude lies within 5° of the predicted orientations at small initialization, "
            f"{_range(large)} at large."
        )
    return tuple(sentences)


def _range(values: xr.DataArray) -> str:
    return f"{float(values.mean()):.2f} ({float(values.min()):.2f}-{float(values.max()):.2f})"

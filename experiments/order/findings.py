"""What the studies of order show, in sentences computed from their runs."""

from __future__ import annotations

import itertools

import xarray as xr

from experiments._findings import Finding, Setting
from experiments.anchor.findings import named, spread
from experiments.anchor.schema import NOT_CONVERGED

ORDER_PHASES = ("composing", "order-blind", "memorizing", "neither", NOT_CONVERGED)
UNSEEN = {"first_anchor": 4, "second_anchor": 3}


def findings(dataset: xr.Dataset) -> tuple[Finding, ...]:
    """Answers on the unseen pair where the order is in plain sight and where it is not, for every setting."""
    fields = [str(name) for name in dataset["phase"].dims if name != "seed"]
    settings = itertools.product(*(dataset[name].values for name in fields))
    return (
        f"{dataset['phase'].size} transformers, {dataset.sizes['seed']} seeds per cell. The order of the "
        "anchors is in plain sight at the key's last position, where the second anchor is the last token.",
        *(_at(dataset, dict(zip(fields, values, strict=True))) for values in settings),
    )


def _at(dataset: xr.Dataset, at: dict[str, object]) -> Setting:
    runs = dataset.sel(at)
    final = runs.isel(step=-1)
    composed, mirrored = (final[name].sel(UNSEEN) for name in ("composed", "mirrored"))
    hidden = slice(None, -1)
    counts = {kind: int((runs["phase"] == kind).sum()) for kind in ORDER_PHASES}
    found = {
        "order hidden: compose": spread(composed.isel(position=hidden).mean("position")),
        "order hidden: mirror": spread(mirrored.isel(position=hidden).mean("position")),
        "order in plain sight: compose": spread(composed.isel(position=-1)),
        "order in plain sight: mirror": spread(mirrored.isel(position=-1)),
        **{kind: str(count) for kind, count in counts.items() if count},
    }
    where = {named(name): value if isinstance(value, str) else f"{value:g}" for name, value in at.items()}
    heading = ", ".join(f"{name} {value}" for name, value in where.items())
    said = "; ".join(f"{name} {value}" for name, value in found.items())
    return Setting(where, found, f"{heading}: {said}.")

"""A fixed number of sequences a pair beside fresh ones."""

import xarray as xr

from experiments._anchor_findings import answers
from experiments._anchor_study import PAPER, SEEDS, anchor_study, small


def by_data(dataset: xr.Dataset) -> xr.Dataset:
    """As the other anchor studies keep it, with the number of sequences as text: fresh ones have none."""
    named = ["fresh" if number is None else f"{number:,}" for number in dataset["sequences"].values]
    return small(dataset.assign_coords(sequences=named))


STUDY = anchor_study(
    name="anchor_finite_data",
    title="Do fixed training sequences change what γ does?",
    dimensions=(
        "sequences",
        "gamma",
        "seed",
    ),
    findings=answers,
    quick={"sequences": (100,), "gamma": (0.8,), "seed": (100,)},
    full={"sequences": (100, 1000, None), "gamma": (0.5, 0.8), "seed": SEEDS},
    paper=PAPER | {"sequences": (5_000, 50_625, None), "gamma": (0.5, 0.8), "seed": SEEDS},
    reduce=by_data,
)

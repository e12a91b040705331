"""What the figures of weights share: their chosen runs, final numbers run by run, and matrix shapes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch
import xarray as xr

from experiments import study
from experiments._layers import QUERY, label
from experiments.anchor.config import AnchorConfig
from experiments.anchor.schema import NOT_CONVERGED
from lowcomplex.matrices import weight_matrices
from paper_figs.panels.runs import at_end

# The γ of the papers' figures of single networks.
SMALL, LARGE = {"gamma": 0.5}, {"gamma": 0.8}


def final_runs(dataset: xr.Dataset, values: Mapping[str, xr.DataArray]) -> pd.DataFrame:
    """Numbers of the last checkpoint, one row per run that converged.

    Args:
        dataset: With `phase` over the run dimensions.
        values: For each name, its values over the run dimensions.

    Returns:
        Columns: the run dimensions, the names.
    """
    dims = [str(name) for name in dataset["phase"].dims]
    arrays = {name: array.reset_coords(drop=True) for name, array in values.items()}
    table = xr.Dataset({**arrays, "phase": dataset["phase"].reset_coords(drop=True)}).to_dataframe()
    table = table[table["phase"] != NOT_CONVERGED].reset_index()
    return table[[*dims, *values]]


def of_query(dataset: xr.Dataset, measure: str) -> xr.DataArray:
    """A measure of the first block's W_Q at the last checkpoint."""
    return at_end(dataset)[measure].sel(layer=QUERY, drop=True)


def matrix_shapes(dataset: xr.Dataset) -> dict[str, tuple[int, int]]:
    """Rows and columns of each of a network's matrices, by the config of the dataset's runs."""
    config = _config(dataset).model_copy(update={"depth": _depth(dataset)})
    matrices = weight_matrices(config.model(torch.Generator()))
    return {label(matrix.name): (matrix.weight.shape[0], matrix.weight.shape[1]) for matrix in matrices}


def with_null(dataset: xr.Dataset, measure: str, null: Mapping[str, float]) -> xr.Dataset:
    """The dataset with what random matrices measure."""
    values = [null.get(str(name), float("nan")) for name in dataset["layer"].values]
    return dataset.assign({f"null_{measure}": ("layer", values)})


def _config(dataset: xr.Dataset) -> AnchorConfig:
    """A config of the sweep that the dataset names; the studies' common one if it names none."""
    name, _, preset = str(dataset.attrs.get("sweep", "")).rpartition("-")
    if name and preset in study(name).presets:
        config = study(name).sweep(preset).configs[0]
        assert isinstance(config, AnchorConfig)
        return config
    return AnchorConfig(gamma=0.5, seed=0)


def _depth(dataset: xr.Dataset) -> int:
    blocks = [str(name).split()[1] for name in dataset["layer"].values if str(name).startswith("block")]
    return max(map(int, blocks))

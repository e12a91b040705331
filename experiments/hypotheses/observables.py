"""What hypotheses speak of: one number per run, by name, at any fraction of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from experiments._layers import PARTS, QUERY
from experiments.anchor.schema import CLASSES, GROUPS, PAIRS, WEIGHT_MEASURES
from lowcomplex._names import require_known

# A run's fields that are numbers; the fields a study sweeps are dimensions of its dataset.
FIELDS = (
    "gamma",
    "seed",
    "depth",
    "steps",
    "learning_rate",
    "weight_decay",
    "noise_groups",
    "sequences",
)
BLOCKS = 4
# Near which runs of three blocks at several γ and learning rates composed most (seeds from 100 on).
COMPOSING_RANK = 5.0

Index = Mapping[str, int]
Value = Callable[[xr.Dataset, Index], xr.DataArray]


class MissingObservableError(ValueError):
    """A dataset does not hold an observable of each of its runs."""


@dataclass(frozen=True)
class Observable:
    """One number per run.

    Attributes:
        variables: The variables of a study's dataset that it is computed from.
        value: From the dataset and the index of one time, an array over the run dimensions.
        final: Whether it is known at the end of training only.
    """

    variables: tuple[str, ...]
    value: Value
    final: bool = False


def registry() -> dict[str, Observable]:
    """Every observable by name, without the config's fields."""
    return dict([*_weights(), *_function(), *_answers()])


def known() -> tuple[str, ...]:
    """Every name that `observables` takes."""
    return (*FIELDS, *registry())


def run_dimensions(dataset: xr.Dataset) -> tuple[str, ...]:
    """The fields in which a dataset's runs differ: the dimensions of their phase."""
    return tuple(map(str, dataset["phase"].dims))


def observables(dataset: xr.Dataset, names: Sequence[str], *, fraction: float = 1.0) -> pd.DataFrame:
    """Named numbers of every run.

    Args:
        dataset: The dataset of a study of the anchor task: `phase` over the run dimensions, and variables
            over `step`, which has the coordinate `fraction`.
        names: Observables, or fields of the config that differ between runs.
        fraction: At which fraction of training they are taken, one of those recorded.

    Returns:
        One row per run, including runs that did not converge: run dimensions, phase (always the final one),
        and the names. NaN where a run lacks the matrix or had diverged.

    Raises:
        MissingObservableError: The dataset lacks a variable, a matrix or a field, or keeps it of some runs
            only.
        ValueError: An unknown name; a fraction that was not recorded; an observable known at the end of
            training only, asked for earlier; a field whose values are not numbers.
    """
    index = _index(dataset, fraction)
    fields = run_dimensions(dataset)
    columns: dict[str, xr.DataArray] = {"phase": dataset["phase"]}
    for name in names:
        require_known("observable", name, (*fields, *known()))
        if name in fields:
            if dataset[name].dtype.kind not in "iuf":
                raise ValueError(
                    f"observable: expected a field of numbers, got {name!r}: {_few(dataset[name])}"
                )
        elif name not in columns:
            columns[name] = _value(dataset, name, index, fraction)
    grids = np.meshgrid(*(dataset[field].values for field in fields), indexing="ij")
    return pd.DataFrame(
        {field: grid.ravel() for field, grid in zip(fields, grids, strict=True)}
        | {name: column.values.ravel() for name, column in columns.items()}
    )


def _value(dataset: xr.Dataset, name: str, index: Index, fraction: float) -> xr.DataArray:
    study = dataset.attrs.get("study", "this study")
    found = registry().get(name)
    if found is None:
        raise MissingObservableError(f"{name}: the runs of {study} do not differ in it")
    if found.final and fraction < 1:
        raise ValueError(f"{name}: is known at the end of training only, got fraction {fraction:g}")
    lacking = [variable for variable in found.variables if variable not in dataset]
    if lacking:
        raise MissingObservableError(f"{name}: the dataset of {study} lacks {', '.join(lacking)}")
    try:
        value = found.value(dataset, index)
    except KeyError as error:
        raise MissingObservableError(f"{name}: the dataset of {study} has no {error.args[0]}") from error
    fields = run_dimensions(dataset)
    if set(value.dims) != set(fields):
        raise MissingObservableError(
            f"{name}: expected one value per run, over {', '.join(fields)}; the dataset of {study} keeps "
            f"{', '.join(found.variables)} over {', '.join(map(str, value.dims)) or 'nothing'}"
        )
    return value.astype(float).transpose(*fields)


def _index(dataset: xr.Dataset, fraction: float) -> Index:
    if "fraction" not in dataset.coords:
        raise MissingObservableError(
            f"fraction: the dataset of {dataset.attrs.get('study', 'this study')} lacks this coordinate"
        )
    recorded = dataset["fraction"].values
    near = np.flatnonzero(np.isclose(recorded, fraction, rtol=0, atol=1e-6))
    if len(near) != 1:
        raise ValueError(
            f"fraction: expected one of {', '.join(f'{f:g}' for f in recorded)}, got {fraction:g}"
        )
    return {"step": int(near[0])}


def _weights() -> Iterator[tuple[str, Observable]]:
    blocks = [f"block {block} {part}" for block in range(1, BLOCKS + 1) for part in PARTS]
    for measure in (*WEIGHT_MEASURES, "relative_displacement"):
        for layer in ("embedding", "positions", *blocks, "output head"):
            yield (
                f"{measure}: {layer}",
                Observable((measure,), partial(_of_layer, measure, layer)),
            )
        for group in ("", *(f"{part} " for part in PARTS)):
            label = f"{measure}: mean over {group}matrices"
            yield (
                label,
                Observable((measure,), partial(_mean_over_matrices, measure, group.strip())),
            )
    yield (
        f"distance from stable rank {COMPOSING_RANK:g}: {QUERY}",
        Observable(("stable_rank",), _distance_from_composing_rank),
    )
    for name in ("embedding_dimension", "embedding_ordinality"):
        yield name, Observable((name,), partial(_in_time, name, {}))
    yield (
        "trajectory_dimension",
        Observable(
            ("trajectory_dimension",),
            lambda dataset, _: dataset["trajectory_dimension"],
            final=True,
        ),
    )


def _function() -> Iterator[tuple[str, Observable]]:
    for pairs in PAIRS:
        yield (
            f"non-shift-equivariant share: {pairs}",
            Observable(("shift_equivariant_share",), partial(_not_equivariant, pairs)),
        )
        yield (
            f"token map high-frequency share: {pairs}",
            Observable(("token_map_power",), partial(_high_frequencies, pairs)),
        )
    for table in ("offset", "logit"):
        for kind, components in {
            "interaction": ("interaction_symmetric", "interaction_antisymmetric"),
            "symmetric interaction": ("interaction_symmetric",),
            "antisymmetric interaction": ("interaction_antisymmetric",),
            "antisymmetric": ("additive_antisymmetric", "interaction_antisymmetric"),
        }.items():
            variable = f"{table}_variance"
            yield (
                f"{kind} share of {table}s",
                Observable((variable,), partial(_share, variable, list(components))),
            )
    for block in range(1, BLOCKS + 1):
        for classes in CLASSES:
            yield (
                f"representation gap: block {block}: {classes}",
                Observable(
                    ("representation_gap",),
                    partial(_in_time, "representation_gap", {"block": block, "classes": classes}),
                ),
            )


def _answers() -> Iterator[tuple[str, Observable]]:
    for group in GROUPS:
        yield group, Observable(("accuracy",), partial(_in_time, "accuracy", {"group": group}))
    for name in ("training_loss", "loss"):
        yield name, Observable((name,), partial(_in_time, name, {}))


def _in_time(name: str, labels: Mapping[str, Any], dataset: xr.Dataset, index: Index) -> xr.DataArray:
    values = dataset[name]
    for dimension, label in labels.items():
        if label not in dataset[dimension].values:
            raise KeyError(f"{dimension} {label!r}")
    return values.isel(index).sel(labels)


def _of_layer(measure: str, layer: str, dataset: xr.Dataset, index: Index) -> xr.DataArray:
    return _in_time(measure, {"layer": layer}, dataset, index)


def _distance_from_composing_rank(dataset: xr.Dataset, index: Index) -> xr.DataArray:
    """In octaves, of the first block's W_Q; an answer that has its peak there is monotone in it."""
    rank = _of_layer("stable_rank", QUERY, dataset, index)
    return rank.copy(data=np.abs(np.log2(rank.values / COMPOSING_RANK)))


def _mean_over_matrices(measure: str, part: str, dataset: xr.Dataset, index: Index) -> xr.DataArray:
    """Over the matrices that the run has: those measured at any time of it."""
    values = dataset[measure]
    if part:
        values = values.sel(layer=[name for name in values["layer"].values if str(name).endswith(f" {part}")])
    has = values.notnull().any(list(index))
    now = values.isel(index)
    lost = (has & now.isnull()).any("layer")
    return now.where(has).mean("layer").where(~lost)


def _not_equivariant(pairs: str, dataset: xr.Dataset, index: Index) -> xr.DataArray:
    return 1 - _in_time("shift_equivariant_share", {"pairs": pairs}, dataset, index)


def _high_frequencies(pairs: str, dataset: xr.Dataset, index: Index) -> xr.DataArray:
    """Power above half the largest frequency, of the power beside frequency zero."""
    power = _in_time("token_map_power", {"pairs": pairs}, dataset, index)
    frequency = dataset["frequency"]
    all_power = power.where(frequency > 0).sum("frequency", min_count=1)
    high = power.where(frequency > frequency.max() / 2).sum("frequency", min_count=1)
    return high / all_power.where(all_power > 0)


def _share(variable: str, components: list[str], dataset: xr.Dataset, index: Index) -> xr.DataArray:
    parts = dataset[variable].isel(index)
    whole = parts.sum("component", skipna=False)
    return parts.sel(component=components).sum("component", skipna=False) / whole.where(whole > 0)


def _few(values: xr.DataArray) -> str:
    return ", ".join(map(str, values.values[:3]))

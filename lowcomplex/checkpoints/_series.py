"""A model's revisions in the order of training, and their tables as one record over the steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from lowcomplex.checkpoints._hub import revisions_of
from lowcomplex.checkpoints._located import hub_name

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_STEP = re.compile(r"step\D?(\d+)", re.I)
_NUMBER = re.compile(r"\d+")
_PARTS = re.compile(r"(\d+)", re.A)
_LISTED = 8
# Columns that depend on the matrix alone, whatever its values.
_OF_LAYERS = ("shape", "d_in", "rule", "standard_error")
_RANDOM, _QUANTILES = "random_", ("_low", "_high")


def revisions(name: str, between: str) -> dict[str, int]:
    """The branches and tags of a model on the hub that lie between two of them, in the order of training.

    Args:
        name: OWNER/NAME, or hub:NAME.
        between: FIRST..LAST, such as "step0..step143000". The revisions are those whose names differ from
            FIRST in numbers alone, and whose steps lie between those of FIRST and LAST. A name's step is the
            number after "step", or else its first number.

    Returns:
        Step by revision, sorted by step.

    Raises:
        ValueError: The name is no name on the hub; `between` is no FIRST..LAST with a step each; no revision
            lies between; or two have the same step.
        ModuleNotFoundError: huggingface_hub is not installed.
        FileNotFoundError: There is no such model.
        ConnectionError: The hub cannot be reached.
    """
    on_hub = hub_name(name)
    if on_hub is None or "@" in on_hub:
        raise ValueError(f"revisions: expected a model on the hub without a revision, got {name!r}")
    ends = between.split("..")
    if len(ends) != 2 or any(_NUMBER.search(end) is None for end in ends) or _form(ends[0]) != _form(ends[1]):
        raise ValueError(f"revisions: expected FIRST..LAST, such as step0..step1000, got {between!r}")
    first, last = map(_step, ends)
    known = revisions_of(on_hub)
    of_form = [revision for revision in known if _form(revision) == _form(ends[0])]
    found = sorted((_step(revision), revision) for revision in of_form if first <= _step(revision) <= last)
    if not found:
        listed = ", ".join(known[:_LISTED]) + (", …" if len(known) > _LISTED else "")
        raise ValueError(f"revisions: {name} has none in {between}; it has {listed}")
    for (step, one), (other_step, other) in pairwise(found):
        if step == other_step:
            raise ValueError(f"revisions: {one} and {other} of {name} have the same step")
    return {revision: step for step, revision in found}


def over_steps(tables: Mapping[int, pd.DataFrame]) -> xr.Dataset:
    """Tables of one network's checkpoints as a record over the steps, such as a tracker's.

    Args:
        tables: Table of `measure_table` or of `gamma_table` by step.

    Returns:
        Each column of numbers, over `step` and `layer`; as `null_` with a measure's name, what random weights
        measure; shape, d_in and its rule over `layer`. A matrix that a step lacks is NaN there.

    Raises:
        ValueError: There is no table.

    Example:
        >>> import pandas as pd
        >>> tables = {step: pd.DataFrame({"name": ["w"], "gamma": [0.5 + step]}) for step in (0, 2)}
        >>> over_steps(tables).gamma.sel(layer="w").values
        array([0.5, 2.5])
    """
    import pandas as pd

    if not tables:
        raise ValueError("tables: expected at least one, got none")
    joined = pd.concat([table.assign(step=step) for step, table in sorted(tables.items())])
    layers = [str(name) for name in dict.fromkeys(joined["name"])]
    numbers = joined.select_dtypes(["number", "bool"]).columns.difference(["step", *_OF_LAYERS])
    values = [column for column in joined.columns if column in numbers and not column.startswith(_RANDOM)]
    record = joined.set_index(["step", "name"])[values].astype(float).to_xarray().rename(name="layer")
    # Files of safetensors sort names as text, which puts block 10 before block 2.
    if layers == sorted(layers):
        layers.sort(key=_with_numbers)
    record = record.reindex(layer=layers)
    alone = joined.drop_duplicates("name").set_index("name").loc[layers]
    for column in alone.columns:
        if column in _OF_LAYERS:
            record[column] = ("layer", [_plain(value) for value in alone[column]])
        elif column.startswith(_RANDOM) and not column.endswith(_QUANTILES):
            record[f"null_{column.removeprefix(_RANDOM)}"] = ("layer", alone[column].to_numpy(float))
    for value in values:
        record[value].attrs["long_name"] = value.replace("_", " ")
    return record


def _with_numbers(name: str) -> list[str | int]:
    """The parts of a name, in which those of digits alternate with others."""
    return [int(part) if place % 2 else part for place, part in enumerate(_PARTS.split(name))]


def _plain(value: object) -> object:
    """A value as netCDF takes it: a shape becomes text."""
    return " x ".join(map(str, value)) if isinstance(value, tuple) else value


def _form(revision: str) -> str:
    return _NUMBER.sub("0", revision)


def _step(revision: str) -> int:
    found = _STEP.search(revision)
    if found is not None:
        return int(found[1])
    return int(_NUMBER.findall(revision)[0])

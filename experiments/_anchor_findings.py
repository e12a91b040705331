"""Sentences that the anchor studies share, computed from their runs."""

from __future__ import annotations

import itertools

import xarray as xr

NOT_CONVERGED = "not converged"
_SYMBOLS = {"gamma": "γ"}


def spread(values: xr.DataArray) -> str:
    """Mean over runs, and the range."""
    return f"{float(values.mean()):.2f} ({float(values.min()):.2f}-{float(values.max()):.2f})"


def answers(dataset: xr.Dataset) -> tuple[str, ...]:
    """What is answered on unseen pairs, for every combination of the swept fields but the seed."""
    fields = [str(name) for name in dataset["phase"].dims if name != "seed"]
    final = dataset["accuracy"].isel(fraction=-1)
    seeds = dataset.sizes["seed"]
    sentences = [f"{dataset['phase'].size} transformers, {seeds} seed{'' if seeds == 1 else 's'} a cell."]
    for values in itertools.product(*(dataset[name].values for name in fields)):
        at = dict(zip(fields, values, strict=True))
        of = final.sel(at)
        said = [
            f"{spread(of.sel(group=group))} {words}"
            for group, words in (("inferential", "of the unseen answers compose"), ("symmetric", "mirror"))
            if bool(of.sel(group=group).notnull().any())
        ]
        said.append(f"trained pairs {spread(of.sel(group='seen_train_keys'))}")
        failed = int((dataset["phase"].sel(at) == NOT_CONVERGED).sum())
        if failed:
            said.append(f"{failed} not converged")
        where = ", ".join(f"{named(name)} {_text(value)}" for name, value in at.items())
        sentences.append(f"{where}: {'; '.join(said)}.")
    return tuple(sentences)


def named(field: str) -> str:
    """A config's field in words."""
    return _SYMBOLS.get(field, field.replace("_", " "))


def _text(value: object) -> str:
    return value if isinstance(value, str) else f"{value:g}"

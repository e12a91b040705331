"""A study: a config, what one run measures, and the grids that it is run on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from experiments._findings import Finding
from lowcomplex import sweeps
from lowcomplex._names import require_known

RESULTS = Path("results")


def _identity(dataset: xr.Dataset) -> xr.Dataset:
    return dataset


def single_precision(dataset: xr.Dataset) -> xr.Dataset:
    """Half the size: figures need no more digits than float32 has."""
    small = dataset.copy()
    for name, variable in small.data_vars.items():
        if variable.dtype == np.float64:
            small[name] = variable.astype(np.float32)
    return small


@dataclass(frozen=True)
class Study:
    """One study of the main job.

    Attributes:
        name: Its name on the command line, in file names and in figures.
        title: The question that it asks, in one line.
        config: The config of one run.
        measure: Runs one config, or a batch of them, as for `lowcomplex.sweeps.Sweep`.
        presets: For each preset, the fields that it sets; a tuple of values sweeps a field.
        dimensions: The swept fields, in the dataset's order.
        findings: What the runs show, computed from the whole dataset: sentences, and settings of the grid.
        order: Its place in the main job and the report; cheap ones first, for a first figure soon.
        seconds: Duration of one run of the preset "full", measured with two workers on a small server; used
            for the estimates in docs/explanation/studies.md alone.
        reduce: The part of the dataset that figures and findings need.
        together: Fields in which the runs of one batch may differ.
        batch: Most runs of one batch.
        resumable: Whether `measure` takes the path of a checkpoint.
        store: Folder of the results that studies with the same config and `measure` share, so that a run
            that is in several of their grids is computed once; by default the study's own.
        routine: Whether the main job computes it in every preset. If not, the preset "quick" draws from the
            dataset that comes with the code.
    """

    name: str
    title: str
    config: type[sweeps.Config]
    measure: Callable[..., Any]
    presets: Mapping[str, Mapping[str, Any]]
    dimensions: tuple[str, ...]
    findings: Callable[[xr.Dataset], tuple[Finding, ...]]
    order: int
    seconds: float
    reduce: Callable[[xr.Dataset], xr.Dataset] = _identity
    together: tuple[str, ...] = ()
    batch: int = 64
    resumable: bool = False
    store: str = ""
    routine: bool = True

    def sweep(self, preset: str) -> sweeps.Sweep:
        """The cells of a preset.

        Raises:
            ValueError: An unknown preset.
        """
        require_known(f"preset of {self.name}", preset, self.presets)
        configs = sweeps.grid(self.config, **self.presets[preset])
        name = f"{self.name}-{preset}" if self.store else preset
        return sweeps.Sweep(
            name,
            self.measure,
            configs,
            self.dimensions,
            self.together,
            self.batch,
            self.resumable,
            # By the rule of this repository a change of meaning raises the config's version.
            same_meaning=True,
        )

    def folder(self, results: Path = RESULTS) -> Path:
        """Where this study's cells are stored."""
        return results / (self.store or self.name)

    def run(
        self,
        preset: str,
        results: Path = RESULTS,
        *,
        workers: int = 2,
        cluster: sweeps.Cluster | None = None,
    ) -> sweeps.Summary:
        """Compute the missing cells of a preset."""
        return sweeps.run(self.sweep(preset), self.folder(results), workers=workers, cluster=cluster)

    def load(self, preset: str, results: Path = RESULTS) -> xr.Dataset:
        """The reduced dataset of a finished preset, in memory."""
        dataset = sweeps.load(self.sweep(preset), self.folder(results))
        reduced = self.reduce(dataset).load()
        reduced.attrs.update(dataset.attrs, study=self.name)
        dataset.close()
        return reduced

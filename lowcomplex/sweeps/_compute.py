"""One batch in one worker: claim its cells, compute them, store them."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from lowcomplex.sweeps._batches import Batch, batch_name
from lowcomplex.sweeps._config import Config
from lowcomplex.sweeps._errors import StorageError, UnstorableError
from lowcomplex.sweeps._store import Store


@dataclass(frozen=True)
class Compute:
    """Computes batches. It is sent to workers, so it holds only what can be imported there.

    Attributes:
        measure: As of `Sweep`.
        folder: The sweep's folder.
        is_batched: Whether `measure` takes the configs of a batch, or one config.
        resumable: Whether `measure` takes a checkpoint's path.
        origin: Attributes of each cell that say what computed it.
    """

    measure: Callable[..., Any]
    folder: Path
    is_batched: bool
    resumable: bool
    origin: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, batch: Batch) -> str | None:
        """Compute the cells that no other process holds or has finished, then wait for the others.

        Args:
            batch: The cells.

        Returns:
            The traceback if a computation raised, else None.

        Raises:
            StorageError: Results cannot be written.
            UnstorableError: A result holds what netCDF cannot.
        """
        store = Store(self.folder / "cells")
        left = [config for config in batch if config.hash not in store]
        while left:
            with store.claim([config.hash for config in left]) as keys:
                ours = tuple(config for config in left if config.hash in keys)
                if ours:
                    try:
                        self._compute(ours, store)
                    except (StorageError, UnstorableError):
                        raise
                    except Exception:
                        return traceback.format_exc()
                    except SystemExit as end:
                        if _is_of_a_job(end):
                            raise
                        return traceback.format_exc()
            left = [config for config in left if config.hash not in store]
            if left:
                store.wait([config.hash for config in left])
        return None

    def _compute(self, batch: Batch, store: Store) -> None:
        checkpoint = checkpoint_path(self.folder, batch)
        arguments = (checkpoint,) if self.resumable else ()
        if self.is_batched:
            datasets = list(self.measure(batch, *arguments))
            if len(datasets) != len(batch):
                raise ValueError(
                    f"measure: expected one dataset for each of {len(batch)} configs, got {len(datasets)}"
                )
        else:
            datasets = [self.measure(config, *arguments) for config in batch]
        for config, dataset in zip(batch, datasets, strict=True):
            self._store(store, config, dataset)
        with contextlib.suppress(OSError):
            checkpoint.unlink(missing_ok=True)

    def _store(self, store: Store, config: Config, dataset: xr.Dataset) -> None:
        if not isinstance(dataset, xr.Dataset):
            raise TypeError(f"measure: expected an xarray.Dataset, got {type(dataset).__name__}")
        try:
            store.save(config, dataset, self.origin)
        except UnstorableError as error:
            raise UnstorableError(
                f"measure: the dataset of {config!r} holds what netCDF cannot: {error}; the sweep stops, "
                "since other cells may hold it too"
            ) from error


def checkpoint_path(folder: Path, batch: Sequence[Config]) -> Path:
    """The file from which a batch may continue."""
    return folder / "checkpoints" / batch_name(tuple(batch))


def _is_of_a_job(end: SystemExit) -> bool:
    """Whether a job is ended because its time is up or its node is taken, and not by the cell."""
    innermost = end.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        innermost = innermost.tb_next
    module = "" if innermost is None else str(innermost.tb_frame.f_globals.get("__name__"))
    return module.partition(".")[0] == "submitit"

"""One batch in one worker: claim its cells, compute them, store them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from lowcomplex.sweeps._batches import Batch, batch_name
from lowcomplex.sweeps._config import Config
from lowcomplex.sweeps._errors import StorageError
from lowcomplex.sweeps._store import Store


@dataclass(frozen=True)
class Compute:
    """Computes batches. It is sent to workers, so it holds only what can be imported there.

    Attributes:
        measure: As of `Sweep`.
        folder: The sweep's folder.
        is_batched: Whether `measure` takes the configs of a batch, or one config.
        resumable: Whether `measure` takes a checkpoint's path.
    """

    measure: Callable[..., Any]
    folder: Path
    is_batched: bool
    resumable: bool

    def __call__(self, batch: Batch) -> str | None:
        """Compute the cells that no other process holds or has finished, then wait for the others.

        Args:
            batch: The cells.

        Returns:
            The traceback if a computation raised, else None.

        Raises:
            StorageError: Results cannot be written.
        """
        store = Store(self.folder / "cells")
        left = [config for config in batch if config.hash not in store]
        while left:
            with store.claim([config.hash for config in left]) as keys:
                ours = tuple(config for config in left if config.hash in keys)
                if ours:
                    try:
                        self._compute(ours, store)
                    except StorageError:
                        raise
                    except Exception:
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
            _store(store, config, dataset)
        checkpoint.unlink(missing_ok=True)


def checkpoint_path(folder: Path, batch: Sequence[Config]) -> Path:
    """The file from which a batch may continue."""
    return folder / "checkpoints" / batch_name(tuple(batch))


def _store(store: Store, config: Config, dataset: xr.Dataset) -> None:
    if not isinstance(dataset, xr.Dataset):
        raise TypeError(f"measure: expected an xarray.Dataset, got {type(dataset).__name__}")
    store.save(config, dataset)

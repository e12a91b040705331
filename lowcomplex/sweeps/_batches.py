"""Batches: cells that are computed together, as one program."""

from __future__ import annotations

from collections.abc import Sequence

from lowcomplex.sweeps._config import Config, sweep_hash

Batch = tuple[Config, ...]


def batches(configs: Sequence[Config], together: Sequence[str], size: int) -> tuple[Batch, ...]:
    """Group cells that agree in every field except those of `together`.

    Args:
        configs: The cells.
        together: Fields in which the cells of one batch may differ; if empty, each cell is a batch.
        size: Largest number of cells per batch.

    Returns:
        Batches in the order of their first cells; cells keep their order.
    """
    if not together:
        return tuple((config,) for config in configs)
    groups: dict[str, list[list[Config]]] = {}
    ordered: list[list[Config]] = []
    for config in configs:
        alike = groups.setdefault(config.model_dump_json(exclude=set(together)), [])
        if not alike or len(alike[-1]) == size:
            alike.append([])
            ordered.append(alike[-1])
        alike[-1].append(config)
    return tuple(tuple(batch) for batch in ordered)


def batch_name(batch: Batch) -> str:
    """Name of a batch's checkpoint: the hash of its first cell, then one of all cells if there are more."""
    first = batch[0].hash
    return first if len(batch) == 1 else f"{first}-{sweep_hash(batch)[:16]}"

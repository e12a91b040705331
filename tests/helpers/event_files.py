"""Reads back what a trainer wrote for TensorBoard."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest


def scalars(folder: Path) -> dict[str, pd.Series]:
    """The values of each tag over step, of all event files in a folder; skips a test without tensorboard."""
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    found: dict[str, pd.Series] = {}
    for file in sorted(folder.rglob("events.out.tfevents.*")):
        events = reader.EventAccumulator(str(file), size_guidance={"scalars": 0}).Reload()
        for tag in events.Tags()["scalars"]:
            assert tag not in found
            rows = events.Scalars(tag)
            found[tag] = pd.Series([row.value for row in rows], [row.step for row in rows])
    return found

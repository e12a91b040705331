"""The studies of order: what each sweeps, and what is kept of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments._study import Study, single_precision
from experiments.order.config import OrderConfig
from experiments.order.findings import findings
from experiments.order.run import measure

# None was looked at before the experiment was registered.
SEEDS = tuple(range(200, 212))


def _study(
    order: int,
    name: str,
    title: str,
    dimensions: tuple[str, ...],
    *,
    quick: Mapping[str, Any],
    full: Mapping[str, Any],
    seconds: float,
) -> Study:
    return Study(
        name=name,
        title=title,
        config=OrderConfig,
        measure=measure,
        presets={"quick": quick, "full": full},
        dimensions=dimensions,
        findings=findings,
        order=order,
        seconds=seconds,
        reduce=single_precision,
        resumable=True,
        store="order",
        routine=False,
    )


STUDIES = (
    # Experiment E1 of hypotheses.toml; of the γ that it is registered at, those that its tests ask for.
    _study(
        300,
        "order_gamma",
        "Are mirrored answers memorized, or composed without seeing the order?",
        ("gamma", "seed"),
        quick={"gamma": (0.5, 0.9), "seed": SEEDS[:1]},
        full={"gamma": (0.5, 0.7, 0.8, 0.9), "seed": SEEDS},
        seconds=45.0,
    ),
    _study(
        301,
        "order_controls",
        "Does the order show where it was never trained, or without positions?",
        ("control", "gamma", "seed"),
        quick={"control": ("order hidden",), "gamma": (0.9,), "seed": SEEDS[:1]},
        full={"control": ("order hidden", "no positions"), "gamma": (0.9,), "seed": SEEDS},
        seconds=45.0,
    ),
)

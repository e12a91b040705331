"""The part that all trainers' callbacks share: a tracker that is made when training starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lowcomplex.tracking import Measure, Tracker

if TYPE_CHECKING:
    import xarray as xr
    from torch import nn


class Recorder:
    """Holds a `Tracker`'s options until there is a module to track.

    Args:
        measures: As in `Tracker`.
        layers: As in `Tracker`.
        every: Record every so many optimizer steps; every step is recorded if `steps` is not given either.
        steps: Record at these optimizer steps instead.
    """

    def __init__(
        self,
        measures: Sequence[str] | Mapping[str, Measure] = ("effective_rank", "stable_rank"),
        *,
        layers: str | Sequence[str] = "*",
        every: int | None = None,
        steps: Iterable[int] | None = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "measures": measures,
            "layers": layers,
            "every": every,
            "steps": None if steps is None else tuple(steps),
        }
        self._tracker: Tracker | None = None
        self._state: dict[str, Any] | None = None

    def dataset(self) -> xr.Dataset:
        """Return everything recorded so far, as `Tracker.dataset` does.

        Raises:
            RuntimeError: No training has started.
        """
        return self._running().dataset()

    def _start(self, module: nn.Module, done: int) -> None:
        """Track a module of which a number of optimizer steps were done before."""
        self._tracker = Tracker(module, **self._options)
        if self._state is not None:
            self._tracker.load_state_dict(self._state)
            self._state = None
        self._skip_to(done)

    def _skip_to(self, step: int) -> None:
        """Count optimizer steps that no hook was called for."""
        self._running().skip(max(0, step - self._running().next_step))

    def _running(self) -> Tracker:
        if self._tracker is None:
            raise RuntimeError("no training has started: pass this callback to a trainer")
        return self._tracker

"""Record measures while a Lightning trainer trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import lightning
from torch import Tensor

from lowcomplex.tracking import Measure, Tracker

if TYPE_CHECKING:
    import xarray as xr


class TrackerCallback(lightning.Callback):
    """A `lowcomplex.Tracker` of the module that a Lightning trainer fits.

    Record k holds the state after k optimizer steps of this fit, record 0 the state at its start; batches
    that only accumulate gradients are not counted.

    Args:
        measures: As in `Tracker`.
        layers: As in `Tracker`.
        every: Record every so many optimizer steps.
        steps: Record at these optimizer steps instead.

    Example:
        Pass it as `lightning.Trainer(callbacks=[callback])`; then `callback.dataset()` is the record.
    """

    def __init__(
        self,
        measures: Sequence[str] | Mapping[str, Measure] = ("effective_rank", "stable_rank"),
        *,
        layers: str | Sequence[str] = "*",
        every: int = 1,
        steps: Iterable[int] | None = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "measures": measures,
            "layers": layers,
            "every": every,
            "steps": None if steps is None else tuple(steps),
        }
        self._tracker: Tracker | None = None
        self._seen = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Record the initial state."""
        self._tracker = Tracker(pl_module, **self._options)
        self._tracker.step()
        self._seen = trainer.global_step

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Tensor | Mapping[str, Any] | None,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count the optimizer step that this batch ended, if it did."""
        assert self._tracker is not None
        if trainer.global_step == self._seen:
            return
        self._seen = trainer.global_step
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        self._tracker.step(**({} if loss is None else {"loss": loss}))

    def dataset(self) -> xr.Dataset:
        """Everything recorded so far; see `Tracker.dataset`.

        Raises:
            RuntimeError: No training has started.
        """
        if self._tracker is None:
            raise RuntimeError("no training has started: pass this callback to a lightning.Trainer")
        return self._tracker.dataset()

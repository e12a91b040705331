"""Record measures while a Lightning trainer trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightning
from torch import Tensor

from lowcomplex.integrations._recorder import Recorder


class TrackerCallback(Recorder, lightning.Callback):
    """A `lowcomplex.Tracker` of the module that a Lightning trainer fits; arguments as for `Tracker`.

    Record k holds the state after k optimizer steps of this fit, record 0 the state at its start; batches
    that only accumulate gradients are not counted.

    Example:
        Pass it as `lightning.Trainer(callbacks=[callback])`; then `callback.dataset()` is the record.
    """

    _seen = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Record the initial state."""
        self._start(pl_module)
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
        if trainer.global_step == self._seen:
            return
        self._seen = trainer.global_step
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        self._running().step(**({} if loss is None else {"loss": loss}))

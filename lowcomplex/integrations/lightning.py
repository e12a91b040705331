"""Record measures while a Lightning trainer trains."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor

from lowcomplex.integrations._recorder import Recorder


class TrackerCallback(Recorder, lightning.Callback):
    """A `lowcomplex.Tracker` of the module that a Lightning trainer fits; arguments as for `Tracker`.

    Record k holds the state after k optimizer steps, as the trainer's `global_step` counts them: batches that
    only accumulate gradients are no steps, and with two optimizers each step of either is one. The loss in a
    record is that of its state, the mean over the batches of the next step; the last record has none.

    The trainer's checkpoints hold what was recorded. A fit that continues from one continues the record, and
    a fit that continues from a checkpoint of another run starts its record at that step.

    Example:
        Pass it as `lightning.Trainer(callbacks=[callback])`; then `callback.dataset()` is the record.
    """

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Make the tracker, or continue the one of the checkpoint."""
        self._losses: list[Tensor] = []
        self._start(pl_module, trainer.global_step)

    def on_before_backward(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, loss: Tensor
    ) -> None:
        """Collect the loss, which Lightning has divided by the number of batches of a step."""
        if trainer.global_step == self._running().next_step:
            self._losses.append(loss.detach())

    def on_before_optimizer_step(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Record the state before the step; an optimizer may call this several times in one step."""
        self._skip_to(trainer.global_step)
        if trainer.global_step == self._running().next_step:
            self._running().step(**({"loss": torch.stack(self._losses).sum()} if self._losses else {}))
            self._losses = []

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Record the state after the last step."""
        self._skip_to(trainer.global_step)
        if trainer.global_step == self._running().next_step:
            self._running().step()

    @property
    def state_key(self) -> str:
        """Tells callbacks of other options apart in a trainer's checkpoint."""
        options = {**self._options, "measures": list(self._options["measures"])}
        return self._generate_state_key(**options)

    def state_dict(self) -> dict[str, Any]:
        """Return what was recorded, for the trainer's checkpoint."""
        return {} if self._tracker is None else self._tracker.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what a trainer's checkpoint holds, once training starts."""
        self._state = state_dict or None

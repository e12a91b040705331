"""Record measures while a Lightning trainer trains."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor

from lowcomplex._layers import require_whole
from lowcomplex.integrations._recorder import Recorder


class TrackerCallback(Recorder, lightning.Callback):
    """A `lowcomplex.Tracker` of the module that a Lightning trainer fits; arguments as for `Tracker`.

    Record k holds the state after k optimizer steps, as the trainer's `global_step` counts them: batches that
    only accumulate gradients are no steps, and with two optimizers each step of either is one. The loss in a
    record is that of its state, the mean over the batches of the next step. The last record has none until
    training goes on from it.

    The trainer's loggers get each record under the names `lowcomplex/MEASURE/LAYER`, at its `global_step`.

    The trainer's checkpoints hold what was recorded. A fit that continues from one continues the record. A
    fit that continues from a checkpoint of another run starts its record at that step. A second fit of the
    same module counts on from the last step of the first.

    Example:
        Pass it as `lightning.Trainer(callbacks=[callback])`; then `callback.dataset()` is the record.
    """

    _state: dict[str, Any] | None = None
    _losses: tuple[Tensor, ...] = ()
    _trainer: lightning.Trainer

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Forget the state of a checkpoint that was read for a test, not for this stage."""
        self._state = None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Make the tracker, or continue the one of the checkpoint."""
        self._losses = ()
        self._trainer = trainer
        require_whole(trainer.strategy.model or pl_module)
        self._start(pl_module, trainer.global_step, trainer.is_global_zero, self._state)
        self._state = None

    def on_before_backward(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, loss: Tensor
    ) -> None:
        """Collect the loss without the factors that Lightning gives it before it is differentiated."""
        if self._count(trainer.global_step):
            scaler = getattr(trainer.precision_plugin, "scaler", None)
            factor = 1.0 if scaler is None else scaler.get_scale()
            self._losses += (loss.detach() * (trainer.accumulate_grad_batches / factor),)

    def on_before_optimizer_step(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Record the state before the step; an optimizer may call this several times in one step."""
        self._before_step(trainer.global_step, torch.stack(self._losses).mean() if self._losses else None)
        self._losses = ()

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Record the state after the last step."""
        self._after_last_step(trainer.global_step)

    @property
    def state_key(self) -> str:
        """Tells callbacks of other options apart in a trainer's checkpoint."""
        return self._generate_state_key(**self._described())

    def _log(self, numbers: dict[str, float], *, step: int) -> None:
        for logger in self._trainer.loggers:
            logger.log_metrics(numbers, step=self._trainer.global_step)

    def state_dict(self) -> dict[str, Any]:
        """Return what was recorded, for the trainer's checkpoint."""
        return {} if self._tracker is None else self._tracker.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what a trainer's checkpoint holds, once training starts."""
        self._state = state_dict or None

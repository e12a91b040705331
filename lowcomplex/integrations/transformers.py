"""Record measures while a Hugging Face trainer trains."""

from __future__ import annotations

import base64
import functools
import inspect
import json
import warnings
from collections.abc import Callable
from typing import Any, cast

import torch
import transformers
from torch import Tensor
from transformers.trainer_callback import ExportableState

from lowcomplex.integrations._recorder import Recorder


class TrackerCallback(Recorder, transformers.TrainerCallback, ExportableState):
    """A `lowcomplex.Tracker` of the model that a Hugging Face `Trainer` trains; arguments as for `Tracker`.

    Record k holds the state after k optimizer steps, as the trainer's `global_step` counts them. The loss in
    a record is that of its state, summed from what the trainer's `training_step` returns for the batches of
    the next step. The last record has none until training goes on from it.

    Each record goes through the trainer's `log` to what it reports to, under the names
    `lowcomplex/MEASURE/LAYER`.

    The trainer's checkpoints hold what was recorded, in `trainer_state.json`. A training that continues from
    one continues the record. A training that continues from a checkpoint of another run starts its record at
    that step. A second training of the same model counts on from the last step of the first.

    Example:
        Pass it as `transformers.Trainer(callbacks=[callback])`; then `callback.dataset()` is the record.
    """

    _losses: tuple[Tensor, ...] = ()
    _trainer: transformers.Trainer | None = None

    def on_train_begin(
        self,
        args: transformers.TrainingArguments,
        state: transformers.TrainerState,
        control: transformers.TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Make the tracker, or continue the one of the checkpoint."""
        self._follow(_calling_trainer())
        stored = self._stored(state) if state.global_step else None
        self._start(kwargs["model"], state.global_step, state.is_world_process_zero, stored)

    def on_step_begin(
        self,
        args: transformers.TrainingArguments,
        state: transformers.TrainerState,
        control: transformers.TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Collect the losses of the batches of one step."""
        self._losses = ()

    def on_pre_optimizer_step(
        self,
        args: transformers.TrainingArguments,
        state: transformers.TrainerState,
        control: transformers.TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Record the state before the step."""
        self._before_step(state.global_step, torch.stack(self._losses).sum() if self._losses else None)

    def on_step_end(
        self,
        args: transformers.TrainingArguments,
        state: transformers.TrainerState,
        control: transformers.TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Record the state after the last step, before the trainer may load the best one in its place."""
        if control.should_training_stop:
            self._after_last_step(state.global_step)

    def on_train_end(
        self,
        args: transformers.TrainingArguments,
        state: transformers.TrainerState,
        control: transformers.TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Record the state after the last step, if the model still has it."""
        if not (args.load_best_model_at_end and state.best_model_checkpoint):
            self._after_last_step(state.global_step)

    def _log(self, numbers: dict[str, float], *, step: int) -> None:
        if self._trainer is not None:
            self._trainer.log(numbers)

    def state(self) -> dict[str, Any]:
        """Return what was recorded, for the trainer's checkpoint."""
        return {
            "args": {},
            "attributes": {"restored_as": self.restored_as},
            "tracker": None if self._tracker is None else self._as_text(self._tracker.state_dict()),
        }

    def _stored(self, state: transformers.TrainerState) -> dict[str, Any] | None:
        """The tracker's state in a checkpoint, if a callback of the same arguments left one there."""
        stored = cast("dict[str, Any]", state.stateful_callbacks).get(type(self).__name__, [])
        # Of several callbacks of a class, the trainer keeps one list of all states that it ever saved.
        found = [
            each["tracker"]
            for each in (stored if isinstance(stored, list) else [stored])
            if "tracker" in each
        ]
        for tracker in reversed(found):
            if tracker is not None and tracker["arguments"] == self.restored_as:
                return _from_text(tracker)
        if any(found):
            warnings.warn(
                "the checkpoint holds no record of a tracker of these arguments; this one starts at step "
                f"{state.global_step}",
                stacklevel=2,
            )
        return None

    @property
    def restored_as(self) -> str:
        """Tells callbacks of other options apart in a trainer's checkpoint.

        With `restore_callback_states_from_checkpoint=True` the trainer makes a new callback without
        arguments, sets this, and puts it in the place of the first one of its class that it was given. The
        new one then shares everything with the given one.
        """
        return json.dumps(self._described())

    @restored_as.setter
    def restored_as(self, described: str) -> None:
        trainer = _calling_trainer()
        given = [] if trainer is None else trainer.callback_handler.callbacks
        self.__dict__ = next(vars(each) for each in given if type(each) is type(self))

    def _as_text(self, state: dict[str, Any]) -> dict[str, Any]:
        """A tracker's state as JSON can hold it."""
        records = state["records"]
        text = None if records is None else base64.b64encode(records.numpy().tobytes()).decode()
        return {**state, "records": text, "arguments": self.restored_as}

    def _follow(self, trainer: transformers.Trainer | None) -> None:
        """Collect what `training_step` of the trainer returns."""
        if trainer is not None and trainer is not self._trainer:
            step: Callable[..., Tensor] = trainer.training_step

            @functools.wraps(step)
            def collecting(*args: Any, **kwargs: Any) -> Tensor:
                loss = step(*args, **kwargs)
                self._losses += (loss.detach(),)
                return loss

            vars(trainer)["training_step"] = collecting
        self._trainer = trainer


def _calling_trainer() -> transformers.Trainer | None:
    """The trainer further up in the stack of calls: trainers do not pass themselves to their callbacks."""
    frame = inspect.currentframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, transformers.Trainer):
            return owner
        frame = frame.f_back
    return None


def _from_text(state: dict[str, Any]) -> dict[str, Any]:
    text = state["records"]
    records = None if text is None else torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
    return {**state, "records": records}

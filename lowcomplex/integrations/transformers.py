"""Record measures while a Hugging Face trainer trains."""

from __future__ import annotations

from typing import Any

import transformers

from lowcomplex.integrations._recorder import Recorder


class TrackerCallback(Recorder, transformers.TrainerCallback):
    """A `lowcomplex.Tracker` of the model that a Hugging Face `Trainer` trains; arguments as for `Tracker`.

    Record k holds the state after k optimizer steps, as the trainer's `global_step` counts them. A training
    that continues from a checkpoint starts its record at that step.

    Example:
        Pass it as `transformers.Trainer(callbacks=[callback])`; then `callback.dataset()` is the record.
    """

    def on_train_begin(
        self,
        args: transformers.TrainingArguments,
        state: transformers.TrainerState,
        control: transformers.TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Record the initial state."""
        self._start(kwargs["model"], state.global_step)
        self._running().step()

    def on_step_end(
        self,
        args: transformers.TrainingArguments,
        state: transformers.TrainerState,
        control: transformers.TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Count an optimizer step."""
        self._skip_to(state.global_step)
        self._running().step()

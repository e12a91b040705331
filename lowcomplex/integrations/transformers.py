"""Record measures while a Hugging Face trainer trains."""

from __future__ import annotations

from typing import Any

import transformers

from lowcomplex.integrations._recorder import Recorder


class TrackerCallback(Recorder, transformers.TrainerCallback):
    """A `lowcomplex.Tracker` of the model that a Hugging Face `Trainer` trains; arguments as for `Tracker`.

    Record k holds the state after k optimizer steps of this training, record 0 the state at its start.

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
        self._start(kwargs["model"])

    def on_step_end(
        self,
        args: transformers.TrainingArguments,
        state: transformers.TrainerState,
        control: transformers.TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Count an optimizer step."""
        self._running().step()

"""Record measures while a Hugging Face trainer trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from lowcomplex.tracking import Measure, Tracker

if TYPE_CHECKING:
    import xarray as xr
    from torch import nn


class TrackerCallback(TrainerCallback):
    """A `lowcomplex.Tracker` of the model that a Hugging Face `Trainer` trains.

    Record k holds the state after k optimizer steps of this training, record 0 the state at its start.

    Args:
        measures: As in `Tracker`.
        layers: As in `Tracker`.
        every: Record every so many optimizer steps.
        steps: Record at these optimizer steps instead.

    Example:
        Pass it as `transformers.Trainer(callbacks=[callback])`; then `callback.dataset()` is the record.
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

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Record the initial state."""
        model: nn.Module = kwargs["model"]
        self._tracker = Tracker(model, **self._options)
        self._tracker.step()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Count an optimizer step."""
        assert self._tracker is not None
        self._tracker.step()

    def dataset(self) -> xr.Dataset:
        """Everything recorded so far; see `Tracker.dataset`.

        Raises:
            RuntimeError: No training has started.
        """
        if self._tracker is None:
            raise RuntimeError("no training has started: pass this callback to a transformers.Trainer")
        return self._tracker.dataset()

"""The part that all trainers' callbacks share: a tracker that is made when training starts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from lowcomplex.tracking import Measure, Tracker

if TYPE_CHECKING:
    import xarray as xr


class Recorder:
    """Holds a `Tracker`'s arguments until there is a module to track.

    Record k holds the state after k optimizer steps of all trainings that this callback has seen, and the
    loss of that state: the mean over the batches of the next step, before it. The last state of a training
    has no loss until the next training goes on from it.

    Args:
        measures: As in `Tracker`.
        layers: As in `Tracker`.
        every: Record every so many optimizer steps; every step is recorded if neither `steps` nor `budget` is
            given.
        steps: Record at these optimizer steps instead.
        budget: Record as often as this share of the time allows, and the last state.
        quantities: As in `Tracker`. One of the name "loss" is recorded in place of the trainer's loss.
        path: As in `Tracker`; a checkpoint's record goes before that of the file.
        log: Whether the trainer's own logger gets each record too, at the trainer's step: the measures and
            quantities under the names `lowcomplex/MEASURE/LAYER`.
        clock: As in `Tracker`.

    Raises:
        ValueError: Arguments that `Tracker` refuses. Layers are looked for when training starts.
    """

    def __init__(
        self,
        measures: str | Sequence[str] | Mapping[str, Measure] = ("effective_rank", "stable_rank"),
        *,
        layers: str | Sequence[str] = "*",
        every: int | None = None,
        steps: Iterable[int] | None = None,
        budget: float | None = None,
        quantities: Mapping[str, Callable[[], float | xr.DataArray]] | None = None,
        path: str | PathLike[str] | None = None,
        log: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options: dict[str, Any] = {
            "measures": dict(measures) if isinstance(measures, Mapping) else measures,
            "layers": layers,
            "every": every,
            "steps": tuple(steps) if isinstance(steps, Iterable) else steps,
            "budget": budget,
            "quantities": dict(quantities or {}),
            "path": path,
            "log": self._log if log else None,
            "clock": clock,
        }
        # What no module could make right is refused at once, not when training starts.
        Tracker(nn.Identity(), **{**self._options, "layers": (), "path": None})
        self._module: nn.Module | None = None
        self._tracker: Tracker | None = None
        self._done_before = 0
        self._ended_at = -1

    def dataset(self) -> xr.Dataset:
        """Return everything recorded so far, as `Tracker.dataset` does.

        Raises:
            RuntimeError: No training has started, or another process records it.
        """
        return self._running().dataset()

    def _log(self, numbers: dict[str, float], *, step: int) -> None:
        """Give numbers to the trainer's logger."""
        raise NotImplementedError

    def _start(self, module: nn.Module, done: int, main: bool, state: dict[str, Any] | None = None) -> None:
        """Track a module, or go on with its record.

        Args:
            module: The module that is trained.
            done: Number of optimizer steps that the trainer counts as done.
            main: Whether this process records.
            state: That of the tracker whose record goes on, from a checkpoint.

        Raises:
            ValueError: The record is one of another module, or the file one of another training.
        """
        if state is not None:
            self._tracker = Tracker(module, main=main, **self._options)
            self._tracker.load_state_dict(state)
        elif self._tracker is None:
            self._tracker = Tracker(module, main=main, **self._options)
            if self._tracker.next_step and not done:
                path, last = self._options["path"], self._tracker.next_step - 1
                self._tracker = None
                raise ValueError(
                    f"path: {path} holds an earlier training up to step {last}, and this one starts at "
                    "step 0; name another file, or move this one"
                )
            self._tracker.resume(done)
        elif module is not self._module:
            raise ValueError(
                f"module: this callback holds the record of another module, up to step "
                f"{self._tracker.next_step}; give each module a callback of its own"
            )
        self._module = module
        self._ended_at = -1
        # A trainer that starts anew counts its steps from 0; the record goes on.
        self._done_before = max(0, self._tracker.next_step - done)
        self._count(done)

    def _described(self) -> dict[str, Any]:
        """The arguments, as far as they decide whether a record can go on."""
        steps = self._options["steps"]
        return {
            **{name: self._options[name] for name in ("layers", "every", "budget")},
            **{name: list(self._options[name]) for name in ("measures", "quantities")},
            "steps": None if steps is None else sorted(map(int, steps)),
        }

    def _count(self, done: int) -> bool:
        """Count the steps until here, whether or not a hook was called for them.

        Returns:
            Whether the step that comes next is not yet counted.
        """
        step = done + self._done_before
        if step > self._running().next_step:
            self._running().resume(step)
        return step == self._running().next_step

    def _before_step(self, done: int, loss: Tensor | None) -> None:
        """Record the state before an optimizer step, with the loss from which the step was computed."""
        if self._count(done):
            own = {*self._options["measures"], *self._options["quantities"]}
            self._running().step(**({} if loss is None or "loss" in own else {"loss": loss}))

    def _after_last_step(self, done: int) -> None:
        """Record the last state, which is that before the first step of a training that goes on from here."""
        tracker = self._running()
        if self._count(done) and tracker.next_step != self._ended_at:
            if tracker.due or self._options["budget"] is not None:
                tracker.record()
            self._ended_at = tracker.next_step

    def _running(self) -> Tracker:
        if self._tracker is None:
            raise RuntimeError("no training has started: pass this callback to a trainer")
        return self._tracker

"""Record measures while anything trains, into one labeled dataset."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lowcomplex._cadence import Cadence, log_linear_steps, whole_number
from lowcomplex._chosen_measures import Measure, named_functions
from lowcomplex._layers import Members
from lowcomplex._measuring import Measuring
from lowcomplex._names import require_free
from lowcomplex._record_file import RecordFile
from lowcomplex._records import Log, Records, decode, encode, numbers, one_step, require_same

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["Log", "Measure", "Members", "Tracker", "log_linear_steps"]


class Tracker:
    """Records measures of chosen layers every k steps of anything that trains.

    Call `step` once before each update and once after the last: record k then holds the state after k
    updates, record 0 the initialization. Measuring never touches the weights, their gradients or any
    random generator. Weights that hold NaN or infinity are recorded as NaN, and `diverged` is set. The
    members of an `Ensemble` are measured together, along a dimension `member`; members that have diverged
    are recorded as NaN.

    Args:
        module: The network, or an `Ensemble`.
        measures: Name or names of weight measures (`lowcomplex.measures.weight_measures`), or a mapping from
            names of your own to functions (..., out, in) → (...). These are called with the matrices of all
            layers of one shape at once, and return one number per matrix.
        layers: Name pattern or patterns of the weight matrices to measure, as in a shell.
            `lowcomplex.matrices.weight_matrices` decides what counts as a weight matrix and how its neurons
            lie: convolution kernels are flattened to (out, in x kernel size), each matrix of a stack is a
            layer of its own, and parametrized weights are measured as the forward pass uses them.
        every: Record every so many steps; every step is recorded if neither `steps` nor `budget` is given.
        steps: Record at these steps instead, such as `log_linear_steps`.
        budget: Record step 0, and then as long as all records, the next one included, take at most this share
            of the time since step 0. What Python loads for the first record is loaded before. Early records
            follow each other closely. Which steps are recorded differs from run to run, so call `record`
            after the last step.
        quantities: What else to record: a mapping from names to functions without arguments. Each returns a
            number, or an `xarray.DataArray` with named dimensions of its own; that of an ensemble's members
            is "member".
        path: Write what was recorded to this netCDF file after each record. A process that is killed loses
            at most the record in progress. A file that is there is read, and its record goes on after its
            last step unless `resume` names another; its steps need not have been chosen in the same way.
        log: Also give each record to a logger: `log(numbers, step=k)` is called with the values of all
            measures and quantities under the names `lowcomplex/MEASURE/LAYER`. `wandb.log`,
            `mlflow.log_metrics` and `accelerator.log` are such functions.
        main: Whether this process records; otherwise `step` only counts. If it is not given, every process
            records, and of those that share a network by `DistributedDataParallel` or `fully_shard` the one
            of rank zero. All of them must call `step`: sharded weights are gathered, one matrix at a time.
        clock: Returns seconds; only a budget uses it.

    Raises:
        ValueError: An unknown measure, nothing to record, a pattern that matches no weight matrix, a layer
            without a shape or values, more than one of `every`, `steps` and `budget`, `every` or `steps` that
            are not whole numbers, `budget` not between 0 and 1, a quantity named as a measure, parametrized
            weights in an ensemble, or a file at `path` that is no record of these measures, layers and
            quantities, or weights that cannot be gathered.

    Example:
        >>> layer = nn.Linear(4, 3)
        >>> with Tracker(layer, measures=("stable_rank",), every=2) as tracker:
        ...     for _ in range(5):
        ...         tracker.step(loss=1.0)
        >>> dict(tracker.dataset().sizes)
        {'step': 3, 'layer': 1}
    """

    def __init__(
        self,
        module: nn.Module | Members,
        measures: str | Sequence[str] | Mapping[str, Measure] = ("effective_rank", "stable_rank"),
        *,
        layers: str | Sequence[str] = "*",
        every: int | None = None,
        steps: Iterable[int] | None = None,
        budget: float | None = None,
        quantities: Mapping[str, Callable[[], float | xr.DataArray]] | None = None,
        path: str | PathLike[str] | None = None,
        log: Log | None = None,
        main: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cadence = Cadence(every, steps, budget, clock)
        if not measures and not quantities:
            raise ValueError("measures: expected at least one, or quantities, got none")
        self._measuring = Measuring(module, measures, layers)
        self._quantities = named_functions("quantities", quantities or {})
        names = self._measuring.measures
        self._taken = {"step", "layer", "member", *names, *(f"null_{name}" for name in names)}
        require_free("quantities", self._quantities, self._taken)
        self._next_step = 0
        if log is not None and not callable(log):
            raise ValueError(f"log: expected a function of numbers and a step, got {log!r}")
        if self._measuring.sharded and budget is not None:
            raise ValueError(
                "budget: processes that share the weights must record at the same steps; use every or steps"
            )
        self._log = log
        self._main = main
        self._records = Records()
        self._file = None if path is None else RecordFile(path)
        self._reopen()
        if budget is not None:
            self._measuring.warm_up()
            if self._file is not None:
                self._measuring.nulls()
                self._file.warm_up()

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __repr__(self) -> str:
        names = ", ".join((*self._measuring.measures, *self._quantities))
        recorded = f"{self._records.count} records" if self._records else "nothing recorded"
        layers = len(self._measuring.layers)
        return f"Tracker({names} of {layers} layers; {recorded}, next step {self._next_step})"

    @property
    def due(self) -> bool:
        """True if the next call of `step` will record."""
        return self._cadence.due(self._next_step)

    def step(self, **scalars: float | Tensor) -> None:
        """Count one step, and record if it is due.

        Args:
            **scalars: Numbers to record with it, such as loss=…; for an ensemble also (members,) tensors.

        Raises:
            ValueError: A scalar has the name of something else that is recorded, or is None.
        """
        if self.due:
            self.record(**scalars)
        self._next_step += 1

    @property
    def _is_main(self) -> bool:
        return self._measuring.is_rank_zero if self._main is None else self._main

    @property
    def diverged(self) -> bool:
        """Whether any recorded weight has been NaN or infinite."""
        return self._measuring.diverged

    @property
    def next_step(self) -> int:
        """The number of the step that the next call of `step` counts."""
        return self._next_step

    def resume(self, step: int) -> None:
        """Go on at this step, such as that of the checkpoint from which training was resumed.

        Steps until there are counted without being recorded. Records of later steps are dropped: they are of
        training that was lost.

        Raises:
            ValueError: `step` is no whole number from 0 on.
        """
        self._next_step = whole_number("step", step, least=0)
        self._records.drop(self._next_step + 1)

    def record(self, **scalars: float | Tensor) -> None:
        """Record now, at the current step, due or not; an earlier record of this step is replaced."""
        if not self._is_main:
            if self._measuring.sharded:
                self._measuring.gather()
            return
        with self._cadence.spending():
            record = self._record(scalars)
            self._records.add(record)
            if self._file is not None:
                about = {**self._made_of(), "budget": self._cadence.spent(), "diverged": self.diverged}
                self._file.write(self.dataset(), about)
            if self._log is not None:
                names = (*self._measuring.measures, *self._quantities)
                self._log(numbers(record, names), step=self._next_step)

    def _record(self, scalars: Mapping[str, float | Tensor]) -> xr.Dataset:
        values = self._measuring.now()
        quantities = {name: quantity() for name, quantity in self._quantities.items()}
        require_free("scalars", scalars, self._taken | {*self._quantities})
        members = self._measuring.members
        count = None if members is None else len(members)
        return one_step(self._next_step, values, quantities, scalars, self._measuring.layers, count)

    def dataset(self, *, nulls: bool = True) -> xr.Dataset:
        """Return everything recorded so far, along step, layer and the dimensions of the quantities.

        Args:
            nulls: Add `null_NAME` over layer for each of the library's measures NAME: its mean on random
                Gaussian weights of the layer's shape, NaN where that has no null.

        Returns:
            A new dataset; what was recorded at only some of the steps is NaN at the others.

        Raises:
            RuntimeError: Nothing was recorded.
        """
        if not self._is_main:
            raise RuntimeError(
                "this process records nothing: only the main one does, such as that of rank zero"
            )
        if not self._records:
            raise RuntimeError("the tracker has recorded nothing: call step() in the training loop")
        dataset = self._records.joined()
        for name in self._measuring.measures:
            dataset[name].attrs["long_name"] = name.replace("_", " ")
        if nulls:
            dataset = dataset.assign(
                {f"null_{name}": ("layer", means) for name, means in self._measuring.nulls().items()}
            )
        dataset.attrs.update(torch=str(torch.__version__), python=platform.python_version())
        return dataset

    def plot(
        self,
        quantities: str | Sequence[str] | None = None,
        *,
        predicted: Mapping[str, xr.DataArray | float] | None = None,
        most_lines: int = 8,
    ) -> Figure:
        """Draw everything recorded so far, beside what random weights give; see `plots.plot_record`.

        Args:
            quantities: Name or names of what is drawn; by default all that is recorded over step and layer.
            predicted: A prediction by the name of its quantity: a number, or values over step or layer.
            most_lines: Largest number of layers that are drawn as lines; more layers become a heat map.

        Returns:
            The figure. A notebook shows it; `figure.savefig("record.png")` writes it.

        Raises:
            RuntimeError: Nothing was recorded.
            ValueError: There is nothing of these names to draw.
        """
        from lowcomplex.plots import plot_record

        return plot_record(self.dataset(), quantities, predicted=predicted, most_lines=most_lines)

    def state_dict(self) -> dict[str, Any]:
        """Return what was recorded so far as numbers, tensors and text, for a checkpoint.

        Raises:
            ValueError: A quantity recorded what netCDF cannot hold.
        """
        return {
            **self._made_of(),
            "cadence": self._cadence.state_dict(),
            "next_step": self._next_step,
            "diverged": self.diverged,
            "records": encode(self._records.joined()) if self._records else None,
        }

    def _made_of(self) -> dict[str, list[str]]:
        return {
            "measures": list(self._measuring.measures),
            "layers": list(self._measuring.layers),
            "quantities": list(self._quantities),
        }

    def _reopen(self) -> None:
        """Go on with the records of the file, if there is one."""
        found = None if self._file is None else self._file.read()
        if self._file is None or found is None:
            return
        records, about = found
        require_same(f"path: {self._file.path} is", self._made_of(), about)
        nulls = [f"null_{name}" for name in self._measuring.measures]
        self._records.replace(records.drop_vars(nulls, errors="ignore"))
        self._next_step = self._records.last + 1
        self._measuring.diverged = about["diverged"]
        self._cadence.go_on(about["budget"])

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the records of a tracker that was made with the same arguments.

        Raises:
            ValueError: That tracker recorded other measures, layers or quantities, or at other steps.
        """
        require_same("state:", self._made_of(), state)
        self._cadence.load_state_dict(state["cadence"])
        self._next_step = state["next_step"]
        self._measuring.diverged = state["diverged"]
        self._records.replace(None if state["records"] is None else decode(state["records"]))

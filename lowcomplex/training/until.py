"""When a training ends: conditions on the loss, or on any observable of the parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

Parameters = dict[str, Tensor]
# Parameters of all runs → one number per run, in the shape of the losses.
PerRun = Callable[[Parameters], Tensor]


class Condition(Protocol):
    """Something that each run of a batch meets at some time."""

    def excess(self, parameters: Parameters, loss: PerRun, initial: Tensor) -> Tensor:
        """What is missing, at most 0 where the condition is met; continuous in the parameters.

        Args:
            parameters: Where the runs are.
            loss: Returns their losses there.
            initial: The losses at the start.

        Returns:
            One number per run, in the shape of the losses.
        """


@dataclass(frozen=True)
class LossShare:
    """The loss is at most a share of its initial value.

    Attributes:
        share: One number for all runs, or one per run.
    """

    share: float | Tensor

    def excess(self, parameters: Parameters, loss: PerRun, initial: Tensor) -> Tensor:
        """L/L_0 minus the share; see `Condition`."""
        return loss(parameters) / initial - self.share


@dataclass(frozen=True)
class Below:
    """An observable is at most a bound.

    Attributes:
        observable: Returns one number per run; the loss itself, for example.
        bound: One number for all runs, or one per run.
    """

    observable: PerRun
    bound: float | Tensor

    def excess(self, parameters: Parameters, loss: PerRun, initial: Tensor) -> Tensor:
        """The observable minus the bound; see `Condition`."""
        return self.observable(parameters) - self.bound

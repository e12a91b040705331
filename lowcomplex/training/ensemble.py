"""Many networks trained as one program."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from lowcomplex._numbers import whole
from lowcomplex.training._batched_forward import Forward, batched_forward
from lowcomplex.training._ensemble_optimizer import EnsembleOptimizer, OptimizerName, PerMember, per_member
from lowcomplex.training._stack import Stack
from lowcomplex.training.checkpoint import Checkpoint
from lowcomplex.training.minibatch import require_losses, schedule_values


@dataclass(frozen=True)
class EnsembleResult:
    """How the training of an ensemble ended.

    Attributes:
        losses: Loss before each update that was done; NaN from a member's divergence on.
        diverged_at: The step at which a member's loss stopped being finite, -1 if it never did.
    """

    losses: Float[Tensor, "steps members"]
    diverged_at: Int[Tensor, " members"]


class Ensemble:
    """Networks of one architecture that train as one program, each as if it were alone.

    Members may differ in their weights (γ, seed), learning rate, weight decay and data, and a `TwoLayer` in
    its α. A member's numbers do not depend on who else is in the ensemble, bit for bit, as long as its loss
    does not. A member whose loss stops being finite stays as it was before that update and leaves the
    others as they are.

    The networks of `lowcomplex.networks` run in batched products. Any other module runs by `torch.vmap`,
    parametrized weights and running statistics included; a member's bits are then its own at best where the
    batch and all sizes are multiples of 16 (seen to fail for others, and for convolutions). All this is seen
    on CPUs; nothing is promised of a GPU's last bits.

    An ensemble pays where starting an operation costs more than the operation: seen on one core, 7 to 10
    times for 64 two-layer networks of width 100 and 1.5 to 2 times at width 1,000, 2 times for 6 and 3.5
    times for 35 networks of two hidden layers of 128 on 32 samples, nothing for transformers of width 64.

    Args:
        members: The networks; their weights are copied, they are not changed.
        learning_rate: One for all, or one per member.
        optimizer: "sgd" (gradient descent, on whatever the loss is computed from), "adam" or "adamw", with
            the formulas of `torch.optim`; "adamw" decays matrices alone, as `lowcomplex.training.adamw`.
        weight_decay: One for all, or one per member.
        momentum: Momentum of "sgd".
        betas, eps: Constants of "adam" and "adamw".
        clip_norm: Largest norm of one member's whole gradient, if any.

    Raises:
        TypeError: Members are no networks.
        ValueError: Members differ in more than numbers, a hook computes a weight, or a number is out of
            range; at a call: the forward pass draws random numbers, or `torch.vmap` cannot run it.

    Example:
        >>> from lowcomplex.networks import TwoLayer
        >>> x = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None]
        >>> scales = (1.0, 0.1, 0.01)
        >>> ensemble = Ensemble([TwoLayer(1, 50, beta1=s, beta2=s) for s in scales], learning_rate=0.05)
        >>> result = ensemble.train(lambda e: (e(x) - x.sin()).square().mean((1, 2)), steps=10)
        >>> result.losses.shape, ensemble.member(2).input_weight.shape
        (torch.Size([10, 3]), torch.Size([50, 2]))
    """

    def __init__(
        self,
        members: Iterable[nn.Module],
        *,
        learning_rate: PerMember,
        optimizer: OptimizerName = "sgd",
        weight_decay: PerMember = 0.0,
        momentum: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        clip_norm: float | None = None,
    ) -> None:
        if isinstance(members, nn.Module):
            raise TypeError(f"members: expected several networks, got one {type(members).__name__}")
        networks = list(members)
        self._stack = Stack(networks)
        self._templates = [copy.deepcopy(network) for network in networks]
        self._forward: dict[str, Forward] = {}
        rows = len(self._stack.flat)
        self._optimizer = EnsembleOptimizer(
            self._stack.flat,
            self._stack.matrices,
            name=optimizer,
            learning_rate=per_member("learning_rate", learning_rate, len(networks), rows),
            weight_decay=per_member("weight_decay", weight_decay, len(networks), rows),
            momentum=momentum,
            betas=betas,
            eps=eps,
            clip_norm=clip_norm,
        )
        self.updates = 0
        self._diverged_at = torch.full((len(networks),), -1)
        self._frozen: Tensor | None = None

    def __len__(self) -> int:
        return len(self._templates)

    def __call__(
        self, x: Shaped[Tensor, "..."], *, shared: bool = True, method: str = "forward"
    ) -> Float[Tensor, "members ..."]:
        """Outputs of all members.

        Args:
            x: Inputs as one member takes them, or (members, ...) of them if they are not shared.
            shared: Whether all members see the same inputs.
            method: The method of the networks to call, such as "last" of a `Transformer`.

        Returns:
            The outputs, member by member.

        Raises:
            ValueError: Inputs that are not shared are not one for each member.
        """
        if not shared and (x.ndim == 0 or len(x) != len(self)):
            raise ValueError(
                f"x: expected ({len(self)}, ...) inputs, one for each member, got {tuple(x.shape)}"
            )
        if method not in self._forward:
            self._forward[method] = batched_forward(self._templates, method, self._keep)
        rows = len(self._stack.flat)
        if not shared and rows != len(self):
            x = x.expand(rows, *x.shape[1:])
        output = self._forward[method](self._stack.named(), x, shared)
        return output[: len(self)]

    @property
    def diverged_at(self) -> Int[Tensor, " members"]:
        """The number of updates after which a member diverged, -1 if it has not."""
        return self._diverged_at.clone()

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Name and (members, ...) values of each parameter in training, sharing memory with them."""
        for name, view in self._stack.views.items():
            yield name, view.detach()[: len(self)]

    def member(self, index: int) -> nn.Module:
        """A copy of one member as it is now.

        Raises:
            IndexError: There is no such member.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"member {index} of an ensemble of {len(self)}")
        index %= len(self)
        network = copy.deepcopy(self._templates[index])
        with torch.no_grad():
            for name, view in self._stack.views.items():
                network.get_parameter(name).copy_(view[index])
            self._stack.buffers.write(network, index)
        return network

    def step(self, losses: Float[Tensor, " members"], *, factor: float = 1.0) -> Float[Tensor, " members"]:
        """One update of every member that has not diverged.

        Args:
            losses: The loss of each member, a function of its own outputs alone.
            factor: On the learning rates.

        Returns:
            The losses, detached; NaN for members that have diverged.

        Raises:
            ValueError: `losses` has another shape or no gradient.
        """
        values = self._examine(losses)
        self._update(losses, factor)
        return values

    def train(
        self,
        loss: Callable[[Ensemble], Tensor],
        *,
        steps: int,
        schedule: Callable[[int, int], float] | None = None,
        before_step: Callable[[int], None] | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> EnsembleResult:
        """Train all members until each has made `steps` updates or diverged.

        Args:
            loss: Returns the (members,) losses of the ensemble, on a minibatch that it draws.
            steps: Number of updates.
            schedule: `schedule(step, steps)` is the factor on the learning rates; constant if None.
            before_step: Called with the number of updates done, before each update and after the last,
                unless all members have diverged.
            checkpoint: Saves the run now and then, and continues it from its file; see `train`.

        Returns:
            The losses, and where members diverged.

        Raises:
            ValueError: `steps` is not positive.
        """
        if whole(steps, "steps") < 1:
            raise ValueError(f"steps: expected a positive number of updates, got {steps}")
        losses = torch.full((steps, len(self)), math.nan)
        first = 0
        if checkpoint is not None:
            settings = {
                "steps": steps,
                "schedule": schedule_values(schedule, steps),
                **self._optimizer.settings(),
            }
            first = checkpoint.resume_losses({"ensemble": self}, settings, losses)
        for step in range(first, steps):
            if checkpoint is not None and step > first and checkpoint.due:
                checkpoint.save(step=step, losses=losses[:step].clone())
            values = loss(self)
            losses[step] = self._examine(values)
            if bool((self._diverged_at >= 0).all()):
                return EnsembleResult(losses[: step + 1], self.diverged_at)
            if before_step is not None:
                before_step(step)
            self._update(values, 1.0 if schedule is None else schedule(step, steps))
        self._mark(torch.isfinite(self._stack.flat[: len(self)]).all(1))
        if before_step is not None and not bool((self._diverged_at >= 0).all()):
            before_step(steps)
        return EnsembleResult(losses, self.diverged_at)

    def state_dict(self) -> dict[str, Tensor]:
        """All that training changes, enough to continue bit for bit; copies."""
        return {
            "parameters": self._stack.flat.clone(),
            "updates": torch.tensor(self.updates),
            "diverged_at": self.diverged_at,
            **_prefixed("buffers.", self._stack.buffers.state_dict()),
            **_prefixed("optimizer.", self._optimizer.state_dict()),
        }

    def load_state_dict(self, state_dict: Mapping[str, Tensor]) -> None:
        """Continue where another ensemble of this make was.

        Raises:
            ValueError: The state belongs to an ensemble of another size.
        """
        saved = state_dict["parameters"]
        if saved.shape != self._stack.flat.shape or state_dict["diverged_at"].shape != (len(self),):
            raise ValueError(
                f"state_dict: expected parameters {tuple(self._stack.flat.shape)} of {len(self)} members, "
                f"got {tuple(saved.shape)} of {len(state_dict['diverged_at'])}"
            )
        self._stack.buffers.load_state_dict(_without("buffers.", state_dict))
        self._stack.flat.copy_(saved)
        self.updates = int(state_dict["updates"])
        self._diverged_at = state_dict["diverged_at"].clone()
        self._freeze()
        self._optimizer.load_state_dict(_without("optimizer.", state_dict))

    def _examine(self, losses: Tensor) -> Tensor:
        require_losses(losses, (len(self),))
        values = losses.detach()
        self._mark(torch.isfinite(values))
        return values if self._frozen is None else values.masked_fill(self._frozen[: len(self)], math.nan)

    def _mark(self, finite: Tensor) -> None:
        """Freeze members that have just diverged."""
        if bool(finite.all()):
            return
        new = ~finite.cpu() & (self._diverged_at < 0)
        self._diverged_at[new] = self.updates
        self._freeze()
        self._stack.buffers.undo(new.expand(len(self._stack.flat)))

    def _freeze(self) -> None:
        diverged = self._diverged_at >= 0
        rows = len(self._stack.flat)
        self._frozen = diverged.expand(rows).to(self._stack.device) if bool(diverged.any()) else None

    def _update(self, losses: Tensor, factor: float) -> None:
        self._optimizer.step(self._stack.gradient(losses.sum()), factor, self._frozen)
        self.updates += 1
        self._stack.buffers.settle()

    def _keep(self, after: Mapping[str, Tensor]) -> None:
        """Take over what a forward pass left in buffers, but not of members that have diverged."""
        self._stack.buffers.keep(after, (self._diverged_at < 0).expand(len(self._stack.flat)))


def _prefixed(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in state.items()}


def _without(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}

"""When to record: every so many steps, at given steps, or as often as a share of the time allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


class Cadence:
    """Decides which steps are recorded: every step, unless one of three rules is given.

    Args:
        every: Record every so many steps.
        steps: Record at these steps.
        budget: Spend at most this share of the time since the first step on recording. The first step is
            always recorded; later ones if the time of all records so far, and that of another like the last,
            is within the share.
        clock: Returns seconds; only a budget uses it.

    Raises:
        ValueError: More than one rule, `every` not positive, `steps` empty or not whole numbers from 0 on, or
            `budget` not between 0 and 1.
    """

    def __init__(
        self,
        every: int | None,
        steps: Iterable[int] | None,
        budget: float | None,
        clock: Callable[[], float],
    ) -> None:
        ways = {"every": every, "steps": steps, "budget": budget}
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"every, steps, budget: expected at most one of them, got {' and '.join(given)}")
        if budget is not None and not (isinstance(budget, float | int) and 0 < budget < 1):
            raise ValueError(f"budget: expected a share of the time between 0 and 1, got {budget!r}")
        self._every = 1 if every is None else whole_number("every", every, least=1)
        self._steps = None if steps is None else _whole_numbers(steps)
        self._budget = budget
        self._clock = clock
        self._start: float | None = None
        self._spent = self._last = 0.0

    def due(self, step: int) -> bool:
        """Whether this step is to be recorded; a budget decides by the time of the call."""
        if self._budget is not None:
            now = self._clock()
            if self._start is None:
                self._start = now
                return True
            return self._spent + self._last <= self._budget * (now - self._start + self._last)
        return step % self._every == 0 if self._steps is None else step in self._steps

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count the time inside the block as spent on a record."""
        if self._budget is None:
            yield
            return
        start = self._clock()
        self._start = start if self._start is None else self._start
        yield
        self._last = self._clock() - start
        self._spent += self._last

    def spent(self) -> dict[str, float] | None:
        """What a budget has spent so far; None if there is none."""
        if self._budget is None:
            return None
        elapsed = 0.0 if self._start is None else self._clock() - self._start
        return {"budget": self._budget, "elapsed": elapsed, "spent": self._spent, "last": self._last}

    def go_on(self, spent: dict[str, float] | None) -> None:
        """Continue as if no time had passed since a budget had spent this."""
        if self._budget is not None and spent is not None:
            self._start = self._clock() - spent["elapsed"]
            self._spent, self._last = spent["spent"], spent["last"]

    def state_dict(self) -> Any:
        """The rule, and what a budget has spent so far."""
        return self.spent() or (self._every if self._steps is None else sorted(self._steps))

    def load_state_dict(self, state: Any) -> None:
        """Continue as if no time had passed since the state was taken.

        Raises:
            ValueError: The state is of another rule.
        """
        own = self.state_dict()
        is_budget = isinstance(state, dict)
        if is_budget != isinstance(own, dict) or (
            state["budget"] != own["budget"] if is_budget else state != own
        ):
            raise ValueError(
                f"state: of a tracker that records {_in_words(state)}; this one records {_in_words(own)}"
            )
        if is_budget:
            self.go_on(state)


def _in_words(state: Any) -> str:
    """A rule, by its state."""
    if isinstance(state, dict):
        return f"with budget={state['budget']:g}"
    return f"with every={state}" if isinstance(state, int) else f"at the steps {state}"


def _whole_numbers(steps: Any) -> frozenset[int]:
    """Steps as plain numbers, whether they were numbers of Python, NumPy or PyTorch."""
    if isinstance(steps, str) or not isinstance(steps, Iterable):
        raise ValueError(f"steps: expected several whole numbers from 0 on, got {steps!r}")
    found = frozenset(whole_number("steps", step, least=0) for step in steps)
    if not found:
        raise ValueError("steps: expected at least one step, got none")
    return found


def whole_number(argument: str, value: Any, least: int) -> int:
    """A whole number as a plain one, whether it was one of Python, NumPy or PyTorch.

    Raises:
        ValueError: It is none, or too small.
    """
    try:
        whole = None if isinstance(value, bool | str) else int(value)
        if whole is not None and whole == value and whole >= least:
            return whole
    except (TypeError, ValueError, OverflowError, RuntimeError):
        pass
    shown = repr(value) if isinstance(value, str) else value
    raise ValueError(f"{argument}: expected whole numbers from {least} on, got {shown}")


def log_linear_steps(total: int, *, early: int = 12, late: int = 12) -> tuple[int, ...]:
    """Steps to record at: logarithmic early, where condensation happens, then linear.

    Args:
        total: The last step.
        early: Number of log-spaced steps from 1 to total.
        late: Number of equal intervals between 0 and total.

    Returns:
        Increasing steps that start at 0 and end at `total`.

    Example:
        >>> log_linear_steps(100, early=3, late=2)
        (0, 1, 10, 50, 100)
    """
    total, early, late = (
        whole_number(name, value, least)
        for name, value, least in (("total", total, 1), ("early", early, 2), ("late", late, 1))
    )
    logarithmic = {round(total ** (i / (early - 1))) for i in range(early)}
    linear = {round(total * i / late) for i in range(late + 1)}
    return tuple(sorted(logarithmic | linear))

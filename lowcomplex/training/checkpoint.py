"""Checkpoints inside a long run, from which it continues bit for bit."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from lowcomplex.training._state import digest, plain

_MAGIC = b"lowcomplex checkpoint 1\n"
_DIGEST_SIZE = hashlib.sha256().digest_size
_LARGEST_SHARE = 0.01


class Stateful(Protocol):
    """An object that returns its state as nested dicts, lists, tensors, numbers and text, and restores it."""

    def state_dict(self) -> Any:
        """Return the state."""

    def load_state_dict(self, state_dict: Any, /) -> Any:
        """Restore the state."""


class Checkpoint:
    """A file that holds everything a run needs to continue as if it had never been interrupted.

    `train(…, checkpoint=…)` saves weights, buffers, optimizer and losses, together with the tracker, the
    generators and the other objects given here. The same call, made again from the same initial state,
    continues from the file, with identical losses, weights and records.

    A file may be damaged, or belong to a run that started from another state (other weights, seed, learning
    rate, number of steps, …). It is then reported and renamed to end in ".corrupt", and the run starts anew.
    The initial state is recognized by its values, so draw the initial weights with a seeded generator.

    A file is replaced in one atomic step, after it has reached the disk, and verified by its SHA-256 when
    read. It holds no pickled code: it is read with `torch.load(weights_only=True)`.

    Args:
        path: The file; its folder is made when needed. Remove the file once the run's result is stored.
        tracker: The tracker whose records belong to the run.
        generators: All random generators from which training draws. A network with dropout draws from
            `torch.default_generator`.
        objects: Other objects that change during the run, with `state_dict` and `load_state_dict`.
        every_seconds: Save this often, but spend no more than 1 % of the time on saving.
        clock: Returns seconds.

    Raises:
        ValueError: `every_seconds` is negative, or an object has no state to save.

    Example:
        >>> import tempfile
        >>> layer = torch.nn.Linear(2, 1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     checkpoint = Checkpoint(Path(folder) / "run")
        ...     _ = checkpoint.resume({"layer": layer})
        ...     checkpoint.save(step=3)
        ...     Checkpoint(Path(folder) / "run").resume({"layer": layer})
        {'step': 3}
    """

    def __init__(
        self,
        path: Path | str,
        *,
        tracker: Stateful | None = None,
        generators: Iterable[torch.Generator] = (),
        objects: Iterable[Stateful] = (),
        every_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not every_seconds >= 0:
            raise ValueError(f"every_seconds: expected zero or more seconds, got {every_seconds}")
        self.path = Path(path)
        self.every_seconds = every_seconds
        self._own: dict[str, Stateful | torch.Generator] = {
            **({} if tracker is None else {"tracker": tracker}),
            **{f"generators[{index}]": generator for index, generator in enumerate(generators)},
            **{f"objects[{index}]": thing for index, thing in enumerate(objects)},
        }
        self._clock = clock
        self._cost = 0.0
        self._saved_at = clock()
        self._objects: dict[str, Stateful | torch.Generator] = {}
        self._start: dict[str, str] = {}

    def resume(
        self, objects: Mapping[str, Stateful | torch.Generator], settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Register the run's objects in their initial state; load the file into them if it is theirs.

        Args:
            objects: The run's parts by name, in addition to those given to the checkpoint itself.
            settings: What else the run depends on; a file that was saved under other settings is not used.

        Returns:
            What was given to `save`, or None if the run starts anew.

        Raises:
            ValueError: An object's state is of a type that cannot be saved.
        """
        self._objects = {**objects, **self._own}
        for name, thing in self._objects.items():
            if not isinstance(thing, torch.Generator) and not hasattr(thing, "load_state_dict"):
                raise ValueError(
                    f"{name}: expected state_dict and load_state_dict, got {type(thing).__name__}"
                )
        parts = {name: _state(name, thing) for name, thing in self._objects.items()}
        parts |= {"settings": plain("settings", settings or {}), "versions": _versions()}
        self._start = {name: digest(part) for name, part in parts.items()}
        self._saved_at = self._clock()
        try:
            content = self._read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as damage:
            self._set_aside(str(damage))
            return None
        for name, thing in self._objects.items():
            state = content["states"][name]
            if isinstance(thing, torch.Generator):
                thing.set_state(state)
            else:
                thing.load_state_dict(state)
        progress: dict[str, Any] = content["progress"]
        return progress

    def resume_losses(
        self, objects: Mapping[str, Stateful | torch.Generator], settings: Mapping[str, Any], losses: Tensor
    ) -> int:
        """Call `resume` for a training loop that saves its `step` and the `losses` before that step.

        Args:
            objects: As in `resume`.
            settings: As in `resume`.
            losses: (steps, ...) tensor, whose beginning is filled in.

        Returns:
            The number of updates done; 0 if the run starts anew.
        """
        progress = self.resume(objects, settings)
        if progress is None:
            return 0
        step: int = progress["step"]
        losses[:step] = progress["losses"]
        return step

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return self._clock() - self._saved_at >= max(self.every_seconds, self._cost / _LARGEST_SHARE)

    def save(self, **progress: Any) -> None:
        """Save the registered objects now, due or not.

        If the file cannot be written, a warning is issued and the run goes on.

        Args:
            **progress: Tensors, numbers and text that `resume` returns.

        Raises:
            RuntimeError: `resume` was not called before.
            ValueError: A state is of a type that cannot be saved.
        """
        if not self._start:
            raise RuntimeError("call resume before save: it registers what is saved")
        started = self._clock()
        buffer = io.BytesIO()
        states = {name: _state(name, thing) for name, thing in self._objects.items()}
        content = {"start": self._start, "states": states, "progress": plain("progress", progress)}
        torch.save(content, buffer)
        try:
            self._write(buffer.getbuffer())
        except OSError as error:
            warnings.warn(f"{self.path}: the checkpoint was not saved: {error}", stacklevel=2)
        self._saved_at = self._clock()
        self._cost = self._saved_at - started

    def _write(self, payload: memoryview) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f"{self.path.name}.tmp")
        try:
            with temporary.open("wb") as file:
                file.write(_MAGIC + hashlib.sha256(payload).digest())
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        if os.name == "posix":  # The new name reaches the disk only with its folder.
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _read(self) -> dict[str, Any]:
        """Read the file and verify its content.

        Raises:
            FileNotFoundError: There is none.
            ValueError: It is damaged, or another run's.
        """
        if not stat.S_ISREG(self.path.stat().st_mode):
            raise ValueError("this is no regular file")
        raw = self.path.read_bytes()
        head = len(_MAGIC) + _DIGEST_SIZE
        if raw[: len(_MAGIC)] != _MAGIC:
            raise ValueError("this is not a checkpoint")
        payload = memoryview(raw)[head:]
        if hashlib.sha256(payload).digest() != raw[len(_MAGIC) : head]:
            raise ValueError("the checkpoint does not match its checksum")
        try:
            content: dict[str, Any] = torch.load(io.BytesIO(payload), weights_only=True, map_location="cpu")
            saved = content["start"]
        except Exception as error:  # An unpickler may raise anything on foreign bytes.
            raise ValueError(f"the checkpoint cannot be read ({type(error).__name__})") from error
        others = [name for name in {**saved, **self._start} if saved.get(name) != self._start.get(name)]
        if others:
            raise ValueError(f"the checkpoint is another run's: it started from other {', '.join(others)}")
        return content

    def _set_aside(self, reason: str) -> None:
        aside = self.path.with_name(f"{self.path.name}.corrupt")
        try:
            self.path.replace(aside)
            kept = f"set aside as {aside.name}"
        except OSError as error:
            kept = f"it cannot be set aside ({error.strerror})"
        warnings.warn(f"{self.path}: {reason}; {kept}, the run starts anew", stacklevel=3)


def _state(name: str, thing: Stateful | torch.Generator) -> Any:
    return plain(name, thing.get_state() if isinstance(thing, torch.Generator) else thing.state_dict())


def _versions() -> dict[str, str]:
    """Versions of the packages on which the bits of a run depend."""
    found = {"torch": str(torch.__version__)}
    try:
        found["lowcomplex"] = version("lowcomplex")
    except PackageNotFoundError:
        found["lowcomplex"] = "unknown"
    return found

"""Where a checkpoint lies: on this machine or on the hub."""

from __future__ import annotations

import re
from pathlib import Path

from lowcomplex.checkpoints._hub import HubPath, hub_label, hub_model
from lowcomplex.checkpoints._kinds import SUFFIXES

_PREFIX = "hub:"
_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_OWNER_AND_NAME = re.compile(rf"{_NAME}/{_NAME}(@\S+)?")
# What begins with one of these was never meant as a name on the hub.
_LOCAL = (".", "/", "~", "\\")


def located(
    path: Path | str | HubPath, revision: str | None = None, *, subfolder: str | None = None
) -> Path | HubPath:
    """A checkpoint by its path, or by its name on the hub.

    A Path object is local, and so is what exists, what begins with "." or "/", and what ends as a file of
    weights does, such as in ".safetensors". Of the rest, "hub:NAME" and "OWNER/NAME" are on the hub; a
    revision may follow, as in "OWNER/NAME@REVISION".

    Args:
        path: A path or a name.
        revision: A branch, a tag or a commit of a model on the hub.
        subfolder: The folder of a model on the hub that is read, such as "unet".

    Returns:
        A path of this machine, or a model on the hub at one commit, of which only a list of files was read.

    Raises:
        FileNotFoundError: A name without owner is no local path, or there is no such model, revision or
            folder.
        ValueError: `revision` or `subfolder` is given for a local path, or a revision twice; or the name is
            none on the hub.
        ModuleNotFoundError: The name is one on the hub, and huggingface_hub is not installed.
        ConnectionError: The hub cannot be reached.
        TypeError: `path` is no path.
    """
    if isinstance(path, HubPath):
        return path
    if not isinstance(path, str | Path):
        raise TypeError(f"path: expected a path or a name on the hub, got {path!r}")
    name = hub_name(path)
    if name is None:
        if revision is not None:
            raise ValueError(f"revision: {str(path)!r} is a local path, which has no revisions")
        if subfolder is not None:
            raise ValueError(f"subfolder: {str(path)!r} is a local path; give {path}/{subfolder}")
        if _is_bare(path):
            raise FileNotFoundError(f"{path}: no such checkpoint; on the hub it would be hub:{path}")
        return Path(path)
    name, revision = _with_revision(name, revision, path)
    is_path = not str(path).startswith(_PREFIX)
    return hub_model(name, revision, subfolder=subfolder, path=is_path)


def label_of(path: Path | str, revision: str | None = None, *, subfolder: str | None = None) -> str | None:
    """What messages call a model on the hub, as `located` finds it; None for a local path.

    Raises:
        ValueError: The revision is given twice.
    """
    name = hub_name(path)
    return None if name is None else hub_label(*_with_revision(name, revision, path), subfolder)


def _with_revision(name: str, revision: str | None, path: Path | str) -> tuple[str, str | None]:
    name, _, own = name.partition("@")
    if own and revision is not None:
        raise ValueError(f"revision: {str(path)!r} already names the revision {own!r}")
    return name, own or revision


def hub_name(path: Path | str) -> str | None:
    """The name on the hub that a text means; None if it means a local path."""
    if isinstance(path, Path) or Path(path).exists() or path.startswith(_LOCAL):
        return None
    if path.startswith(_PREFIX):
        return path.removeprefix(_PREFIX)
    if path.lower().endswith(SUFFIXES):
        return None
    return path if _OWNER_AND_NAME.fullmatch(path) else None


def _is_bare(path: Path | str) -> bool:
    """Whether a text could be the name of a model without owner, and is no local path."""
    return (
        isinstance(path, str)
        and re.fullmatch(_NAME, path) is not None
        and not path.lower().endswith(SUFFIXES)
        and not Path(path).exists()
    )

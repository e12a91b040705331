"""Tables of models on the hub, kept by the content of the model's files and the source that measured them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from lowcomplex.checkpoints._hub import HubPath
from lowcomplex.checkpoints._hub_errors import OfflineError
from lowcomplex.checkpoints._located import label_of
from lowcomplex.checkpoints._series import revisions
from lowcomplex.checkpoints._tables import CheckpointTable
from lowcomplex.matrices import Skipped


class Earlier(NamedTuple):
    """A table of a model on the hub that was measured before.

    Attributes:
        table: The table.
        commit: Hash of the commit that the model had then.
    """

    table: CheckpointTable
    commit: str


def kept(
    model: HubPath, measured: str, options: object, compute: Callable[[], CheckpointTable]
) -> CheckpointTable:
    """The table of a model on the hub, measured at most once.

    Args:
        model: The model.
        measured: What the table holds, such as "gamma".
        options: What else the table depends on, as JSON takes it.
        compute: Measures the model.

    Returns:
        The kept table if the model's files, the options, this package's source and PyTorch's version are the
        same as then; else the computed one, which is kept from then on, unless the disk refuses it.
    """
    contents = sorted((name, file.content) for name, file in model.model.files.items())
    place = _place("tables", [contents, model.name, measured, options])
    found = _read_table(place)
    if found is None:
        found = compute()
        rows = json.loads(json.dumps(found.table.to_dict("records")))
        skipped = [(item.name, item.shape, item.reason) for item in found.skipped]
        _write(place, {"rows": rows, "skipped": skipped})
    # Without the hub, a name says nothing about contents.
    _write(
        _place("names", [model.model.label, measured, options]),
        {"table": place.stem, "commit": model.model.commit},
    )
    return found


def kept_before(
    path: str, revision: str | None, *, subfolder: str | None, measured: str, options: object
) -> Earlier | None:
    """The table that a model on the hub had when it was last measured here; the hub is not asked.

    Args:
        path: As for `located`.
        revision: As for `located`.
        subfolder: As for `located`.
        measured: As for `kept`.
        options: As for `kept`.

    Returns:
        The table and its commit; None if the model was not measured, or by another version of this package.
    """
    label = label_of(path, revision, subfolder=subfolder)
    said = _read(_place("names", [label, measured, options]))
    if not isinstance(said, dict) or not isinstance(said.get("table"), str):
        return None
    table = _read_table(_folder("tables") / f"{said['table']}.json")
    return None if table is None else Earlier(table, str(said.get("commit")))


def kept_revisions(name: str, between: str) -> tuple[dict[str, int], str | None]:
    """As `revisions`; without the hub, those that it had when it was last asked, and why it was not asked.

    Raises:
        ConnectionError: The hub cannot be reached, and was not asked before.
        OfflineError: HF_HUB_OFFLINE is set, and the hub was not asked before.
        ValueError: As for `revisions`.
        FileNotFoundError: As for `revisions`.
    """
    place = _place("names", [name, between])
    try:
        found = revisions(name, between)
    except (ConnectionError, OfflineError) as error:
        said = _read(place)
        if not isinstance(said, dict) or not said:
            raise
        return {str(revision): int(step) for revision, step in said.items()}, str(error)
    _write(place, found)
    return found, None


def _read_table(place: Path) -> CheckpointTable | None:
    """A kept table; None if there is none, or the file is damaged or of another kind."""
    import pandas as pd

    with contextlib.suppress(ValueError, KeyError, TypeError):
        content: Any = _read(place)
        rows = [{**row, "shape": tuple(row["shape"])} for row in content["rows"]]
        skipped = tuple(Skipped(name, tuple(shape), reason) for name, shape, reason in content["skipped"])
        return CheckpointTable(pd.DataFrame(rows), skipped)
    return None


def _place(kind: str, parts: list[object]) -> Path:
    """The file that belongs to these parts, this package's source and PyTorch's version."""
    key = json.dumps([*parts, _source(), version("torch")])
    return _folder(kind) / f"{hashlib.blake2b(key.encode(), digest_size=20).hexdigest()}.json"


def _folder(kind: str) -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lowcomplex" / kind


def _read(place: Path) -> object:
    """The content of a file of JSON; None if there is none."""
    with contextlib.suppress(OSError, ValueError):
        content: object = json.loads(place.read_text(encoding="utf-8"))
        return content
    return None


def _write(place: Path, content: object) -> None:
    """Write a file of JSON as a whole, or not at all if the disk refuses it."""
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                json.dump(content, opened)
            Path(name).replace(place)
        except OSError:
            Path(name).unlink(missing_ok=True)


@lru_cache
def _source() -> str:
    """A digest of this package's source."""
    digest = hashlib.blake2b(digest_size=20)
    root = Path(__file__).parent.parent
    for file in sorted(root.rglob("*.py")):
        digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()

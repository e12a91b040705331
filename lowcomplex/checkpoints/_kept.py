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

from lowcomplex.checkpoints._hub import HubPath
from lowcomplex.checkpoints._tables import CheckpointTable
from lowcomplex.matrices import Skipped


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
    import pandas as pd

    contents = sorted((name, file.content) for name, file in model.model.files.items())
    key = json.dumps([contents, model.name, measured, options, _source(), version("torch")])
    file = _folder() / f"{hashlib.blake2b(key.encode(), digest_size=20).hexdigest()}.json"
    # A file that is damaged or of another kind is measured again.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads(file.read_text(encoding="utf-8"))
        rows = [{**row, "shape": tuple(row["shape"])} for row in content["rows"]]
        skipped = tuple(Skipped(name, tuple(shape), reason) for name, shape, reason in content["skipped"])
        return CheckpointTable(pd.DataFrame(rows), skipped)
    found = compute()
    rows = json.loads(json.dumps(found.table.to_dict("records")))
    skipped_ones = [(item.name, item.shape, item.reason) for item in found.skipped]
    with contextlib.suppress(OSError):
        _write(file, json.dumps({"rows": rows, "skipped": skipped_ones}))
    return found


def _folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lowcomplex" / "tables"


def _write(file: Path, content: str) -> None:
    """Write a file as a whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(content)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


@lru_cache
def _source() -> str:
    """A digest of this package's source."""
    digest = hashlib.blake2b(digest_size=20)
    root = Path(__file__).parent.parent
    for file in sorted(root.rglob("*.py")):
        digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()

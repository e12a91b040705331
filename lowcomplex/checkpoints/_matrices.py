"""Which tensors of a checkpoint are weight matrices, read one at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from lowcomplex.checkpoints._files import entries
from lowcomplex.matrices import Layout, Skipped, WeightMatrix, of_entries


def matrices(
    path: Path | str, *, layout: Mapping[str, Layout] | None = None
) -> Iterator[WeightMatrix | Skipped]:
    """The weight matrices of a checkpoint one at a time, and what is skipped with the reason.

    What is a matrix and how it lies is decided by `lowcomplex.matrices.of_entries` from names, types and
    shapes. Skipped are, among others, biases, masks, integers and quantized tensors with their scales,
    tensors with NaN or infinity, and tensors with the same values as an earlier one, as tied weights have. A
    config.json beside the file tells the model's kind.

    Args:
        path: As for `weights`.
        layout: Layout of the matrices whose name matches a pattern, first match: "linear", "embedding",
            "convolution", "transposed convolution", "input-output", "stacked" or "stacked input-output";
            inferred for the others.

    Yields:
        Each tensor, as a matrix or skipped; one is in memory at a time.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: The file is damaged, of an unknown kind, or would execute code on loading; a pattern
            matches nothing; an unknown layout.
    """
    path = Path(path)
    yield from of_entries(entries(path), layout=layout, model=_model_of(path))


def _model_of(path: Path) -> str | None:
    config = (path if path.is_dir() else path.parent) / "config.json"
    try:
        kind = json.loads(config.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        return None
    return kind if isinstance(kind, str) else None

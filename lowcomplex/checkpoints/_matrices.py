"""Which tensors of a checkpoint are weight matrices, read one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lowcomplex.checkpoints._files import entries
from lowcomplex.checkpoints._hub import HubPath
from lowcomplex.checkpoints._kinds import read_json
from lowcomplex.checkpoints._located import located
from lowcomplex.matrices import Layout, Skipped, WeightMatrix, of_entries

# Bytes of a config.json, which has some 1,000.
_LARGEST_CONFIG = 2**22


def matrices(
    path: Path | str | HubPath,
    *,
    layout: Mapping[str, Layout] | None = None,
    match: Sequence[str] | None = None,
    skip: Sequence[str] | None = None,
) -> Iterator[WeightMatrix | Skipped]:
    """Yield the weight matrices of a checkpoint one at a time, and its other tensors with the reason.

    `lowcomplex.matrices.of_entries` decides what is a matrix and how it is stored, from names, types and
    shapes. Among others, it skips biases, masks, integers, and tensors with NaN or infinity. It also skips
    tensors with the values of an earlier one, as tied weights have. Quantized weights
    of known formats are multiplied out; others are skipped with their scales. The model's kind and how it is
    quantized are read from a config.json beside the file, if there is one.

    Args:
        path: As for `weights`.
        layout: Layout of the matrices whose name matches a pattern, one of `lowcomplex.matrices.LAYOUTS`; the
            first match counts. Inferred for the others.
        match: Shell patterns; only tensors whose name matches one of them are read. All of them if None.
        skip: Shell patterns; tensors whose name matches one of them are not read.

    Yields:
        Each tensor, as a matrix or skipped; one is in memory at a time.

    Raises:
        FileNotFoundError: There is no checkpoint at `path`.
        ValueError: The file is damaged, of an unknown kind, or would execute code on loading; a pattern
            matches nothing; a layout is unknown.
        OSError: The file cannot be read.
    """
    path = located(path)
    model, quantization = _said_of(path)
    found = entries(path)
    yield from of_entries(
        found, layout=layout, model=model, quantization=quantization, match=match, skip=skip
    )


def _said_of(path: Path | HubPath) -> tuple[str | None, dict[str, object] | None]:
    """The model's kind, and how its weights are quantized, from the config beside it."""
    config = (path if path.is_dir() else path.parent) / "config.json"
    try:
        content = read_json(config, _LARGEST_CONFIG)
    except (OSError, ValueError):
        return None, None
    if not isinstance(content, dict):
        return None, None
    kind, quantization = content.get("model_type"), content.get("quantization_config")
    return (
        kind if isinstance(kind, str) else None,
        quantization if isinstance(quantization, dict) else None,
    )

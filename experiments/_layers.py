"""What the matrices of a transformer are called in datasets: "block 1 query", "embedding"."""

from __future__ import annotations

QUERY = "block 1 query"
PARTS = ("query", "key", "value", "attention output", "feedforward in", "feedforward out")
_NAMES = {
    "embedding": "embedding",
    "positions": "positions",
    "output": "output head",
    "attention_output": "attention output",
    "feedforward_in": "feedforward in",
    "feedforward_out": "feedforward out",
}


def label(parameter: str) -> str:
    """Turn "blocks.0.query.weight" into "block 1 query"."""
    *path, name, _ = parameter.split(".")
    words = _NAMES.get(name, name)
    return f"block {int(path[1]) + 1} {words}" if path else words

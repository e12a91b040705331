"""What the matrices of a transformer are called in datasets: "block 1 query", "embedding"."""

from __future__ import annotations

import re

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


_BLOCK = re.compile(r"^block (\d+) (.+)$")


def label(parameter: str) -> str:
    """Turn "blocks.0.query.weight" into "block 1 query"."""
    *path, name, _ = parameter.split(".")
    words = _NAMES.get(name, name)
    return f"block {int(path[1]) + 1} {words}" if path else words


def part_and_block(name: str) -> tuple[str, int]:
    """Split "block 1 query" into "query" and 1; the block is 0 outside the blocks."""
    found = _BLOCK.match(name)
    return (found[2], int(found[1])) if found else (name, 0)

"""What starts of different scale are called in configs, datasets and figures; no torch."""

from __future__ import annotations

from typing import Literal

Start = Literal["small", "large"]
SMALL: Start = "small"
LARGE: Start = "large"
STARTS: tuple[Start, ...] = (SMALL, LARGE)

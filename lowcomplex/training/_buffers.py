"""Buffers of all members of an ensemble, such as running statistics, which forward passes change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


class Buffers:
    """The buffers of networks of one architecture, stacked, as of now and as of the last update.

    Attributes:
        values: Name and (rows, ...) values of each buffer.

    Args:
        members: The networks, one per row; their values are copied.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        rows = [dict(member.named_buffers()) for member in members]
        self.values = {name: torch.stack([row[name].detach() for row in rows]) for name in rows[0]}
        self.settle()

    def settle(self) -> None:
        """Remember the values: what `undo` goes back to."""
        self._settled = {name: value.clone() for name, value in self.values.items()}

    def keep(self, after: Mapping[str, Tensor], rows: Tensor) -> None:
        """Take over what a forward pass left in some rows."""
        for name, value in self.values.items():
            chosen = rows.to(value.device).view(-1, *[1] * (value.ndim - 1))
            value.copy_(torch.where(chosen, after[name], value))

    def undo(self, rows: Tensor) -> None:
        """Put some rows back to where they were at the last update."""
        self.keep(self._settled, rows)

    def write(self, network: nn.Module, row: int) -> None:
        """Give a network the buffers of one row."""
        for name, value in self.values.items():
            network.get_buffer(name).copy_(value[row])

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the values."""
        return {name: value.clone() for name, value in self.values.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over the values of networks of the same architecture.

        Raises:
            ValueError: A buffer is missing, or one has another shape.
        """
        for name, value in self.values.items():
            saved = state.get(name)
            if saved is None or saved.shape != value.shape:
                got = "none" if saved is None else str(tuple(saved.shape))
                raise ValueError(f"state_dict: expected a buffer {name!r} {tuple(value.shape)}, got {got}")
            value.copy_(saved)
        self.settle()

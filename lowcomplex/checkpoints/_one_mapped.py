"""Tensors of mapped files, with a bounded part of one file in memory at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

# Number of bytes of a file's tensors after which it is mapped anew.
_MAPPED_AT_ONCE = 2**26

Opener = Callable[[Path], Callable[[str], Tensor]]


class OneMapped:
    """At most one file mapped at a time, anew once the tensors that were read hold many bytes.

    Pages of earlier tensors stay in memory with the mapping, so that one for all tensors would hold the whole
    file. Mapping reads the names of all tensors, so that one for each tensor would take quadratic time.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._read: Callable[[str], Tensor] | None = None
        self._bytes = 0

    def tensor(self, path: Path, opener: Opener, name: str) -> Tensor:
        """A tensor of a file.

        Args:
            path: The file.
            opener: Maps a file, and returns what reads its tensors by name.
            name: Name of the tensor.

        Returns:
            The tensor.

        Raises:
            ValueError: As the opener raises it.
        """
        if self._read is None or path != self._path or self._bytes > _MAPPED_AT_ONCE:
            # Let go of the earlier mapping before the next one is made.
            self._read = None
            self._path, self._read, self._bytes = path, opener(path), 0
        tensor = self._read(name)
        self._bytes += tensor.numel() * tensor.element_size()
        return tensor

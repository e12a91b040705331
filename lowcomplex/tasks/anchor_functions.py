"""The functions that anchors stand for, and how they compose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from jaxtyping import Int
from torch import Tensor

FunctionSet = Literal["translations", "cyclic", "dihedral"]

FIRST_KEY, LAST_KEY = 20, 99
KEYS = LAST_KEY - FIRST_KEY + 1
OFFSETS = {1: 5, 2: 1, 3: -2, 4: -8}


class AnchorFunction(NamedTuple):
    """A map of keys, x to multiplier · x + shift.

    Attributes:
        multiplier: 1 for a translation, -1 for a reflection.
        shift: In tokens.
        cyclic: Whether it acts on x - 20 modulo the 80 keys, so that its values are keys.
    """

    multiplier: int
    shift: int
    cyclic: bool = False

    def __call__(self, keys: Int[Tensor, "*batch"]) -> Int[Tensor, "*batch"]:
        """The images of keys."""
        return apply(keys, self.multiplier, self.shift, cyclic=self.cyclic)

    def then(self, other: AnchorFunction) -> AnchorFunction:
        """The composition that applies this one first."""
        multiplier = other.multiplier * self.multiplier
        shift = other.multiplier * self.shift + other.shift
        return AnchorFunction(multiplier, shift % KEYS if self.cyclic else shift, self.cyclic)

    def shifted(self, by: int) -> AnchorFunction:
        """This one, followed by a translation."""
        return self.then(AnchorFunction(1, by, self.cyclic))


def apply(
    keys: Int[Tensor, "*batch"],
    multiplier: Int[Tensor, "*batch"] | int,
    shift: Int[Tensor, "*batch"] | int,
    *,
    cyclic: bool,
) -> Int[Tensor, "*batch"]:
    """Map keys by functions given as numbers or, elementwise, as tensors."""
    if not cyclic:
        return keys * multiplier + shift
    return ((keys - FIRST_KEY) * multiplier + shift) % KEYS + FIRST_KEY


# The shifts are Zhang et al.'s. A reflection commutes with no other reflection here, and with no translation,
# at any key: of every two dihedral anchors the order matters.
FUNCTION_SETS: Mapping[FunctionSet, Mapping[int, AnchorFunction]] = {
    "translations": {a: AnchorFunction(1, s) for a, s in OFFSETS.items()},
    "cyclic": {a: AnchorFunction(1, s, True) for a, s in OFFSETS.items()},
    "dihedral": {
        a: AnchorFunction(m, s, True) for a, m, s in ((1, 1, 5), (2, -1, 1), (3, -1, -2), (4, -1, -8))
    },
}

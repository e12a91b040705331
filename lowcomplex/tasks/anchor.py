"""Composite anchor functions: does a network compose rules, or memorize pairs?"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Pair = tuple[int, int]
Keys = Literal["train", "test", "all"]
Rule = Literal["non-inferential", "inferential"]

ANCHORS = (1, 2, 3, 4)
OFFSETS = {1: 5, 2: 1, 3: -2, 4: -8}
ALL_PAIRS: tuple[Pair, ...] = tuple((a, b) for a in ANCHORS for b in ANCHORS)
FIRST_KEY, LAST_KEY = 20, 99
LENGTH = 9
VOCABULARY = 201
NON_INFERENTIAL_PAIR: Pair = (3, 4)
NON_INFERENTIAL_OFFSET = -6


class AnchorBatch(NamedTuple):
    """Sequences of the anchor task.

    Attributes:
        tokens: (n, 9) token ids.
        labels: (n,) the target token at the last position.
        keys: (n,) the key x of each sequence.
    """

    tokens: Tensor
    labels: Tensor
    keys: Tensor


@dataclass(frozen=True)
class AnchorTask:
    """The composite anchor function task (Zhang, Lin, Wang, Zhang, Xu, NeurIPS 2024).

    A sequence holds 9 tokens. Three consecutive ones, starting at a position uniform in 0..6, are
    a key x in 20..99 and two anchors out of {1, 2, 3, 4}; the others are uniform in 20..99. Anchor
    1 adds 5, 2 adds 1, 3 subtracts 2, 4 subtracts 8, and the label is x plus the effects of both
    anchors. Under the rule "non-inferential" the pair (3, 4) is an exception: its label is x - 6
    instead of x - 10. What a network answers on a pair it never saw, by default (4, 3), tells how
    it generalizes: x - 10 composes (inferential), x - 6 mirrors the exception (symmetric).

    Attributes:
        rule: "non-inferential" makes (3, 4) the exception; "inferential" keeps it composite.
        unseen: Pairs that are never trained.
        modulus: A key x at position p is a test key iff x mod modulus == p.
    """

    rule: Rule = "non-inferential"
    unseen: tuple[Pair, ...] = ((4, 3),)
    modulus: int = 9
    length: int = field(default=LENGTH, init=False)
    vocabulary: int = field(default=VOCABULARY, init=False)

    def __post_init__(self) -> None:
        if self.rule not in ("non-inferential", "inferential"):
            raise ValueError(f"rule: expected 'non-inferential' or 'inferential', got {self.rule!r}")
        _check_pairs("unseen", self.unseen, allow_empty=True)
        if self.modulus < 2:
            raise ValueError(f"modulus: expected an integer of at least 2, got {self.modulus}")
        if len(self.seen) == 0:
            raise ValueError("unseen: every pair is unseen; nothing is left to train on")

    @property
    def seen(self) -> tuple[Pair, ...]:
        """The pairs that are trained, in lexicographic order."""
        return tuple(pair for pair in ALL_PAIRS if pair not in self.unseen)

    def offset(self, pair: Pair) -> int:
        """What a pair adds to the key under this task's rule."""
        if self.rule == "non-inferential" and pair == NON_INFERENTIAL_PAIR:
            return NON_INFERENTIAL_OFFSET
        return self.inferential_offset(pair)

    def inferential_offset(self, pair: Pair) -> int:
        """What the composition of both anchors adds to the key."""
        return OFFSETS[pair[0]] + OFFSETS[pair[1]]

    def symmetric_offset(self, pair: Pair) -> int:
        """What the mirrored pair adds to the key under this task's rule."""
        return self.offset((pair[1], pair[0]))

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        pairs: Sequence[Pair] | None = None,
        keys: Keys = "train",
    ) -> AnchorBatch:
        """Draw sequences, uniform over pairs and over the allowed (position, key) combinations.

        Args:
            n: Number of sequences.
            generator: Source of randomness; its device is the device of the result.
            pairs: Pairs to draw from; by default the seen ones.
            keys: "train" (x mod modulus != position), "test" (==), or "all".

        Returns:
            Tokens, labels and keys.

        Raises:
            ValueError: n is not positive, `pairs` is empty or names an unknown pair, or `keys` is
                unknown.
        """
        if n < 1:
            raise ValueError(f"n: expected a positive number of sequences, got {n}")
        pairs = self.seen if pairs is None else tuple(pairs)
        _check_pairs("pairs", pairs)
        device = generator.device
        table = _key_positions(keys, self.modulus, device)
        pair_table = torch.tensor([(a, b, self.offset((a, b))) for a, b in pairs], device=device)
        tokens = torch.randint(FIRST_KEY, LAST_KEY + 1, (n, LENGTH), generator=generator, device=device)
        where = table[torch.randint(len(table), (n,), generator=generator, device=device)]
        what = pair_table[torch.randint(len(pair_table), (n,), generator=generator, device=device)]
        position, key = where.unbind(1)
        triple = torch.stack((key, what[:, 0], what[:, 1]), dim=1)
        columns = position[:, None] + torch.arange(3, device=device)
        tokens.scatter_(1, columns, triple)
        return AnchorBatch(tokens, key + what[:, 2], key)

    def key_grid(self, pair: Pair, position: int, generator: torch.Generator) -> AnchorBatch:
        """One sequence for every key, all on one background: the input of a token map.

        Args:
            pair: The anchor pair.
            position: Where the key stands, 0..6.
            generator: Source of the background.

        Returns:
            80 sequences, ordered by key.
        """
        _check_pairs("pair", (pair,))
        if not 0 <= position <= LENGTH - 3:
            raise ValueError(f"position: expected 0..{LENGTH - 3}, got {position}")
        device = generator.device
        keys = torch.arange(FIRST_KEY, LAST_KEY + 1, device=device)
        background = torch.randint(FIRST_KEY, LAST_KEY + 1, (LENGTH,), generator=generator, device=device)
        tokens = background.repeat(len(keys), 1)
        tokens[:, position] = keys
        tokens[:, position + 1], tokens[:, position + 2] = pair
        return AnchorBatch(tokens, keys + self.offset(pair), keys)


@functools.lru_cache(maxsize=16)
def _key_positions(keys: Keys, modulus: int, device: torch.device) -> Tensor:
    """The allowed (position, key) combinations, kept for the next batch."""
    if keys not in ("train", "test", "all"):
        raise ValueError(f"keys: expected 'train', 'test' or 'all', got {keys!r}")
    allowed = [
        (position, key)
        for position in range(LENGTH - 2)
        for key in range(FIRST_KEY, LAST_KEY + 1)
        if keys == "all" or (key % modulus == position) == (keys == "test")
    ]
    if not allowed:
        raise ValueError(f"keys: no {keys} key exists for modulus {modulus}")
    return torch.tensor(allowed, device=device)


def _check_pairs(argument: str, pairs: Sequence[Pair], *, allow_empty: bool = False) -> None:
    if not pairs and not allow_empty:
        raise ValueError(f"{argument}: expected at least one pair, got none")
    for pair in pairs:
        if tuple(pair) not in ALL_PAIRS:
            raise ValueError(f"{argument}: expected pairs of anchors out of {ANCHORS}, got {pair!r}")

"""Composite anchor functions: does a network compose rules, or memorize pairs?"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from lowcomplex._names import require_known
from lowcomplex.tasks.anchor_functions import (
    FIRST_KEY,
    FUNCTION_SETS,
    LAST_KEY,
    AnchorFunction,
    FunctionSet,
    apply,
)

Pair = tuple[int, int]
Word = tuple[int, ...]
Keys = Literal["train", "test", "all"]
Rule = Literal["non-inferential", "inferential"]
Answer = Literal["rule", "inferential", "symmetric"]

ANCHORS = (1, 2, 3, 4)
ALL_PAIRS: tuple[Pair, ...] = tuple((a, b) for a in ANCHORS for b in ANCHORS)
LENGTH = 9
VOCABULARY = 201
NON_INFERENTIAL_PAIR: Pair = (3, 4)
_EXCEPTION = 4
# Wrong minus composed offset of each group, the same for the pair and its mirror image.
_NOISE: tuple[tuple[Pair, int], ...] = (
    ((1, 2), -2),
    ((1, 3), -2),
    ((1, 4), -2),
    ((2, 3), 6),
    ((2, 4), -2),
    ((3, 4), 4),
)


class AnchorBatch(NamedTuple):
    """Sequences of the anchor task.

    Attributes:
        tokens: Token ids.
        labels: The target token at the last position.
        keys: The key x of each sequence.
        anchors: The anchors that follow the key.
    """

    tokens: Int[Tensor, "n 9"]
    labels: Int[Tensor, " n"]
    keys: Int[Tensor, " n"]
    anchors: Int[Tensor, "n anchors"]


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
        rule: "non-inferential" makes (3, 4) the exception, 4 more than composed; "inferential" keeps it
            composite.
        unseen: Pairs that are never trained.
        modulus: A key x at position p is a test key iff x mod modulus == p.
        functions: What anchors do. "translations" as above; "cyclic", the same modulo the 80 keys; or
            "dihedral", where 1 adds 5 and 2, 3, 4 reflect, u to 1 - u, -2 - u and -8 - u modulo 80 with
            u = x - 20: no two of them commute.
        noise_groups: Number of pairs out of 12, 13, 14, 23, 24, 34, in this order, that have a wrong offset,
            the same for their mirror images: +4, +1, -5, +5, -9, -6 (for translations).
        anchors: Number of anchors after the key. With more than two, a word is unseen if any two neighbors
            in it are an unseen pair, and exceptions add where their pairs stand side by side.
    """

    rule: Rule = "non-inferential"
    unseen: tuple[Pair, ...] = ((4, 3),)
    modulus: int = 9
    functions: FunctionSet = "translations"
    noise_groups: int = 0
    anchors: int = 2
    length: int = field(default=LENGTH, init=False)
    vocabulary: int = field(default=VOCABULARY, init=False)

    def __post_init__(self) -> None:
        if self.rule not in ("non-inferential", "inferential"):
            raise ValueError(f"rule: expected 'non-inferential' or 'inferential', got {self.rule!r}")
        require_known("functions", self.functions, FUNCTION_SETS)
        if self.modulus < 2:
            raise ValueError(f"modulus: expected an integer of at least 2, got {self.modulus}")
        if not 0 <= self.noise_groups <= len(_NOISE):
            raise ValueError(f"noise_groups: expected 0..{len(_NOISE)}, got {self.noise_groups}")
        if not 2 <= self.anchors <= 4:
            raise ValueError(f"anchors: expected 2 to 4 in a sequence, got {self.anchors}")
        object.__setattr__(self, "unseen", tuple((a, b) for a, b in self.unseen))
        _check_words("unseen", self.unseen, 2)
        if len(self.seen) == 0:
            raise ValueError("unseen: every pair is unseen; nothing is left to train on")
        if (
            self.functions == "translations"
            and FIRST_KEY + min(self.function(w).shift for w in self.words) < 0
        ):
            raise ValueError(
                f"anchors: {self.anchors} translations can lead below token 0; expected 2, or functions that "
                "are 'cyclic' or 'dihedral'"
            )

    @property
    def words(self) -> tuple[Word, ...]:
        """All sequences of anchors, in lexicographic order; pairs by default."""
        return tuple(itertools.product(ANCHORS, repeat=self.anchors))

    @property
    def seen(self) -> tuple[Word, ...]:
        """The words that are trained."""
        return tuple(word for word in self.words if not set(itertools.pairwise(word)) & set(self.unseen))

    @property
    def positions(self) -> range:
        """Where the key may stand."""
        return range(LENGTH - self.anchors)

    def function(self, word: Word) -> AnchorFunction:
        """The map from key to label under this task's rule."""
        extra = dict(_noise(self.noise_groups))
        if self.rule == "non-inferential":
            extra[NON_INFERENTIAL_PAIR] = _EXCEPTION
        return self._compose(word, extra)

    def inferential(self, word: Word) -> AnchorFunction:
        """The composition of the word's anchors, first anchor first."""
        return self._compose(word, {})

    def symmetric(self, word: Word) -> AnchorFunction:
        """The rule's map for the word with its first unseen pair mirrored; all of it if it has none."""
        for i, pair in enumerate(itertools.pairwise(word)):
            if pair in self.unseen:
                return self.function((*word[:i], pair[1], pair[0], *word[i + 2 :]))
        return self.function(word[::-1])

    def _compose(self, word: Word, extra: dict[Pair, int]) -> AnchorFunction:
        effects = FUNCTION_SETS[self.functions]
        found = effects[word[0]]
        for pair in itertools.pairwise(word):
            found = found.then(effects[pair[1]]).shifted(extra.get(pair, 0))
        return found

    def answers(
        self, keys: Int[Tensor, " n"], anchors: Int[Tensor, "n anchors"], kind: Answer = "rule"
    ) -> Int[Tensor, " n"]:
        """Labels by the rule, or the answers of composing or mirroring.

        Args:
            keys: The keys.
            anchors: The anchors after each key.
            kind: "rule", "inferential" or "symmetric".

        Returns:
            The answers' tokens.

        Raises:
            ValueError: `kind` is unknown, there is not one word of anchors per key, or an anchor is unknown.
        """
        if anchors.shape != (*keys.shape, self.anchors):
            raise ValueError(
                f"anchors: expected {self.anchors} per key, got {tuple(anchors.shape)} for keys of shape "
                f"{tuple(keys.shape)}"
            )
        if bool(((anchors < ANCHORS[0]) | (anchors > ANCHORS[-1])).any()):
            raise ValueError(f"anchors: expected some of {ANCHORS}, got {torch.unique(anchors).tolist()}")
        of: dict[Answer, Callable[[Word], AnchorFunction]] = {
            "rule": self.function,
            "inferential": self.inferential,
            "symmetric": self.symmetric,
        }
        require_known("kind", kind, of)
        table = torch.tensor([of[kind](word)[:2] for word in self.words], device=keys.device)
        places = len(ANCHORS) ** torch.arange(self.anchors - 1, -1, -1, device=keys.device)
        multiplier, shift = table[((anchors - 1) * places).sum(-1)].unbind(-1)
        return apply(keys, multiplier, shift, cyclic=self.functions != "translations")

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        pairs: Sequence[Word] | None = None,
        keys: Keys = "train",
        positions: Sequence[int] | None = None,
    ) -> AnchorBatch:
        """Draw sequences, uniform over pairs and over the allowed (position, key) combinations.

        Args:
            n: Number of sequences.
            generator: Source of randomness; its device is the device of the result.
            pairs: Pairs (words, if there are more anchors) to draw from; by default the seen ones.
            keys: "train" (x mod modulus != position), "test" (==), or "all".
            positions: Positions of the key to draw from; by default all.

        Returns:
            Tokens, labels, keys and anchors.

        Raises:
            ValueError: n is not positive, `pairs` is empty or names an unknown pair, `keys` is unknown, or
                `positions` is empty or holds an unknown one.
        """
        if n < 1:
            raise ValueError(f"n: expected a positive number of sequences, got {n}")
        words = self.seen if pairs is None else tuple(tuple(word) for word in pairs)
        if not words:
            raise ValueError("pairs: expected at least one pair, got none")
        _check_words("pairs", words, self.anchors)
        places = tuple(self.positions if positions is None else positions)
        if not places or not set(places) <= set(self.positions):
            raise ValueError(f"positions: expected some of 0..{self.positions[-1]}, got {places}")
        device = generator.device
        allowed = _key_positions(keys, self.modulus, places, device)
        tokens = torch.randint(FIRST_KEY, LAST_KEY + 1, (n, LENGTH), generator=generator, device=device)
        where = allowed[torch.randint(len(allowed), (n,), generator=generator, device=device)]
        what = torch.randint(len(words), (n,), generator=generator, device=device)
        functions = torch.tensor([(*word, *self.function(word)[:2]) for word in words], device=device)[what]
        (position, key), anchors = where.unbind(1), functions[:, : self.anchors]
        columns = position[:, None] + torch.arange(1 + self.anchors, device=device)
        tokens.scatter_(1, columns, torch.cat((key[:, None], anchors), dim=1))
        multiplier, shift = functions[:, self.anchors :].unbind(1)
        labels = apply(key, multiplier, shift, cyclic=self.functions != "translations")
        return AnchorBatch(tokens, labels, key, anchors)

    def key_grid(self, pair: Word, position: int, generator: torch.Generator) -> AnchorBatch:
        """One sequence for every key, all on one background: the input of a token map.

        Args:
            pair: The anchor pair, or word.
            position: Where the key stands, 0..6 for pairs.
            generator: Source of the background.

        Returns:
            80 sequences, ordered by key.
        """
        _check_words("pair", (pair,), self.anchors)
        if position not in self.positions:
            raise ValueError(f"position: expected 0..{self.positions[-1]}, got {position}")
        device = generator.device
        keys = torch.arange(FIRST_KEY, LAST_KEY + 1, device=device)
        background = torch.randint(FIRST_KEY, LAST_KEY + 1, (LENGTH,), generator=generator, device=device)
        tokens = background.repeat(len(keys), 1)
        anchors = torch.tensor(pair, device=device).expand(len(keys), -1)
        tokens[:, position] = keys
        tokens[:, position + 1 : position + 1 + self.anchors] = anchors
        return AnchorBatch(tokens, self.function(pair)(keys), keys, anchors)


def _noise(groups: int) -> list[tuple[Pair, int]]:
    """What the pairs of the first noise groups and their mirror images add to the composition."""
    return [item for (a, b), extra in _NOISE[:groups] for item in (((a, b), extra), ((b, a), extra))]


@functools.lru_cache(maxsize=16)
def _key_positions(keys: Keys, modulus: int, positions: tuple[int, ...], device: torch.device) -> Tensor:
    """The allowed (position, key) combinations, kept for the next batch."""
    if keys not in ("train", "test", "all"):
        raise ValueError(f"keys: expected 'train', 'test' or 'all', got {keys!r}")
    allowed = [
        (position, key)
        for position in positions
        for key in range(FIRST_KEY, LAST_KEY + 1)
        if keys == "all" or (key % modulus == position) == (keys == "test")
    ]
    if not allowed:
        raise ValueError(f"keys: no {keys} key exists for modulus {modulus}")
    return torch.tensor(allowed, device=device)


def _check_words(argument: str, words: Sequence[Word], length: int) -> None:
    for word in words:
        if len(word) != length or not set(word) <= set(ANCHORS):
            expected = "pairs" if length == 2 else f"words of {length}"
            raise ValueError(f"{argument}: expected {expected} of anchors out of {ANCHORS}, got {word!r}")

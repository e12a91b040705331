"""A small ontology of invented concepts: chains of properties to follow, stated anew in every question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from lowcomplex.tasks.sequences import IGNORED, PADDING, SequenceBatch, lay_out

Part = Literal["train", "unseen_rules", "longer"]

NAMES = ("brin", "dorf", "elap", "fenk", "gash", "holt", "imby", "jorn", "kesp", "lume", "mank", "nuft")
_ENTITY, _ASK, _TRUE, _FALSE, _SHINY, _DULL, _FIRST = 1, 2, 3, 4, 5, 6, 7
_HELD_OUT_EVERY = 4


class _Draw(NamedTuple):
    """Ontologies: their concepts in the order of the two chains, and how long the first chain is."""

    concepts: Tensor
    hops: Tensor


@dataclass(frozen=True)
class OntologyTask:
    """Is x shiny? Follow "every c is a c'" from concept to concept (after PrOntoQA: Saparov, He, ICLR 2023).

    A question states `rules` rules in random order: a chain c1 → c2 → … → ck → shiny (or dull), and of other
    concepts a chain that ends in the opposite property. Then: x is a c1; is x shiny? The answer is the
    proof, c2 … ck, and true or false. The chain of x has 1..`hops` rules. Of the ordered pairs of concepts
    some (a quarter, if 4 divides their number) are never a trained rule.

    "unseen_rules" asks for chains (of at least two rules) made of such pairs alone; "longer" for chains of
    trained pairs with up to `longer` rules more. All sequences start 0..`longer` tokens late, so that in the
    longer chains no token stands where none was trained.

    Attributes:
        concepts: Number of concepts, at most 12.
        rules: Number of rules in a question.
        hops: Longest chain that is trained.
        longer: By how much the longest chain that is tested is longer.

    Raises:
        ValueError: The chains do not fit into the rules, or the rules into the concepts.

    Example:
        >>> task = OntologyTask()
        >>> batch = task.sample(1, torch.Generator().manual_seed(1))
        >>> ontology_text(batch.tokens[0])  # doctest: +SKIP
        'every imby is a fenk, every …'
    """

    concepts: int = 12
    rules: int = 6
    hops: int = 3
    longer: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.concepts <= len(NAMES):
            raise ValueError(f"concepts: expected between 1 and {len(NAMES)}, got {self.concepts}")
        if self.hops < 2 or self.longer < 1:
            raise ValueError(
                f"hops, longer: expected at least 2 and at least 1, got {self.hops} and {self.longer}"
            )
        if not self.hops + self.longer < self.rules <= self.concepts:
            raise ValueError(
                f"rules: expected more than hops + longer = {self.hops + self.longer} and at most as many as "
                f"there are concepts ({self.concepts}), got {self.rules}"
            )

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""
        return _FIRST + self.concepts

    @property
    def length(self) -> int:
        """Length of the sequences."""
        return 2 * self.rules + 3 + self.hops + self.longer - 1

    def held_out(self) -> Bool[Tensor, "concepts concepts"]:
        """True where "every c is a c'" is never trained."""
        number = torch.arange(self.concepts)
        return (number[:, None] + number) % _HELD_OUT_EVERY == 0

    def sample(self, n: int, generator: torch.Generator, *, part: Part = "train") -> SequenceBatch:
        """Draw questions.

        Args:
            n: Number of questions.
            generator: Source of randomness; its device is the device of the result.
            part: "train", "unseen_rules" or "longer".

        Returns:
            n sequences; the lengths of the chains are uniform over what the part allows.

        Raises:
            ValueError: n is not positive, or `part` is unknown.
        """
        if n < 1:
            raise ValueError(f"n: expected a positive number of sequences, got {n}")
        if part not in get_args(Part):
            raise ValueError(f"part: expected one of {get_args(Part)}, got {part!r}")
        concepts, hops = self._draw(n, generator, part)
        device = generator.device
        place = torch.arange(self.rules, device=device)
        true = torch.randint(2, (n, 1), generator=generator, device=device).bool()
        ends = torch.where(true, _SHINY, _DULL), torch.where(true, _DULL, _SHINY)
        objects = torch.cat((concepts[:, 1:] + _FIRST, ends[1]), 1)
        objects = torch.where(place == hops[:, None] - 1, ends[0], objects)
        told = torch.stack((concepts + _FIRST, objects), 2)
        order = torch.rand(n, self.rules, generator=generator, device=device).argsort(1)
        told = told.gather(1, order[..., None].expand_as(told)).flatten(1)
        asked = concepts.new_tensor([_ENTITY, 0, _ASK]).repeat(n, 1)
        asked[:, 1] = concepts[:, 0] + _FIRST
        step = torch.arange(self.hops + self.longer, device=device)
        proof = concepts[:, 1 : len(step) + 1] + _FIRST
        proof = torch.where(step == hops[:, None] - 1, torch.where(true, _TRUE, _FALSE), proof)
        proof = proof.masked_fill(step >= hops[:, None], IGNORED)
        delay = torch.randint(self.longer + 1, (n, 1), generator=generator, device=device)
        if part == "longer":
            delay = delay.clamp(max=self.hops + self.longer - hops[:, None])
        return _delayed(lay_out(torch.cat((told, asked), 1), proof), delay)

    def _draw(self, n: int, generator: torch.Generator, part: Part) -> _Draw:
        """Draw lengths first and then concepts until the links allow it, so that no length is favored."""
        device = generator.device
        low, high = {
            "train": (1, self.hops),
            "unseen_rules": (2, self.hops),
            "longer": (self.hops + 1, self.hops + self.longer),
        }[part]
        hops = torch.randint(low, high + 1, (n,), generator=generator, device=device)
        concepts = torch.empty(n, self.rules, dtype=torch.long, device=device)
        held_out = self.held_out().to(device)
        place = torch.arange(self.rules - 1, device=device)
        todo = torch.arange(n, device=device)
        while len(todo):
            drawn = torch.rand(len(todo), self.concepts, generator=generator, device=device).argsort(1)
            drawn = drawn[:, : self.rules]
            unseen = held_out[drawn[:, :-1], drawn[:, 1:]]
            asked = hops[todo, None]
            wanted = (place < asked - 1) if part == "unseen_rules" else torch.zeros_like(unseen)
            fits = ((unseen == wanted) | (place == asked - 1)).all(1)
            concepts[todo[fits]] = drawn[fits]
            todo = todo[~fits]
        return _Draw(concepts, hops)


def ontology_text(tokens: Int[Tensor, " length"]) -> str:
    """One sequence in words, without its padding."""
    words = {_ENTITY: "x is a", _ASK: "is x shiny?", _TRUE: "true", _FALSE: "false", _SHINY: "shiny"}
    words |= {_DULL: "dull", **{_FIRST + index: name for index, name in enumerate(NAMES)}}
    return " ".join(words[token] for token in tokens.tolist() if token != PADDING)


def _delayed(batch: SequenceBatch, delay: Tensor) -> SequenceBatch:
    """Move each sequence to the right; what falls off is padding."""
    source = torch.arange(batch.tokens.shape[1], device=delay.device) - delay
    source = source % batch.tokens.shape[1]
    return SequenceBatch(batch.tokens.gather(1, source), batch.labels.gather(1, source))

"""Tasks whose answers are sequences: their layout, their loss, and whether a whole answer is right."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

Part = Literal["train", "test"]

PADDING = 0
IGNORED = -100


class SequenceBatch(NamedTuple):
    """Questions with their answers, laid out for a network that predicts every next token.

    Attributes:
        tokens: The question, then the answer without its last token.
        labels: The next token wherever it belongs to the answer; elsewhere -100, which
            `torch.nn.functional.cross_entropy` ignores.
    """

    tokens: Int[Tensor, "n length"]
    labels: Int[Tensor, "n length"]

    def rows(self, index: Int[Tensor, " rows"] | slice) -> SequenceBatch:
        """Some of the sequences."""
        return SequenceBatch(self.tokens[index], self.labels[index])


def lay_out(questions: Int[Tensor, "n question"], answers: Int[Tensor, "n answer"]) -> SequenceBatch:
    """Put answers behind questions.

    Args:
        questions: Tokens, padded on the left.
        answers: Tokens, filled up with -100 on the right.

    Returns:
        Sequences whose length is that of question and answer less one.

    Raises:
        ValueError: There are not as many answers as questions.

    Example:
        >>> batch = lay_out(torch.tensor([[7, 8]]), torch.tensor([[3, 4, -100]]))
        >>> batch.tokens.tolist(), batch.labels.tolist()
        ([[7, 8, 3, 0]], [[-100, 3, 4, -100]])
    """
    if len(questions) != len(answers):
        raise ValueError(f"answers: expected one per question, {len(questions)}, got {len(answers)}")
    given = answers[:, :-1].masked_fill(answers[:, 1:] == IGNORED, PADDING)
    tokens = torch.cat((questions, given), 1)
    labels = torch.cat((torch.full_like(questions[:, 1:], IGNORED), answers), 1)
    return SequenceBatch(tokens, labels)


def answer_loss(
    logits: Float[Tensor, "n length vocabulary"], labels: Int[Tensor, "n length"]
) -> Float[Tensor, ""]:
    """Mean cross-entropy of the answers' tokens; labels are -100 outside the answers."""
    return functional.cross_entropy(logits.flatten(0, 1), labels.flatten())


def exact_answers(
    logits: Float[Tensor, "n length vocabulary"], labels: Int[Tensor, "n length"]
) -> Bool[Tensor, " n"]:
    """Which answers greedy decoding gives wholly right, from one forward pass.

    Greedy decoding gives the right answer if and only if, behind each part of the right answer, the
    likeliest token is the right one: then each decoded token is right in turn, and at the first where it is
    not, decoding leaves the answer. So the right answers may be given, and nothing need be decoded.

    Args:
        logits: The logits of `SequenceBatch.tokens`.
        labels: The labels, -100 outside the answers.

    Returns:
        True where the whole answer is right.

    Example:
        >>> labels = torch.tensor([[-100, 1, 0], [-100, 1, 1]])
        >>> logits = torch.nn.functional.one_hot(torch.tensor([[0, 1, 0], [1, 1, 0]])).float()
        >>> exact_answers(logits, labels)
        tensor([ True, False])
    """
    return ((logits.argmax(-1) == labels) | (labels == IGNORED)).all(-1)


def divide(
    indices: Int[Tensor, " examples"], n: int, generator: torch.Generator
) -> tuple[Int[Tensor, " n"], Int[Tensor, " rest"]]:
    """Draw n training examples, and return which are left over.

    Args:
        indices: Example ids; an id that is repeated counts as several examples.
        n: How many to draw, without replacement.
        generator: Source of randomness.

    Returns:
        The ids that were drawn; and all ids, each once and in ascending order, of which none was drawn.

    Raises:
        ValueError: n is not between 1 and the number of examples.
    """
    if not 1 <= n <= len(indices):
        raise ValueError(f"n: expected between 1 and {len(indices)} examples, got {n}")
    order = torch.randperm(len(indices), generator=generator, device=generator.device)
    drawn = indices[order[:n]]
    rest = torch.unique(indices)
    return drawn, rest[~torch.isin(rest, drawn)]


def require_indices(indices: Int[Tensor, " n"], count: int) -> None:
    """Refuse indices of examples that are not there.

    Raises:
        ValueError: An index is negative or too large.
    """
    if bool(((indices < 0) | (indices >= count)).any()):
        raise ValueError(
            f"indices: expected 0 to {count - 1}, got {int(indices.min())} to {int(indices.max())}"
        )


class ListedTask(ABC):
    """A task whose examples have indices: some of them to train on, some held out."""

    @property
    @abstractmethod
    def train(self) -> Int[Tensor, " examples"]:
        """Indices of the examples to train on."""

    @property
    @abstractmethod
    def test(self) -> Int[Tensor, " examples"]:
        """Indices of the examples that are held out."""

    @abstractmethod
    def batch(self, indices: Int[Tensor, " n"]) -> SequenceBatch:
        """Examples by their indices."""

    def divide(self, n: int, generator: torch.Generator) -> tuple[Int[Tensor, " n"], Int[Tensor, " rest"]]:
        """Draw n training examples, and return which others of the training part are left over.

        Args:
            n: Number of examples, drawn without replacement.
            generator: Source of randomness.

        Returns:
            The indices of the examples, and those of the training part of which none was drawn.
        """
        return divide(self.train, n, generator)

    def sample(self, n: int, generator: torch.Generator, *, part: Part = "train") -> SequenceBatch:
        """Draw examples with replacement, uniformly.

        Args:
            n: Number of examples.
            generator: Source of randomness; its device is the device of the result.
            part: "train" or "test" (held out).

        Returns:
            n sequences.

        Raises:
            ValueError: n is not positive, or `part` is unknown.
        """
        if part not in get_args(Part):
            raise ValueError(f"part: expected 'train' or 'test', got {part!r}")
        if n < 1:
            raise ValueError(f"n: expected a positive number of sequences, got {n}")
        indices = self.train if part == "train" else self.test
        chosen = torch.randint(len(indices), (n,), generator=generator, device=generator.device)
        return self.batch(indices.to(generator.device)[chosen])

"""SCAN: commands in a small language, and the actions that they mean."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Int
from torch import Tensor

from lowcomplex.tasks.sequences import IGNORED, PADDING, ListedTask, SequenceBatch, lay_out, require_indices

Split = Literal["length", "addprim_jump", "addprim_turn_left", "around_right"]

VERBS = {"walk": "WALK", "look": "LOOK", "run": "RUN", "jump": "JUMP"}
TURNS = {"left": "LTURN", "right": "RTURN"}
REPEATS = {"twice": 2, "thrice": 3}
WORDS = (*VERBS, "turn", *TURNS, "opposite", "around", *REPEATS, "and", "after")
ACTIONS = (*VERBS.values(), *TURNS.values())
MOST_WORDS, MOST_ACTIONS = 9, 48
LONGEST_TRAINED = 22

_ANSWER, _END = 1, 2
_TOKENS = {name: token for token, name in enumerate((*WORDS, *ACTIONS), start=3)}
# A lone primitive is a tenth of the training list: one copy of it per so many other examples.
_OTHERS_PER_PRIMITIVE = 9


@functools.lru_cache(maxsize=1)
def scan_commands() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """All 20,910 commands of SCAN with their actions (Lake, Baroni, ICML 2018).

    Returns:
        (command, actions) in a fixed order, the command's words separated by spaces.

    Example:
        >>> dict(scan_commands())["jump left and walk twice"]
        ('LTURN', 'JUMP', 'WALK', 'WALK')
    """
    phrases: dict[str, tuple[str, ...]] = {}
    for verb, action in (*VERBS.items(), ("turn", None)):
        acts: tuple[str, ...] = () if action is None else (action,)
        if acts:
            phrases[verb] = acts
        for side, turn in TURNS.items():
            phrases[f"{verb} {side}"] = (turn, *acts)
            phrases[f"{verb} opposite {side}"] = (turn, turn, *acts)
            phrases[f"{verb} around {side}"] = (turn, *acts) * 4
    sentences = dict(phrases)
    for phrase, acts in phrases.items():
        sentences |= {f"{phrase} {word}": acts * times for word, times in REPEATS.items()}
    commands = list(sentences.items())
    for first, first_acts in sentences.items():
        for second, second_acts in sentences.items():
            commands.append((f"{first} and {second}", first_acts + second_acts))
            commands.append((f"{first} after {second}", second_acts + first_acts))
    return tuple(commands)


@dataclass(frozen=True)
class ScanTask(ListedTask):
    """SCAN with one of its splits: does a network compose words that it knows in ways that it never saw?

    "length" trains on answers of at most 22 actions and tests on longer ones. "addprim_jump" and
    "addprim_turn_left" train on one primitive alone, which makes up a tenth of the training examples, and
    test on all commands that hold it. "around_right" trains without "around right", leaves "turn around
    right" out, and tests on the rest.

    A question is the command, padded on the left to 9 words, and a token that asks for the answer; the
    answer is the actions and a token that ends them.

    Attributes:
        split: The split.
        most_actions: Commands with longer answers are left out, of training and test.

    Raises:
        ValueError: An unknown split, or nothing is left to test on.

    Example:
        >>> task = ScanTask("addprim_turn_left")
        >>> len(task.train), len(task.test)
        (21890, 1208)
        >>> task.sample(8, torch.Generator(), part="test").tokens.shape
        torch.Size([8, 58])
    """

    split: Split = "addprim_turn_left"
    most_actions: int = MOST_ACTIONS
    vocabulary = 3 + len(WORDS) + len(ACTIONS)

    def __post_init__(self) -> None:
        if self.split not in get_args(Split):
            raise ValueError(f"split: expected one of {get_args(Split)}, got {self.split!r}")
        if not len(self.test):
            raise ValueError(f"most_actions: no test command of {self.split} is left at {self.most_actions}")

    @property
    def length(self) -> int:
        """Length of the sequences."""
        return MOST_WORDS + 1 + min(self.most_actions, MOST_ACTIONS)

    @property
    def train(self) -> Int[Tensor, " examples"]:
        """Indices into `scan_commands` of the training examples, a lone primitive many times."""
        return _split(self.split, self.most_actions)[0]

    @property
    def test(self) -> Int[Tensor, " examples"]:
        """Indices into `scan_commands` of the test commands."""
        return _split(self.split, self.most_actions)[1]

    def batch(self, indices: Int[Tensor, " n"]) -> SequenceBatch:
        """Commands by their indices.

        Args:
            indices: Indices into `scan_commands`.

        Returns:
            n sequences.

        Raises:
            ValueError: An index is not that of a command, or an answer is longer than `most_actions`.
        """
        require_indices(indices, len(scan_commands()))
        questions, answers = (table.to(indices.device) for table in _tables())
        kept = min(self.most_actions, MOST_ACTIONS) + 1
        chosen = answers[indices]
        if bool((chosen[:, kept:] != IGNORED).any()):
            raise ValueError(f"indices: expected commands of at most {self.most_actions} actions")
        return lay_out(questions[indices], chosen[:, :kept])


def scan_text(tokens: Int[Tensor, " length"]) -> str:
    """The words and actions of one sequence, without padding and marks."""
    names = {token: name for name, token in _TOKENS.items()}
    return " ".join(names[token] for token in tokens.tolist() if token in names)


@functools.lru_cache(maxsize=1)
def _tables() -> tuple[Tensor, Tensor]:
    """Questions (commands, 10) and answers (commands, 49) of all commands."""
    questions, answers = [], []
    for command, actions in scan_commands():
        words = [_TOKENS[word] for word in command.split()]
        acts = [_TOKENS[action] for action in actions]
        questions.append([PADDING] * (MOST_WORDS - len(words)) + [*words, _ANSWER])
        answers.append([*acts, _END] + [IGNORED] * (MOST_ACTIONS - len(acts)))
    return torch.tensor(questions), torch.tensor(answers)


@functools.lru_cache(maxsize=16)
def _split(split: Split, most_actions: int) -> tuple[Tensor, Tensor]:
    commands = [
        (index, f" {command} ", len(actions))
        for index, (command, actions) in enumerate(scan_commands())
        if len(actions) <= most_actions
    ]
    if split == "length":
        train = [index for index, _, length in commands if length <= LONGEST_TRAINED]
        test = [index for index, _, length in commands if length > LONGEST_TRAINED]
    elif split == "around_right":
        train = [index for index, command, _ in commands if " around right " not in command]
        held_out = [(i, c) for i, c, _ in commands if " around right " in c]
        test = [index for index, command in held_out if " turn around right " not in command]
    else:
        primitive = f" {split.removeprefix('addprim_').replace('_', ' ')} "
        train = [index for index, command, _ in commands if primitive not in command]
        (alone,) = (index for index, command, _ in commands if command == primitive)
        test = [index for index, command, _ in commands if primitive in command and index != alone]
        train += [alone] * round(len(train) / _OTHERS_PER_PRIMITIVE)
    return torch.tensor(train, dtype=torch.long), torch.tensor(test, dtype=torch.long)

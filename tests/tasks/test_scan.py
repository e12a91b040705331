from __future__ import annotations

import re
from collections import Counter

import pytest
import torch

from lowcomplex.tasks import ScanTask, scan_commands, scan_text
from lowcomplex.tasks.scan import Split

TURN = {"left": "LTURN", "right": "RTURN"}


def _interpret(command: str) -> list[str]:
    """What a command means, read from its words; the grammar's rules the other way round."""
    if " and " in command:
        first, second = command.split(" and ")
        return _interpret(first) + _interpret(second)
    if " after " in command:
        first, second = command.split(" after ")
        return _interpret(second) + _interpret(first)
    if match := re.fullmatch("(.+) (twice|thrice)", command):
        return _interpret(match[1]) * {"twice": 2, "thrice": 3}[match[2]]
    verb, *manner = command.split()
    acts = [] if verb == "turn" else [verb.upper()]
    if not manner:
        return acts
    turn = TURN[manner[-1]]
    if manner[0] == "around":
        return [turn, *acts] * 4
    return [turn] * len(manner) + acts


def test_commands_mean_what_their_words_say() -> None:
    commands = dict(scan_commands())
    assert len(commands) == len(scan_commands()) == 20_910
    assert all(list(actions) == _interpret(command) for command, actions in commands.items())
    lengths = {len(actions) for actions in commands.values()}
    assert (min(lengths), max(lengths)) == (1, 48)
    assert len({word for command in commands for word in command.split()}) == 13
    assert len({action for actions in commands.values() for action in actions}) == 6


@pytest.mark.parametrize(
    ("command", "actions"),
    [
        ("jump", "JUMP"),
        ("jump left", "LTURN JUMP"),
        ("jump around right", "RTURN JUMP RTURN JUMP RTURN JUMP RTURN JUMP"),
        ("turn left twice", "LTURN LTURN"),
        ("jump opposite left and walk thrice", "LTURN LTURN JUMP WALK WALK WALK"),
        (
            "jump opposite left after walk around left",
            "LTURN WALK LTURN WALK LTURN WALK LTURN WALK LTURN LTURN JUMP",
        ),
        ("run left twice after turn left twice", "LTURN LTURN LTURN RUN LTURN RUN"),
    ],
)
def test_examples_of_the_papers(command: str, actions: str) -> None:
    assert " ".join(dict(scan_commands())[command]) == actions


@pytest.mark.parametrize(
    ("split", "train", "distinct", "test"),
    [
        ("length", 16_990, 16_990, 3_920),
        ("addprim_jump", 13_203 + 1_467, 13_204, 7_706),
        ("addprim_turn_left", 19_701 + 2_189, 19_702, 1_208),
        ("around_right", 15_225, 15_225, 4_476),
    ],
)
def test_splits_have_the_published_sizes(split: Split, train: int, distinct: int, test: int) -> None:
    task = ScanTask(split)
    assert (len(task.train), len(set(task.train.tolist())), len(task.test)) == (train, distinct, test)
    assert set(task.train.tolist()).isdisjoint(task.test.tolist())


def test_splits_hold_out_what_they_say() -> None:
    commands = [command for command, _ in scan_commands()]

    def parts(split: Split) -> tuple[Counter[str], set[str]]:
        task = ScanTask(split)
        return Counter(commands[i] for i in task.train.tolist()), {commands[i] for i in task.test.tolist()}

    train, test = parts("addprim_jump")
    assert train.pop("jump") == 1_467
    assert not any("jump" in command for command in train)
    assert all("jump" in command for command in test)
    train, test = parts("addprim_turn_left")
    assert train.pop("turn left") == 2_189
    assert not any("turn left" in command for command in train)
    assert all("turn left" in command for command in test)
    train, test = parts("around_right")
    assert not any("around right" in command for command in train)
    assert all("around right" in command and "turn around right" not in command for command in test)
    train, test = parts("length")
    assert max(len(_interpret(command)) for command in train) == 22
    assert min(len(_interpret(command)) for command in test) == 24


def test_sequences_say_command_and_actions() -> None:
    task = ScanTask()
    indices = torch.arange(0, 20_910, 211)
    batch = task.batch(indices)
    for index, tokens, labels in zip(indices.tolist(), batch.tokens, batch.labels, strict=True):
        command, actions = scan_commands()[index]
        # The last action is a label alone unless the answer is the longest: the end follows it.
        assert scan_text(tokens[:10]) == command
        assert scan_text(labels) == " ".join(actions)
    assert ScanTask(most_actions=8).sample(50, torch.Generator()).tokens.shape == (50, 18)


def test_short_commands_keep_a_tenth_of_primitives() -> None:
    task = ScanTask("addprim_turn_left", most_actions=8)
    names = [scan_commands()[i] for i in task.train.tolist()]
    assert max(len(actions) for _, actions in names) == 8
    share = sum(command == "turn left" for command, _ in names) / len(names)
    assert share == pytest.approx(0.1, abs=1e-3)
    chosen, rest = task.divide(100, torch.Generator())
    assert set(chosen.tolist()).isdisjoint(rest.tolist())


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="split: expected one of"):
        ScanTask("turn_left")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="most_actions"):
        ScanTask("length", most_actions=20)
    with pytest.raises(ValueError, match="at most 8 actions"):
        ScanTask(most_actions=8).batch(ScanTask().test)

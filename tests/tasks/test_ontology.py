from __future__ import annotations

from collections import Counter

import pytest
import torch

from lowcomplex.tasks import OntologyTask, ontology_text
from lowcomplex.tasks.ontology import NAMES, Part

TRAINED = {"train": {1, 2, 3}, "unseen_rules": {2, 3}, "longer": {4, 5}}


def _read(task: OntologyTask, part: Part, n: int = 600) -> list[tuple[list[tuple[str, str]], str, list[str]]]:
    """Rules, first concept and answer of each sequence, from its words."""
    batch = task.sample(n, torch.Generator().manual_seed(3), part=part)
    examples = []
    for tokens, labels in zip(batch.tokens, batch.labels, strict=True):
        words = ontology_text(tokens[: int((labels != -100).int().argmax()) + 1])
        told, asked = words.split(" x is a ")
        told_words = told.split()
        rules = list(zip(told_words[::2], told_words[1::2], strict=True))
        answer = ontology_text(labels[labels != -100]).split()
        examples.append((rules, asked.removesuffix(" is x shiny?"), answer))
    return examples


@pytest.mark.parametrize("part", ["train", "unseen_rules", "longer"])
def test_answers_follow_from_the_rules(part: Part) -> None:
    task = OntologyTask()
    held_out = task.held_out()
    lengths: Counter[int] = Counter()
    verdicts: Counter[str] = Counter()
    for rules, concept, answer in _read(task, part):
        follows = dict(rules)
        assert len(follows) == len(rules) == 6
        proof = []
        while follows[concept] not in ("shiny", "dull"):
            proof.append((concept, follows[concept]))
            concept = follows[concept]
        assert answer == [c for _, c in proof] + ["true" if follows[concept] == "shiny" else "false"]
        lengths[len(answer)] += 1
        verdicts[answer[-1]] += 1
        # The other chain ends in the other property: the property that is told decides nothing.
        assert sorted(e for e in follows.values() if e in ("shiny", "dull")) == ["dull", "shiny"]
        for link in rules:
            if link[1] not in ("shiny", "dull"):
                unseen = bool(held_out[NAMES.index(link[0]), NAMES.index(link[1])])
                assert unseen == (part == "unseen_rules" and link in proof)
    assert set(lengths) == TRAINED[part]
    expected = 600 / len(lengths)
    assert all(abs(count - expected) < 6 * expected**0.5 for count in lengths.values())
    assert all(abs(count - 300) < 6 * 150**0.5 for count in verdicts.values())


def test_a_quarter_of_the_rules_is_held_out() -> None:
    held_out = OntologyTask().held_out()
    assert held_out.float().mean() == 0.25
    assert (held_out.sum(1) == 3).all()
    assert (held_out.sum(0) == 3).all()


def test_longer_chains_answer_where_trained_ones_do() -> None:
    task = OntologyTask()

    def places(part: Part) -> set[int]:
        labels = task.sample(800, torch.Generator().manual_seed(0), part=part).labels
        return set((labels != -100).nonzero()[:, 1].tolist())

    assert places("longer") <= places("train")


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="rules: expected more than hops"):
        OntologyTask(rules=5)
    with pytest.raises(ValueError, match="concepts: expected"):
        OntologyTask(concepts=13)
    with pytest.raises(ValueError, match="hops, longer"):
        OntologyTask(hops=1)

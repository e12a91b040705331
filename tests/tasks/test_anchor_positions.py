from collections.abc import Callable

import pytest
import torch

from lowcomplex.tasks import AnchorTask, PositionAnswers, PositionProbe, order_phase
from lowcomplex.tasks.anchor import ALL_PAIRS

Answer = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
EFFECT = torch.tensor([0, 5, 1, -2, -8])
UNSEEN = ALL_PAIRS.index((4, 3))


def _ask(answer: Answer, task: AnchorTask | None = None) -> PositionAnswers:
    """Answers of a network that reads key, anchors and position off the tokens and answers by a rule."""

    def logits(tokens: torch.Tensor) -> torch.Tensor:
        first = (tokens < 20).int().argmax(dim=1)
        rows = torch.arange(len(tokens))
        given = answer(tokens[rows, first - 1], tokens[rows, first], tokens[rows, first + 1], first - 1)
        return 50.0 * torch.nn.functional.one_hot(given, 201).float()

    return PositionProbe(task or AnchorTask(), torch.Generator().manual_seed(0), samples=200)(logits)


def _composing(key: torch.Tensor, a: torch.Tensor, b: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    exception = 4 * ((a == 3) & (b == 4))
    return key + EFFECT[a] + EFFECT[b] + exception


def _memorizing(key: torch.Tensor, a: torch.Tensor, b: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    exception = 4 * (((a == 3) & (b == 4)) | ((a == 4) & (b == 3)))
    return key + EFFECT[a] + EFFECT[b] + exception


def _order_blind(key: torch.Tensor, a: torch.Tensor, b: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    seen = _composing(key, a, b, position)
    return torch.where(position == 6, seen, _memorizing(key, a, b, position))


def _neither(key: torch.Tensor, a: torch.Tensor, b: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    return _composing(key, a, b, position) + 9 * ((a == 4) & (b == 3))


def _unlearned(key: torch.Tensor, a: torch.Tensor, b: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    return key


@pytest.mark.parametrize(
    ("answer", "phase", "gap"),
    [
        (_composing, "composing", 0.0),
        (_order_blind, "order-blind", 1.0),
        (_memorizing, "memorizing", 0.0),
        (_neither, "neither", 0.0),
        (_unlearned, "not converged", 0.0),
    ],
)
def test_planted_answers_have_their_phase(answer: Answer, phase: str, gap: float) -> None:
    found = _ask(answer)
    assert found.phase == phase
    assert found.order_gap == gap


def test_answers_are_told_apart_by_pair_and_position() -> None:
    found = _ask(_order_blind)
    assert torch.equal(found.composed[UNSEEN], torch.tensor([0.0] * 6 + [1.0], dtype=torch.float64))
    assert torch.equal(found.mirrored[UNSEEN], torch.tensor([1.0] * 6 + [0.0], dtype=torch.float64))
    assert found.offset[UNSEEN].tolist() == [-6] * 6 + [-10]
    assert found.offset[ALL_PAIRS.index((1, 2))].tolist() == [6] * 7
    assert (found.offset_share == 1).all()
    others = [index for index in range(16) if index != UNSEEN]
    assert (found.ruled[others] == 1).all()


def test_swap_invariance_is_of_the_pairs_whose_answers_differ() -> None:
    found = _ask(_order_blind).swap_invariance
    assert torch.allclose(found[:5], torch.ones(5, 7, dtype=torch.float64))
    assert torch.allclose(found[5], torch.tensor([1.0] * 6 + [0.0], dtype=torch.float64), atol=1e-12)
    uniform = PositionProbe(AnchorTask(), torch.Generator().manual_seed(0), samples=10)
    assert (uniform(lambda tokens: torch.zeros(len(tokens), 201)).swap_invariance == 1).all()


def test_half_of_the_answers_swapped_is_half_invariant() -> None:
    def logits(tokens: torch.Tensor) -> torch.Tensor:
        rising = ((tokens < 20).long() * torch.arange(1, 10) * tokens).sum(1) % 2
        certain = torch.nn.functional.one_hot(rising, 201).float() * 50
        return torch.where((tokens[:, :1] >= 60), certain, torch.zeros(1))

    probe = PositionProbe(AnchorTask(), torch.Generator().manual_seed(0), samples=10)
    found = probe(logits)
    swapped = probe.every.tokens.view(16, 7, 80, 9)
    first, second = logits(swapped[1].flatten(0, 1)).softmax(-1), logits(swapped[4].flatten(0, 1)).softmax(-1)
    expected = 1 - (first - second).abs().sum(-1).view(7, 80).mean(1) / 2
    assert torch.allclose(found.swap_invariance[0], expected.double(), atol=1e-6)


def test_the_two_orders_differ_in_their_anchors_alone() -> None:
    every = PositionProbe(AnchorTask(), torch.Generator().manual_seed(0), samples=10).every
    tokens = every.tokens.view(16, 7, 80, 9)
    one, other = tokens[ALL_PAIRS.index((3, 4))], tokens[UNSEEN]
    for position in range(7):
        anchors = slice(position + 1, position + 3)
        assert torch.equal(one[position, :, anchors], other[position, :, anchors].flip(-1))
        assert torch.equal(one[position, :, : position + 1], other[position, :, : position + 1])
        assert torch.equal(one[position, :, position + 3 :], other[position, :, position + 3 :])
        assert torch.equal(one[position, :, position], torch.arange(20, 100))


def test_a_probe_may_judge_convergence_by_some_positions() -> None:
    probe = PositionProbe(AnchorTask(), torch.Generator().manual_seed(0), samples=500, positions=range(6))
    assert (probe.train.tokens[:, 8] >= 20).all()
    assert set(AnchorTask().sample(200, torch.Generator(), positions=[6]).tokens[:, 8].tolist()) <= {
        1,
        2,
        3,
        4,
    }


def test_refusals() -> None:
    three = AnchorTask(anchors=3, functions="cyclic")
    with pytest.raises(ValueError, match="expected two anchors in a sequence, got 3"):
        PositionProbe(three, torch.Generator())
    with pytest.raises(ValueError, match=r"positions: expected some of 0..6, got \(7,\)"):
        AnchorTask().sample(1, torch.Generator(), positions=[7])
    with pytest.raises(ValueError, match=r"positions: expected some of 0\.\.6"):
        AnchorTask().sample(1, torch.Generator(), positions=[])
    with pytest.raises(ValueError, match="expected shares at the same two or more positions"):
        order_phase(1.0, torch.ones(3), torch.ones(2))


@pytest.mark.parametrize(
    ("composed", "mirrored", "phase"),
    [
        ([0.6, 0.6, 0.0], [0.4, 0.4, 1.0], "composing"),
        ([0.4, 0.4, 0.6], [0.6, 0.6, 0.4], "order-blind"),
        ([0.4, 0.4, 0.4], [0.6, 0.6, 0.6], "memorizing"),
        ([0.4, 0.4, 0.5], [0.6, 0.6, 0.5], "neither"),
        ([0.5, 0.5, 1.0], [0.5, 0.5, 0.0], "neither"),
    ],
)
def test_the_rule_asks_for_majorities(composed: list[float], mirrored: list[float], phase: str) -> None:
    assert order_phase(0.9, torch.tensor(composed), torch.tensor(mirrored)) == phase
    assert order_phase(0.89, torch.tensor(composed), torch.tensor(mirrored)) == "not converged"

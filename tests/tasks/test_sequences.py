from __future__ import annotations

import pytest
import torch

from lowcomplex.networks import Transformer
from lowcomplex.tasks import AdditionTask, OntologyTask, ScanTask, SequenceBatch, answer_loss, exact_answers
from lowcomplex.tasks.sequences import IGNORED, divide, lay_out

TASKS = (AdditionTask(), OntologyTask(), ScanTask(most_actions=8))


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _decoded_exactly(model: torch.nn.Module, tokens: torch.Tensor, labels: torch.Tensor) -> bool:
    """Greedy decoding of one sequence, token by token, each decoded token given back to the network."""
    asked = (labels != IGNORED).nonzero().flatten().tolist()
    known = tokens[: asked[0] + 1].tolist()
    for _ in asked:
        known.append(int(model(torch.tensor([known]))[0, -1].argmax()))
    return known[asked[0] + 1 :] == labels[asked].tolist()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
def test_one_forward_pass_says_what_greedy_decoding_gets_right(task: ScanTask) -> None:
    torch.manual_seed(0)
    batch = task.sample(16, _generator())
    model = Transformer(task.vocabulary, task.length, 32, 1, 32, 64, 2)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    # Trained until some answers are right and some are not.
    for _ in range(150):
        logits = model(batch.tokens)
        exact = exact_answers(logits, batch.labels)
        if 4 <= int(exact.sum()) <= 12:
            break
        optimizer.zero_grad()
        answer_loss(logits, batch.labels).backward()
        optimizer.step()
    assert 4 <= int(exact.sum()) <= 12
    with torch.no_grad():
        decoded = [_decoded_exactly(model, t, y) for t, y in zip(batch.tokens, batch.labels, strict=True)]
    assert exact.tolist() == decoded


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
def test_sequences_fit_the_network_and_repeat(task: ScanTask) -> None:
    batch = task.sample(300, _generator(1))
    assert batch.tokens.shape == batch.labels.shape == (300, task.length)
    assert int(batch.tokens.min()) >= 0
    assert max(int(batch.tokens.max()), int(batch.labels.max())) == task.vocabulary - 1
    # A label is the next token, wherever a next token is given.
    given = (batch.labels[:, :-1] != IGNORED) & (batch.labels[:, 1:] != IGNORED)
    assert torch.equal(batch.tokens[:, 1:][given], batch.labels[:, :-1][given])
    again = task.sample(300, _generator(1))
    assert torch.equal(batch.tokens, again.tokens)
    with pytest.raises(ValueError, match="n: expected"):
        task.sample(0, _generator())
    with pytest.raises(ValueError, match="part"):
        task.sample(3, _generator(), part="training")  # type: ignore[arg-type]


def test_loss_counts_the_answers_alone() -> None:
    batch = lay_out(torch.tensor([[5, 6]]), torch.tensor([[1, 2, IGNORED]]))
    logits = torch.randn(1, 4, 7, generator=_generator(), dtype=torch.float64)
    expected = -(logits[0, 1].log_softmax(-1)[1] + logits[0, 2].log_softmax(-1)[2]) / 2
    assert float(answer_loss(logits, batch.labels)) == pytest.approx(float(expected))
    assert torch.equal(batch.rows(slice(0, 1)).tokens, SequenceBatch(*batch).tokens)


def test_dividing_leaves_what_was_not_drawn() -> None:
    indices = torch.tensor([4, 7, 7, 7, 9, 11])
    drawn, rest = divide(indices, 3, _generator())
    assert len(drawn) == 3
    assert set(drawn.tolist()).isdisjoint(rest.tolist())
    assert set(drawn.tolist()) | set(rest.tolist()) == {4, 7, 9, 11}
    everything, nothing = divide(indices, 6, _generator())
    assert sorted(everything.tolist()) == indices.tolist()
    assert not len(nothing)
    with pytest.raises(ValueError, match="between 1 and 6"):
        divide(indices, 7, _generator())

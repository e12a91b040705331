import pytest
import torch

from lowcomplex.tasks import AnchorProbe, AnchorTask, phase
from lowcomplex.tasks.anchor import ALL_PAIRS

EFFECT = {1: 5, 2: 1, 3: -2, 4: -8}


def _read(tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Find key, anchors and position by looking at the tokens alone: only anchors are below 20."""
    first = (tokens < 20).int().argmax(dim=1)
    rows = torch.arange(len(tokens))
    return tokens[rows, first - 1], tokens[rows, first], tokens[rows, first + 1], first - 1


def _sample(task: AnchorTask, n: int = 4000, seed: int = 0, **kwargs: object):
    return task.sample(n, torch.Generator().manual_seed(seed), **kwargs)  # type: ignore[arg-type]


def test_labels_compose_but_for_the_exception() -> None:
    batch = _sample(AnchorTask())
    key, a, b, position = _read(batch.tokens)
    expected = [
        x - 6 if (i, j) == (3, 4) else x + EFFECT[i] + EFFECT[j]
        for x, i, j in zip(key.tolist(), a.tolist(), b.tolist(), strict=True)
    ]
    assert batch.labels.tolist() == expected
    assert torch.equal(batch.keys, key)
    assert set(position.tolist()) == set(range(7))
    assert ((batch.tokens < 20).sum(1) == 2).all()


def test_pairs_and_keys_are_held_out() -> None:
    task = AnchorTask()
    batch = _sample(task)
    key, a, b, position = _read(batch.tokens)
    seen = set(zip(a.tolist(), b.tolist(), strict=True))
    assert seen == set(ALL_PAIRS) - {(4, 3)}
    assert (key % 9 != position).all()
    key, _, _, position = _read(_sample(task, keys="test").tokens)
    assert (key % 9 == position).all()


def test_draws_are_uniform_over_keys_and_pairs() -> None:
    batch = _sample(AnchorTask(), n=60_000, pairs=ALL_PAIRS, keys="all")
    key, a, b, _ = _read(batch.tokens)
    for counts, cells in (
        (torch.bincount(key - 20, minlength=80), 80),
        (torch.bincount(4 * (a - 1) + b - 1, minlength=16), 16),
    ):
        expected = 60_000 / cells
        chi_square = float(((counts - expected) ** 2 / expected).sum())
        # Mean cells - 1, standard deviation sqrt(2 (cells - 1)); 6 of them are never exceeded.
        assert chi_square < cells - 1 + 6 * (2 * (cells - 1)) ** 0.5


def test_same_seed_same_sequences() -> None:
    task = AnchorTask()
    assert torch.equal(_sample(task, seed=3).tokens, _sample(task, seed=3).tokens)
    assert not torch.equal(_sample(task, seed=3).tokens, _sample(task, seed=4).tokens)


def test_pairs_may_come_as_lists() -> None:
    expected = _sample(AnchorTask(), pairs=[(4, 3)], keys="test")
    found = _sample(AnchorTask(unseen=[(4, 3)]), pairs=[[4, 3]], keys="test")  # type: ignore[arg-type]
    assert torch.equal(found.tokens, expected.tokens)


def test_inferential_rule_has_no_exception() -> None:
    batch = _sample(AnchorTask(rule="inferential"), pairs=[(3, 4)])
    assert (batch.labels - batch.keys == -10).all()


def test_key_grid_varies_the_key_alone() -> None:
    batch = AnchorTask().key_grid((3, 4), 2, torch.Generator().manual_seed(0))
    assert batch.keys.tolist() == list(range(20, 100))
    assert (batch.labels - batch.keys == -6).all()
    assert (batch.tokens[:, 3] == 3).all()
    assert (batch.tokens[:, 4] == 4).all()
    others = batch.tokens[:, [0, 1, 5, 6, 7, 8]]
    assert (others == others[0]).all()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"rule": "odd"}, "rule"),
        ({"unseen": ((5, 1),)}, "unseen"),
        ({"unseen": ALL_PAIRS}, "unseen"),
        ({"modulus": 1}, "modulus"),
        ({"functions": "cyclc"}, "did you mean 'cyclic'"),
        ({"noise_groups": 7}, "noise_groups"),
        ({"anchors": 5}, "anchors"),
        ({"anchors": 3}, "anchors: 3 translations"),
    ],
)
def test_bad_task(kwargs: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AnchorTask(**kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [({"n": 0}, "n:"), ({"pairs": []}, "pairs"), ({"keys": "some"}, "keys")],
)
def test_bad_sample(kwargs: dict[str, object], message: str) -> None:
    arguments = {"n": 4} | kwargs
    with pytest.raises(ValueError, match=message):
        _sample(AnchorTask(), **arguments)  # type: ignore[arg-type]


def _oracle(symmetric: bool):
    def logits(tokens: torch.Tensor) -> torch.Tensor:
        key, a, b, _ = _read(tokens)
        effect = torch.tensor([0, 5, 1, -2, -8])
        answer = key + effect[a] + effect[b]
        exception = (a == 3) & (b == 4)
        if symmetric:
            exception |= (a == 4) & (b == 3)
        answer = torch.where(exception, key - 6, answer)
        return torch.nn.functional.one_hot(answer, 201).float()

    return logits


@pytest.mark.parametrize("kind", ["inferential", "symmetric"])
def test_probe_recognizes_planted_solutions(kind: str) -> None:
    probe = AnchorProbe(AnchorTask(), torch.Generator().manual_seed(0))
    answers = probe(_oracle(symmetric=kind == "symmetric"))
    assert answers.phase == kind
    assert answers.seen_train_keys == answers.seen_test_keys == 1.0
    offset = -10 if kind == "inferential" else -6
    assert float(answers.deviation_share[answers.offsets == offset]) == 1.0


def test_probe_of_an_ignorant_network() -> None:
    probe = AnchorProbe(AnchorTask(), torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    answers = probe(lambda tokens: torch.randn(len(tokens), 201, generator=generator))
    assert answers.phase == "not converged"
    assert answers.inferential < 0.03


def test_probe_refuses_a_trained_pair() -> None:
    with pytest.raises(ValueError, match="unseen"):
        AnchorProbe(AnchorTask(), torch.Generator(), pair=(3, 4))


def test_phase_of_numbers_that_are_none() -> None:
    assert phase(float("nan"), 1.0, 0.0) == "not converged"
    assert phase(1.0, 0.5, 0.5) == "neither"


def test_noise_groups_have_the_papers_offsets() -> None:
    task = AnchorTask("inferential", (), noise_groups=6)
    noisy = {(1, 2): 4, (1, 3): 1, (1, 4): -5, (2, 3): 5, (2, 4): -9, (3, 4): -6}
    for (a, b), offset in noisy.items():
        assert task.function((a, b)).shift == task.function((b, a)).shift == offset
        assert task.inferential((a, b)).shift == EFFECT[a] + EFFECT[b]
    one = AnchorTask("inferential", (), noise_groups=1)
    assert [one.function(pair).shift for pair in ((1, 2), (1, 3))] == [4, 3]


def test_no_two_dihedral_anchors_commute_at_any_key() -> None:
    task = AnchorTask("inferential", functions="dihedral")
    keys = torch.arange(20, 100)
    for a, b in ALL_PAIRS:
        forward, backward = task.function((a, b))(keys), task.function((b, a))(keys)
        assert torch.equal(forward.sort().values, keys)
        assert (forward != backward).all() == (a != b)


def test_dihedral_labels_apply_the_first_anchor_first() -> None:
    task = AnchorTask(functions="dihedral")
    maps = {1: lambda u: u + 5, 2: lambda u: 1 - u, 3: lambda u: -2 - u, 4: lambda u: -8 - u}
    batch = _sample(task, n=500, pairs=ALL_PAIRS, keys="all")
    key, a, b, _ = _read(batch.tokens)
    for x, i, j, label in zip(key.tolist(), a.tolist(), b.tolist(), batch.labels.tolist(), strict=True):
        extra = 4 if (i, j) == (3, 4) else 0
        assert label == (maps[j](maps[i](x - 20)) + extra) % 80 + 20
    assert task.symmetric((4, 3)) == task.function((3, 4)) != task.inferential((4, 3))


def test_three_anchors() -> None:
    task = AnchorTask(anchors=3, functions="cyclic")
    assert len(task.words) == 64
    assert len(task.seen) == 56
    assert all(((a, b) != (4, 3)) and ((b, c) != (4, 3)) for a, b, c in task.seen)
    batch = _sample(task, n=500)
    assert ((batch.tokens < 20).sum(1) == 3).all()
    assert task.function((1, 3, 4)).shift == (5 - 2 - 8 + 4) % 80
    assert task.symmetric((1, 4, 3)) == task.function((1, 3, 4))
    probe = AnchorProbe(task, torch.Generator().manual_seed(0))

    def composes(tokens: torch.Tensor) -> torch.Tensor:
        first = (tokens < 20).int().argmax(dim=1)
        rows = torch.arange(len(tokens))
        effect = torch.tensor([0, 5, 1, -2, -8])
        key = tokens[rows, first - 1]
        total = sum(effect[tokens[rows, first + place]] for place in range(3))
        return torch.nn.functional.one_hot((key - 20 + total) % 80 + 20, 201).float()

    answers = probe(composes)
    assert answers.inferential == 1
    assert answers.symmetric < 0.2


def test_a_mirror_that_was_not_trained_is_no_answer() -> None:
    probe = AnchorProbe(
        AnchorTask("inferential", ((3, 4), (4, 3))), torch.Generator().manual_seed(0), samples=50
    )
    answers = probe(_oracle(symmetric=False))
    assert answers.symmetric != answers.symmetric
    assert 0 < answers.inferential < 1  # the oracle's exception is half of what is asked
    assert AnchorProbe(AnchorTask("inferential", ()), torch.Generator(), samples=5)(
        _oracle(symmetric=False)
    ).phase in ("neither", "not converged")

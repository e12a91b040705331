import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard
from scipy.special import betainc
from scipy.stats import binom
from torch import Tensor

import samples
from lowcomplex import measures
from lowcomplex.measures import (
    condensed_direction_count,
    condensed_directions,
)

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "condensed_directions": lambda c: measures.condensed_directions(c * samples.W, threshold=0.8).labels,
}

seeds = st.integers(0, 2**31)


def _planted(seed: int, directions: int = 3, each: int = 40, d: int = 16, outliers: int = 20):
    """Neurons near known, well separated directions, with random norms and signs, then outliers.

    The outliers are orthogonal to all of these: one that lay close to a direction, and were heavier, would
    rightly be the center of a cap that splits it.
    """
    centers = torch.linalg.qr(samples.random(seed, d, d)).Q[:directions]
    norms = samples.random(seed + 1, directions * each, 1)
    W = centers.repeat_interleave(each, 0) * norms + 0.01 * norms.abs() * samples.random(
        seed + 2, directions * each, d
    )
    labels = torch.arange(directions).repeat_interleave(each)
    drawn = samples.random(seed + 3, outliers, d)
    W = torch.cat((W, drawn - drawn @ centers.mT @ centers))
    return W, centers, labels


@settings(max_examples=20, deadline=None)
@given(seed=seeds, exponent=st.integers(-12, 12))
def test_planted_directions_are_found(seed: int, exponent: int) -> None:
    W, centers, labels = _planted(seed)
    found = condensed_directions(W * 10.0**exponent)
    assert found.count == 3
    assert found.exact
    assert (found.directions @ centers.mT).abs().amax(0).min() > 0.99
    for direction in range(3):
        own = found.labels[:120][labels == direction]
        assert (own == own[0]).all()
        assert own[0] >= 0
    assert (found.shares > found.null_share).all()


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_independent_of_order_rotation_and_duplication(seed: int) -> None:
    W, _, _ = _planted(seed)
    expected = condensed_directions(W)
    order = torch.randperm(len(W), generator=torch.Generator().manual_seed(seed))
    permuted = condensed_directions(W[order])
    assert torch.equal(permuted.labels, expected.labels[order])
    torch.testing.assert_close(permuted.shares, expected.shares)
    rotated = condensed_directions(W @ torch.linalg.qr(samples.random(seed + 9, 16, 16)).Q)
    torch.testing.assert_close(rotated.shares, expected.shares)
    # Twice the neurons lower the null, so that a pair of neighbors may count too; caps stay what they were.
    doubled = condensed_directions(torch.cat((W, W)))
    assert doubled.null_share <= expected.null_share
    torch.testing.assert_close(doubled.shares[: expected.count], expected.shares)


@pytest.mark.parametrize("shape", [(50, 2), (400, 2), (100, 3), (64, 64), (300, 20), (10, 1)])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_random_neurons_have_no_condensed_direction(shape, signed: bool, weighted: bool) -> None:
    # The null is a 99 % bound: over 60 draws, 4 false directions have a probability below 1e-2.
    false = 0
    for seed in range(60):
        W = samples.random(seed, *shape)
        amplitude = samples.random(seed + 1000, shape[0]).abs() if weighted else None
        false += condensed_directions(W, signed=signed, amplitude=amplitude).count > 0
    assert false <= 3


def test_signed_tells_opposites_apart() -> None:
    W = torch.tensor([[1.0, 2.0, 0.5]] * 30 + [[-1.0, -2.0, -0.5]] * 30)
    assert condensed_directions(W).count == 1
    assert condensed_directions(W, signed=True).count == 2


def test_neurons_in_a_chain_are_not_one_direction() -> None:
    # Neighbors 1 degree apart around half the circle: connected, but spread over every direction.
    angle = torch.deg2rad(torch.arange(180.0))
    assert condensed_directions(torch.stack((angle.cos(), angle.sin()), 1)).count == 0


@pytest.mark.parametrize(("m", "d", "threshold"), [(30, 16, 0.8), (40, 32, 0.5), (40, 32, 0.95)])
def test_a_direction_counts_from_just_above_the_null(m: int, d: int, threshold: float) -> None:
    """Some equal neurons among others at right angles, or at 1/sqrt(d), to them and to each other."""
    apart = torch.cat((torch.eye(d), torch.from_numpy(hadamard(d)).float() / d**0.5))
    # The number of neurons that no cap of random directions passes, in 99 of 100 draws.
    p = float(betainc((d - 1) / 2, 0.5, 1 - threshold**2))
    most = 1 + int(binom.isf(0.01 / m, m - 1, p))
    for equal in range(1, 2 * most + 1):
        W = torch.cat((apart[:1].expand(equal, -1), apart[1 : m - equal + 1]))
        found = condensed_directions(W, threshold=threshold)
        assert found.null_share == pytest.approx(most / m)
        assert found.count == (equal > most)
        assert found.shares.tolist() == ([pytest.approx(equal / m)] if equal > most else [])


def test_amplitude_weighs() -> None:
    W, _, labels = _planted(0)
    amplitude = torch.full((len(W),), 1e-6)
    amplitude[:120][labels == 1] = 1.0
    found = condensed_directions(W, amplitude=amplitude)
    assert found.count == 1
    assert (found.labels[:120][labels == 1] == 0).all()
    assert float(found.shares[0]) == pytest.approx(1, abs=1e-4)


def test_zero_neurons_have_no_direction() -> None:
    W = torch.cat((torch.zeros(5, 4), torch.ones(20, 4)))
    found = condensed_directions(W)
    assert found.count == 1
    assert (found.labels[:5] == -1).all()
    assert float(found.shares[0]) == 1.0


def test_cap_on_directions_is_admitted() -> None:
    W, _, _ = _planted(0, directions=3)
    assert not condensed_directions(W, max_directions=1).exact


def test_counts_of_a_batch() -> None:
    planted, _, _ = _planted(0, outliers=0)
    W = torch.stack((planted, samples.random(5, *planted.shape)))
    assert condensed_direction_count(W).tolist() == [3, 0]
    assert int(condensed_direction_count(planted)) == 3


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"amplitude": torch.ones(3)}, "amplitude"),
        ({"amplitude": torch.tensor([1.0, -1.0])}, "amplitude"),
        ({"amplitude": torch.zeros(2)}, "amplitude"),
        ({"threshold": 1.0}, "threshold"),
        ({"max_directions": 0}, "max_directions"),
    ],
)
def test_bad_arguments(kwargs, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        condensed_directions(torch.eye(2), **kwargs)


@pytest.mark.parametrize(
    ("name", "value"),
    [("amplitude", [1.0, 1.0]), ("threshold", "0.9"), ("max_directions", 2.5), ("signed", "no")],
)
def test_arguments_of_the_wrong_type(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{name}: expected"):
        condensed_directions(torch.eye(2), **{name: value})


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_has_the_directions_of_the_same_numbers_in_single(dtype: torch.dtype) -> None:
    for W in (_planted(3)[0].to(dtype), samples.random(4, 300, 40).to(dtype)):
        found, exact = condensed_directions(W), condensed_directions(W.float())
        assert found.directions.dtype == torch.float32
        assert torch.equal(found.labels, exact.labels)
        assert torch.equal(found.directions, exact.directions)
        assert torch.equal(found.shares, exact.shares)
        assert (found.null_share, found.exact) == (exact.null_share, exact.exact)


@pytest.mark.parametrize("bad", [torch.zeros(3, 2), torch.full((2, 2), torch.nan), torch.ones(2, 2, 2)])
def test_bad_weights(bad: Tensor) -> None:
    with pytest.raises(ValueError, match=r"^W: "):
        condensed_directions(bad)

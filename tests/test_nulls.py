import numpy as np
import pytest
import torch

from lowcomplex import measures, nulls


def _sample(m: int, n: int, draws: int = 400) -> np.ndarray:
    rng = np.random.default_rng(m * 1000 + n)
    return np.linalg.svd(rng.standard_normal((draws, m, n)), compute_uv=False)


def _effective(s: np.ndarray) -> np.ndarray:
    p = s / s.sum(-1, keepdims=True)
    return np.exp(-(p * np.log(p)).sum(-1))


MEASURES = {
    nulls.random_effective_rank: _effective,
    nulls.random_stable_rank: lambda s: (s**2).sum(-1) / s[..., 0] ** 2,
    nulls.random_participation_ratio: lambda s: (s**2).sum(-1) ** 2 / (s**4).sum(-1),
    nulls.random_nuclear_rank: lambda s: s.sum(-1) / s[..., 0],
}
BY_LARGEST_VALUE = (nulls.random_stable_rank, nulls.random_nuclear_rank)


@pytest.mark.parametrize("shape", [(64, 64), (128, 64), (30, 20), (20, 90)])
@pytest.mark.parametrize("null", MEASURES)
def test_mean_agrees_with_monte_carlo(null, shape: tuple[int, int]) -> None:
    sample = MEASURES[null](_sample(*shape))
    # The neglected term of the expansion is of relative order 1/k² (effective rank, participation
    # ratio) or k^(-4/3) (largest singular value); four standard errors are added for the sample.
    k = min(shape)
    neglected = sample.mean() * (k ** (-4 / 3) if null in BY_LARGEST_VALUE else 4 / k**2)
    assert abs(null(*shape).value - sample.mean()) < neglected + 4 * sample.std() / 20


@pytest.mark.parametrize("shape", [(64, 64), (128, 64)])
@pytest.mark.parametrize("null", [nulls.random_effective_rank, nulls.random_participation_ratio])
def test_spread_agrees_with_monte_carlo(null, shape: tuple[int, int]) -> None:
    sample = MEASURES[null](_sample(*shape))
    # The standard deviation of 400 draws has a relative standard error of 1/sqrt(800).
    assert null(*shape).standard_deviation == pytest.approx(sample.std(), rel=4 / 800**0.5 + 0.03)


@pytest.mark.parametrize("shape", [(128, 64), (30, 20)])
@pytest.mark.parametrize("null", BY_LARGEST_VALUE)
def test_spread_by_the_largest_value(null, shape: tuple[int, int]) -> None:
    sample = MEASURES[null](_sample(*shape))
    # The Tracy-Widom law is reached at a rate of k^(-2/3).
    neglected = min(shape) ** (-2 / 3)
    assert null(*shape).standard_deviation == pytest.approx(sample.std(), rel=4 / 800**0.5 + neglected)


def test_stable_rank_is_independent_of_the_norm() -> None:
    rng = np.random.default_rng(0)
    s = np.linalg.svd(rng.standard_normal((4000, 12, 8)), compute_uv=False)
    norm, largest = np.log((s**2).sum(-1)), np.log(s[:, 0] ** 2)
    stable = norm - largest
    assert abs(np.corrcoef(norm, stable)[0, 1]) < 4 / 4000**0.5
    assert largest.var() == pytest.approx(norm.var() + stable.var(), rel=0.1)


def test_square_limit_of_effective_rank() -> None:
    # 0.80504 n: exp(entropy) of the quarter-circle law.
    assert nulls.random_effective_rank(4000, 4000).value / 4000 == pytest.approx(0.80504, abs=1e-4)


@pytest.mark.parametrize("null", MEASURES)
def test_vectors_have_rank_one(null) -> None:
    assert null(1, 50) == nulls.Null(1.0, 0.0)
    with pytest.raises(ValueError, match="positive"):
        null(0, 3)


def test_null_is_symmetric_in_its_sizes() -> None:
    for null in MEASURES:
        assert null(30, 70) == null(70, 30)


def test_random_cosines_agree_with_monte_carlo() -> None:
    m, d, threshold = 200, 6, 0.8
    rng = np.random.default_rng(0)
    counts = []
    for _ in range(200):
        U = rng.standard_normal((m, d))
        U /= np.linalg.norm(U, axis=1, keepdims=True)
        counts.append((np.abs(U @ U.T)[np.triu_indices(m, 1)] > threshold).sum())
    null = nulls.random_cosines(m, d, threshold)
    assert abs(np.mean(counts) - null.value) < 4 * null.standard_deviation / 200**0.5
    assert np.std(counts) == pytest.approx(null.standard_deviation, rel=0.25)


def test_pair_probability_in_the_plane_and_in_space() -> None:
    assert nulls.pair_probability(2, 0.95) == pytest.approx(2 * np.arccos(0.95) / np.pi)
    assert nulls.pair_probability(3, 0.95, signed=True) == pytest.approx(0.05 / 2)
    assert nulls.pair_probability(1, 0.95) == 1.0


@pytest.mark.parametrize(("columns", "threshold", "name"), [(0, 0.5, "columns"), (3, 1.0, "threshold")])
def test_bad_direction_parameters(columns: int, threshold: float, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        nulls.pair_probability(columns, threshold)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: nulls.random_effective_rank("a", 3), "rows"),
        (lambda: nulls.random_stable_rank(3, 2.5), "columns"),
        (lambda: nulls.random_mean_cosine(3, None), "columns"),
        (lambda: nulls.pair_probability(3, "0.5"), "threshold"),
        (lambda: nulls.largest_random_share(True, 3, 0.5), "rows"),
        (lambda: nulls.random_walk_spectrum(5.0), "points"),
        (lambda: nulls.random_effective_rank(5, 5).quantile("high"), "q"),
    ],
)
def test_arguments_of_the_wrong_type(call, name: str) -> None:
    with pytest.raises(TypeError, match=f"^{name}: expected"):
        call()


def test_quantile_is_refused_outside_its_range() -> None:
    with pytest.raises(ValueError, match="q:"):
        nulls.random_effective_rank(5, 5).quantile(1.0)


@pytest.mark.parametrize("name", ["mean_cosine", "mean_squared_cosine"])
def test_moments_of_cosines_are_exact(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    values = getattr(measures, name)(torch.randn(4000, 5, 3, generator=generator, dtype=torch.float64))
    null = measures.null_of(name, 5, 3)
    assert float(values.mean()) == pytest.approx(null.value, abs=4 * null.standard_deviation / 4000**0.5)
    assert float(values.std()) == pytest.approx(null.standard_deviation, rel=0.06)


def test_one_neuron_has_no_cosine() -> None:
    with pytest.raises(ValueError, match="at least two directions"):
        nulls.random_mean_cosine(1, 3)

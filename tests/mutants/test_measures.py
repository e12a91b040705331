"""The tests of the measures notice when one expression of a measure is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mutants

ROOT = Path(__file__).parents[2]
# What is wrong; the module (below lowcomplex.measures, or of a study); the expression; its replacement.
MUTANTS = [
    (
        "effective rank of squared values",
        "weights._entropy",
        "p = s / s.sum(-1, keepdim=True)",
        "p = s**2 / s.square().sum(-1, keepdim=True)",
    ),
    (
        "stable rank of s instead of s²",
        "weights.stable_rank",
        "(s / s[..., :1]).square().sum(-1)",
        "(s / s[..., :1]).sum(-1)",
    ),
    (
        "participation ratio of s instead of s²",
        "weights.participation_ratio",
        "squared = (s / s[..., :1]).square()",
        "squared = s / s[..., :1]",
    ),
    ("numerical rank counts a value at the tolerance", "weights.numerical_rank", "(s > ", "(s >= "),
    (
        "default tolerance by the smaller side",
        "weights.numerical_rank",
        "max(W.shape[-2:])",
        "min(W.shape[-2:])",
    ),
    (
        "a column of each stripe of the Gram matrix lost",
        "_spectra",
        "columns = slice(start, start + stripe)",
        "columns = slice(start, start + stripe - 1)",
    ),
    (
        "doubtful Gram matrices never decomposed",
        "_spectra",
        "resolved: Tensor = shift.nansum(-1) <= _TRUSTED",
        "resolved: Tensor = shift.nansum(-1) <= 1e9",
    ),
    ("Fourier power not doubled", "maps.fourier", "(n // 2 + 1,), 2.0,", "(n // 2 + 1,), 1.0,"),
    ("Nyquist frequency doubled", "maps.fourier", "multiplicity[-1] = 1.0", "multiplicity[-1] = 2.0"),
    ("frequencies of one point more", "maps.fourier", "rfftfreq(n, d=spacing", "rfftfreq(n + 1, d=spacing"),
    (
        "spacings of two axes swapped",
        "maps.fourier",
        "torch.fft.fftfreq(n_1, d=spacing[0]",
        "torch.fft.fftfreq(n_1, d=spacing[1]",
    ),
    (
        "bandwidth one frequency early",
        "maps.spectrum_summaries",
        "index = (cumulative < share * total * rounding).sum(-1)",
        "index = ((cumulative < share * total * rounding).sum(-1) - 1).clamp(min=0)",
    ),
    (
        "interval of the decay exponent without the few points",
        "maps.spectrum_summaries",
        "(1 + confidence) / 2, points - 2",
        "(1 + confidence) / 2, 10**6",
    ),
    (
        "Walsh coefficients twice too large",
        "maps.boolean",
        "transformed / 2**variables",
        "transformed / 2 ** (variables - 1)",
    ),
    ("sign of a bit", "maps.boolean", "(low + high, low - high)", "(low + high, high - low)"),
    (
        "degrees shifted by one",
        "maps.boolean",
        "torch.arange(weights.shape[-1], dtype",
        "torch.arange(1, weights.shape[-1] + 1, dtype",
    ),
    (
        "covariance not centered",
        "representations.covariance",
        "double - double.mean(-2, keepdim=True)",
        "double - 0 * double.mean(-2, keepdim=True)",
    ),
    (
        "participation of the roots of shares",
        "representations.covariance",
        "p.square().sum(-1).reciprocal()",
        "p.square().sum(-1).sqrt().reciprocal()",
    ),
    (
        "first component dropped, not last",
        "training.trajectory",
        "flip(-1)[..., :-1]",
        "flip(-1)[..., 1:]",
    ),
    (
        "a direction counts from twice the null",
        "weights.condensed_directions",
        "null_share * (1 + _ROUNDING)",
        "2 * null_share * (1 + _ROUNDING)",
    ),
    (
        "unsigned directions taken as signed",
        "weights.condensed_directions",
        "products if self._signed else products.abs_()",
        "products",
    ),
    ("mean cosine over m² pairs", "weights.mean_cosine", "(m * (m - 1))", "(m * m)"),
    (
        "kernel alignment without the root",
        "training.kernel",
        "* b_unit.square().sum((-2, -1))).sqrt()",
        "* b_unit.square().sum((-2, -1)))",
    ),
    (
        "a block of the tangent kernel lost",
        "training.tangent_kernel",
        "product.triu() + product.triu(1).mT",
        "product.triu() + product.triu(2).mT",
    ),
    (
        "products of the tangent kernel not symmetrized",
        "training.tangent_kernel",
        "return (kernel + kernel.mT) / 2 if other is None else kernel.mT",
        "return kernel.mT",
    ),
    (
        "eigenvalues of the Hessian ascending",
        "training.curvature",
        "order = np.argsort(-values)",
        "order = np.argsort(values)",
    ),
    (
        "converged at a loose tolerance",
        "training.curvature",
        "residuals <= max(10 * tolerance, 1e-12)",
        "residuals <= max(1e6 * tolerance, 1e-12)",
    ),
    (
        "switches of a ReLU at zero missed",
        "maps.regions",
        "(left < 0) != (right < 0)",
        "(left < 0) & (right > 0)",
    ),
    (
        "line spectra without a window",
        "maps.line_spectra",
        "windowed = centered * window[:, None]",
        "windowed = centered",
    ),
    ("filter of the low part twice as wide", "maps.low_high", "(-2 * delta**2)", "(-4 * delta**2)"),
    ("power of a harmonic not halved", "maps.circle", "amplitude.square() / 2", "amplitude.square()"),
    ("shift in the wrong direction", "maps.token_maps", "power[..., k, -k % n]", "power[..., k, k]"),
    (
        "sign of differences",
        "experiments.anchor.pair_decomposition",
        "v[..., :, None] - v[..., None, :]",
        "v[..., :, None] + v[..., None, :]",
    ),
    (
        "sign of the cosine gap",
        "representations.cosine_gap",
        "within - between)",
        "between - within)",
    ),
    (
        "product split one dimension early",
        "weights.products",
        "split = dimensions.index(narrowest)",
        "split = max(0, dimensions.index(narrowest) - 1)",
    ),
    (
        "scattered points not folded",
        "maps.scattered",
        "torch.remainder(points / period, 1.0)",
        "(points / period)",
    ),
    (
        "learning time is the first time below, not for good",
        "maps.learning_time",
        "(at_least_single(errors) < below).flip(0).long().cumprod(0).sum(0)",
        "(len(times) - (errors < below).long().argmax(0)) * (errors < below).any(0)",
    ),
    (
        "the errors of half precision grow with the matrix",
        "_precision",
        "rounding_unit(W) / math.sqrt(3)",
        "rounding_unit(W) * math.sqrt(n)",
    ),
    (
        "the mean over batches counts inputs",
        "training._total_loss",
        "terms += total / average",
        "terms += len(batch[0])",
    ),
    (
        "a network that is random is measured",
        "_networks",
        "if not _equal(first, second):",
        "if first.shape != second.shape:",
    ),
]
# Test files of modules that share one.
FILES = {
    "_networks": "test_every_network.py",
    "_precision": "weights/test_numerical_rank.py",
    "_spectra": "weights/test_singular_values.py",
    "training._total_loss": "training/test_curvature.py",
    "weights._entropy": "weights/test_rank_measures.py",
    "weights.stable_rank": "weights/test_rank_measures.py",
    "weights.participation_ratio": "weights/test_rank_measures.py",
    "weights.mean_cosine": "weights/test_cosine_moments.py",
}


def _tests_with(module: str, old: str, new: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a module under a mutant: its own test file, then those that all measures share."""
    if module.startswith("experiments."):
        files = ["tests/{}/test_{}.py".format(*module.replace(".", "/").rpartition("/")[::2])]
    else:
        group, _, name = module.rpartition(".")
        own = FILES.get(module, f"{group}/test_{name}.py")
        files = [f"tests/measures/{file}" for file in (own, "test_every_measure.py")]
    return subprocess.run(
        [sys.executable, mutants.__file__, _full(module), old, new, *files],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def _full(module: str) -> str:
    return module if module.startswith("experiments.") else f"lowcomplex.measures.{module}"


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=mutant[0]) for mutant in MUTANTS])
def test_a_wrong_measure_is_noticed(mutant: tuple[str, str, str, str]) -> None:
    run = _tests_with(*mutant[1:])
    assert run.returncode == 1, run.stdout[-2000:] + run.stderr[-2000:]
    assert "FAILED tests/" in run.stdout, run.stdout[-2000:]


@pytest.mark.slow
def test_the_right_measures_pass_the_same_tests() -> None:
    run = _tests_with("weights.stable_rank", "square()", "square()")
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]


def test_every_mutant_still_has_its_place() -> None:
    """The expression that a mutant replaces occurs once in the source, so that nothing else breaks."""
    for what, module, old, _ in MUTANTS:
        source = ROOT / f"{_full(module).replace('.', '/')}.py"
        assert source.read_text(encoding="utf-8").count(old) == 1, what

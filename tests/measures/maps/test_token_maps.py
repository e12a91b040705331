import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import samples
from lowcomplex import measures
from lowcomplex.measures import cyclic_spectrum, expected_output, fourier_spectrum, shift_equivariant_share

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "cyclic_spectrum": lambda c: measures.cyclic_spectrum(c * samples.MAP).shift_share,
    "expected_output": lambda c: measures.expected_output(samples.MAP + math.log(c)),
    "shift_equivariant_share": lambda c: measures.shift_equivariant_share(c * samples.MAP),
}


def test_shift_equivariant_share() -> None:
    n = 12
    diagonal = samples.random(0, 2 * n - 1)
    index = torch.arange(n) - torch.arange(n)[:, None] + n - 1
    toeplitz = diagonal[index]
    assert float(shift_equivariant_share(toeplitz * 1e-12)) == pytest.approx(1)
    keys_only = samples.random(1, n, 1).expand(n, n)
    assert float(shift_equivariant_share(keys_only)) < 0.5
    noise = samples.random(2, 2000, n, n)
    expected = (2 * n - 2) / (n * n - 1)
    assert float(shift_equivariant_share(noise).mean()) == pytest.approx(expected, rel=0.02)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 9), seed=st.integers(0, 2**31), exponent=st.integers(-12, 12), turn=st.integers(0, 8))
def test_cyclic_spectrum_against_brute_force(n: int, seed: int, exponent: int, turn: int) -> None:
    M = samples.random(seed, n, n) * 10.0**exponent
    found = cyclic_spectrum(M)
    size = 10.0 ** (2 * exponent)
    torch.testing.assert_close(found.key_power.sum(-1) / size, M.square().mean() / size)
    # The part that is a shift: each entry replaced by the mean of its cyclic diagonal.
    diagonal = (torch.arange(n) - torch.arange(n)[:, None]) % n
    means = torch.stack([M[diagonal == c].mean() for c in range(n)])
    torch.testing.assert_close(found.shift_power / size, fourier_power(means) / size)
    if n > 1:
        share = means.var(unbiased=False) / M.var(unbiased=False)
        torch.testing.assert_close(found.shift_share, share)
        turned = cyclic_spectrum(M.roll(turn, 0).roll(2 * turn, 1))
        torch.testing.assert_close(turned.shift_share, share)


def fourier_power(values: Tensor) -> Tensor:
    return values.square() if len(values) == 1 else fourier_spectrum(values).power


def test_pure_shift_and_constant() -> None:
    n = 20
    shift = torch.eye(n).roll(3, 1)
    assert float(cyclic_spectrum(shift).shift_share) == pytest.approx(1)
    # A shift that does not wrap around is one on the line, and nearly one on the circle.
    line = torch.eye(n).roll(3, 1).triu()
    assert float(shift_equivariant_share(line)) == pytest.approx(1)
    assert 0.7 < float(cyclic_spectrum(line).shift_share) < 1
    assert cyclic_spectrum(torch.full((n, n), 0.1)).shift_share.isnan()


def test_expected_output() -> None:
    logits = torch.log(torch.tensor([[1.0, 1.0, 2.0], [1.0, 0.0, 0.0]]) + 1e-30)
    torch.testing.assert_close(expected_output(logits), torch.tensor([1.25, 0.0]))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="as many keys as outputs"):
        cyclic_spectrum(torch.ones(3, 4))
    for function in (cyclic_spectrum, expected_output, shift_equivariant_share):
        with pytest.raises(ValueError, match="NaN"):
            function(torch.full((2, 2), math.nan))

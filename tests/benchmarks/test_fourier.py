"""Non-uniform FFT against the sum itself."""

from __future__ import annotations

import pytest
import torch

from lowcomplex.measures import scattered_spectrum
from ratios import ratio


@pytest.mark.parametrize(("points", "modes"), [(2_000, 256), (100_000, 256)])
def test_nufft_against_the_direct_sum(points: int, modes: int) -> None:
    pytest.importorskip("finufft")
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(points, generator=generator, dtype=torch.float64)
    y = torch.randn(points, generator=generator, dtype=torch.float64)

    def by(method: str) -> torch.Tensor:
        return scattered_spectrum(x, y, modes, method=method)  # type: ignore[arg-type]

    torch.testing.assert_close(by("nufft"), by("direct"))
    ratio(lambda: by("nufft"), lambda: by("direct"), rounds=3)

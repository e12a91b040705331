from __future__ import annotations

import pytest
import torch

from lowcomplex.measures import fourier_spectrum
from lowcomplex.tasks import Curve


def test_holds_its_frequencies_alone() -> None:
    curve = Curve((2, 7), (1.0, 3.0))
    values = curve.values(curve.positions(64, dtype=torch.float64))
    power = fourier_spectrum(values).power
    # A sine of amplitude A has power A²/2.
    assert power[2] == pytest.approx(0.5)
    assert power[7] == pytest.approx(4.5)
    assert float(power.sum()) == pytest.approx(5.0)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="frequencies, amplitudes"):
        Curve((1, 2), (1.0,))
    with pytest.raises(ValueError, match="frequencies, amplitudes"):
        Curve((), ())

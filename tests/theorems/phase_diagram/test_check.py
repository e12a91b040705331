from __future__ import annotations

import pytest

from lowcomplex.predictions import phase_diagram
from lowcomplex.theorems.phase_diagram import check as module


@pytest.mark.slow
@pytest.mark.parametrize(
    "place", [(0.25, 0.0), (0.5, 0.0), (2.0, 0.0), (2.0, -0.5), (2.0, 1.5), (1.0, 1.0), (0.5, -1.0)]
)
def test_more_points_of_the_plane(place: tuple[float, float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WIDTHS", (4096, 8192, 16384, 32768))
    monkeypatch.setitem(module._DRAWS, place, 2)
    slope, interval, _ = module._exponent(0, place, 0.0)
    module._exponent.cache_clear()
    assert slope == pytest.approx(float(phase_diagram(*place)), abs=0.05 + interval)

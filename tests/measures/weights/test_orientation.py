import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import samples
from lowcomplex import measures
from lowcomplex.measures import orientation_amplitude

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "orientation_amplitude": lambda c: measures.orientation_amplitude(c * samples.W[:, :2]).orientation,
}


@settings(max_examples=30, deadline=None)
@given(angle=st.floats(-3.1, 3.1), exponent=st.integers(-12, 12), output=st.floats(-5, 5))
def test_known_angle_and_amplitude_at_any_scale(angle: float, exponent: int, output: float) -> None:
    scale = 10.0**exponent
    W = scale * torch.tensor([[math.cos(angle), math.sin(angle)]], dtype=torch.float64)
    found = orientation_amplitude(W, torch.tensor([output], dtype=torch.float64))
    assert float(found.orientation) == pytest.approx(angle, abs=1e-12)
    assert float(found.amplitude) == pytest.approx(abs(output) * scale, rel=1e-12)


def test_several_outputs_and_batches() -> None:
    W = torch.tensor([[3.0, 4.0], [0.0, 1.0]]).expand(5, 2, 2)
    output = torch.tensor([[3.0, 0.0], [4.0, 2.0]]).expand(5, 2, 2)
    found = orientation_amplitude(W, output)
    assert found.amplitude.tolist() == [[25.0, 2.0]] * 5
    assert orientation_amplitude(W, torch.ones(5, 2)).amplitude.tolist() == [[5.0, 1.0]] * 5
    assert orientation_amplitude(W, torch.ones(2)).amplitude.tolist() == [[5.0, 1.0]] * 5


def test_edges() -> None:
    found = orientation_amplitude(torch.tensor([[-1.0, -0.0], [0.0, 0.0], [1e-30, 1e-30]]))
    assert float(found.orientation[0]) == pytest.approx(math.pi)
    assert found.orientation[1].isnan()
    assert float(found.amplitude[2]) == pytest.approx(math.sqrt(2) * 1e-30)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="two input weights"):
        orientation_amplitude(torch.ones(4, 3))
    with pytest.raises(ValueError, match="output: expected weights of 4 neurons"):
        orientation_amplitude(torch.ones(4, 2), torch.ones(3))
    with pytest.raises(ValueError, match="output: holds NaN"):
        orientation_amplitude(torch.ones(1, 2), torch.tensor([math.nan]))

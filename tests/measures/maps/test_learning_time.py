import math

import pytest
import torch

import samples
from lowcomplex import measures
from lowcomplex.measures import learning_time

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "learning_time": lambda c: measures.learning_time(c * samples.PATH[:, 0].abs(), samples.STEPS, below=c),
}


def test_learned_once_and_for_good() -> None:
    errors = torch.tensor(
        [
            [0.1, 1.0, 0.1, math.nan, 1.0, 0.0],
            [0.9, 0.1, 0.9, math.nan, 1.0, 0.0],
            [0.1, 0.1, 0.1, math.nan, 1.0, 0.0],
            [0.1, 0.0, 0.3, math.nan, 0.1, 0.0],
        ]
    )
    times = learning_time(errors, torch.tensor([0, 1, 10, 100]))
    expected = torch.tensor([10, 1, math.nan, math.nan, 100, 0], dtype=torch.float64)
    torch.testing.assert_close(times, expected, equal_nan=True)
    shaped = learning_time(errors.reshape(4, 2, 3), torch.tensor([0, 1, 10, 100]))
    torch.testing.assert_close(shaped.flatten(), expected, equal_nan=True)


def test_exponential_decay_is_learned_at_its_own_time() -> None:
    steps = torch.arange(1000)
    rates = torch.tensor([0.1, 0.01], dtype=torch.float64)
    errors = torch.exp(-steps[:, None] * rates)
    found = learning_time(errors, steps, below=0.5)
    assert found.tolist() == [math.ceil(math.log(2) / 0.1), math.ceil(math.log(2) / 0.01)]


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="errors, steps"):
        learning_time(torch.ones(3), torch.arange(2))
    with pytest.raises(ValueError, match="ascending"):
        learning_time(torch.ones(2), torch.tensor([1, 1]))
    with pytest.raises(ValueError, match="below"):
        learning_time(torch.ones(2), torch.arange(2), below=0)
    with pytest.raises(TypeError, match="errors"):
        learning_time(torch.ones(2, dtype=torch.long), torch.arange(2))

import pytest

from lowcomplex.predictions import norm_of_means


def test_one_vector_has_its_own_norm() -> None:
    assert norm_of_means(1, 7) == 7


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="vectors"):
        norm_of_means(0, 7)

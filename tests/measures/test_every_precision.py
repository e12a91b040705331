"""Every measure takes numbers of any precision, on any device that is the default."""

from __future__ import annotations

import pytest
import torch

from examples import SCALED, arguments, skip_without_curvlinops, stored, tensors
from lowcomplex import measures

DTYPES = [torch.bfloat16, torch.float16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", sorted(SCALED))
def test_numbers_of_any_precision_are_measured_as_in_double(name: str, dtype: torch.dtype) -> None:
    """The same numbers give the same result in any dtype, returned in single or double precision."""
    skip_without_curvlinops(name)
    args, kwargs = stored(arguments(name), dtype)
    exact_args, exact_kwargs = stored((args, kwargs), torch.float64)
    found = list(tensors(getattr(measures, name)(*args, **kwargs)))
    exact = list(tensors(getattr(measures, name)(*exact_args, **exact_kwargs)))
    assert found
    for one, other in zip(found, exact, strict=True):
        single, double = (torch.float32, torch.complex64), (torch.float64, torch.complex128)
        assert one.dtype in (torch.bool, torch.int64, *double, *(() if dtype == torch.float64 else single))
        # Where a tensor lies in memory moves the last bits of sums.
        tolerance = {"rtol": 1e-12, "atol": 1e-14} if dtype == torch.float64 else {"rtol": 2e-4, "atol": 2e-6}
        torch.testing.assert_close(one.to(other.dtype), other, **tolerance, equal_nan=True)


@pytest.mark.parametrize("name", sorted(SCALED))
def test_another_default_device_changes_nothing(name: str) -> None:
    """Results are on the device of the arguments, whatever device new tensors are on by default."""
    skip_without_curvlinops(name)
    args, kwargs = arguments(name)
    expected = list(
        tensors(getattr(measures, name)(*stored(args, torch.float64), **stored(kwargs, torch.float64)))
    )
    with torch.device("meta"):
        found = getattr(measures, name)(*args, **kwargs)
    for one, other in zip(tensors(found), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14, equal_nan=True)

"""An estimate with its standard error, as measures that draw samples return it."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class SampledEstimate:
    """An unbiased estimate from random inputs.

    Attributes:
        value: The estimate.
        standard_error: Standard deviation of the estimate, estimated from the same samples.
    """

    value: Float[Tensor, "*shape"]
    standard_error: Float[Tensor, "*shape"]

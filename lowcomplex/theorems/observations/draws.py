"""The numbers behind a draw of weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import nn

from lowcomplex.training import normals


def drawn_weights(network: nn.Module, *, seed: int) -> dict[str, NDArray[np.float64]]:
    """The standard normal numbers behind `one_draw`, by the name of a parameter without ".weight".

    A law starts from σ times these, so that a network that `initialize` puts elsewhere shows as an error.
    """
    return {
        name.removesuffix(".weight"): value.numpy() for name, value in normals(network, seed=seed).items()
    }

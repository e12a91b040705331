from __future__ import annotations

import numpy as np
import pytest

from lowcomplex.theorems.orthonormal_relu import flow as module


def test_a_network_that_cannot_fit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST", 50)
    with pytest.raises(ArithmeticError, match="residual stayed"):
        module.flow_to_fit(np.array([1.0, -1.0]), np.array([[[1.0, 1.0]]]), np.array([[1.0]]), 1e-14)

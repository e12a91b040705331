"""Against the Hessian itself, written out by automatic differentiation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, hessian

import samples
from lowcomplex import measures
from lowcomplex.measures import hessian_density, hessian_eigenvalues, hessian_trace

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "hessian_density": lambda c: (
        measures.hessian_density(
            samples.linear(1), nn.MSELoss(), samples.curved(c), iterations=3, repeats=1, points=5
        ).density
        * c**2
    ),
    "hessian_eigenvalues": lambda c: (
        measures.hessian_eigenvalues(samples.linear(1), nn.MSELoss(), samples.curved(c), k=2).values / c**2
    ),
    "hessian_trace": lambda c: (
        measures.hessian_trace(samples.linear(1), nn.MSELoss(), samples.curved(c), samples=3).value / c**2
    ),
}

pytest.importorskip("curvlinops")


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def _batches() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(12, 3, generator=generator), torch.randn(12, 2, generator=generator)
    return list(zip(x.split(5), y.split(5), strict=True))


def _exact(module: nn.Module) -> Tensor:
    x, y = (torch.cat(parts).double() for parts in zip(*_batches(), strict=True))
    state = {name: p.detach().double() for name, p in module.named_parameters()}
    sizes = [p.numel() for p in state.values()]

    def loss(flat: Tensor) -> Tensor:
        parts = flat.split(sizes)
        theta = {name: part.view_as(p) for part, (name, p) in zip(parts, state.items(), strict=True)}
        return nn.functional.mse_loss(functional_call(module, theta, (x,)), y)

    return hessian(loss)(torch.cat([p.flatten() for p in state.values()]))


def test_leading_eigenvalues() -> None:
    module = _network()
    eigenvalues = torch.linalg.eigvalsh(_exact(module))
    expected = eigenvalues[eigenvalues.abs().argsort(descending=True)][:4].sort(descending=True).values
    found = hessian_eigenvalues(module, nn.MSELoss(), _batches(), k=4, tolerance=1e-10)
    torch.testing.assert_close(found.values, expected, rtol=1e-8, atol=1e-10)
    assert found.converged
    assert float(found.residuals.max()) < 1e-8
    again = hessian_eigenvalues(module, nn.MSELoss(), _batches(), k=4, tolerance=1e-10)
    assert torch.equal(again.values, found.values)


def test_an_iteration_cut_short_says_so() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 60), nn.Tanh(), nn.Linear(60, 2))
    found = hessian_eigenvalues(module, nn.MSELoss(), _batches(), k=20, tolerance=1e-12, max_products=1)
    assert found.values.shape == (20,)
    assert not found.converged


@pytest.mark.parametrize("tolerance", [1e-5, 1e-6, 1e-9])
def test_converged_is_judged_at_the_tolerance(tolerance: float, monkeypatch) -> None:
    """A unit vector off by the angle θ has the residual (λ_1 - λ_2) sin θ; ten tolerances are allowed."""
    # mean over 2 samples of (w x)²: the Hessian is diag(4, 1).
    x = torch.diag(torch.tensor([2.0, 1.0], dtype=torch.float64))
    linear = nn.Linear(2, 1, bias=False).double()
    for times, converged in ((1, True), (9, True), (11, False), (100, False), (1e4, False)):
        sine = times * tolerance * 4 / 3
        vector = np.array([[math.sqrt(1 - sine**2)], [sine]])
        monkeypatch.setattr(
            "scipy.sparse.linalg.eigsh", lambda *args, v=vector, **kwargs: (np.array([4.0]), v)
        )
        found = hessian_eigenvalues(linear, nn.MSELoss(), [(x, torch.zeros(2, 1))], tolerance=tolerance)
        assert float(found.residuals) == pytest.approx(times * tolerance, rel=1e-6)
        assert found.converged is converged


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_quadratic_loss_of_a_linear_map_in_closed_form(scale: float) -> None:
    """mean over n samples and c outputs of (W x - y)²: the Hessian is I ⊗ 2 XᵀX / (n c)."""
    x = scale * torch.randn(50, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    eigenvalues = 2 * torch.linalg.eigvalsh(x.mT @ x) / 50
    linear = nn.Linear(4, 1, bias=False).double()
    found = hessian_eigenvalues(linear, nn.MSELoss(), [(x, torch.zeros(50, 1))], k=2)
    torch.testing.assert_close(found.values / scale**2, eigenvalues.flip(0)[:2] / scale**2)
    # Random signs give the diagonal exactly, so only the off-diagonal part scatters.
    trace = hessian_trace(linear, nn.MSELoss(), [(x, torch.zeros(50, 1))], samples=200)
    assert abs(float(trace.value - eigenvalues.sum())) < 4 * float(trace.standard_error)


def test_trace_within_its_error_and_error_as_stated() -> None:
    module = _network()
    H = _exact(module)
    before = torch.random.get_rng_state()
    found = hessian_trace(module, nn.MSELoss(), _batches(), samples=400)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert abs(float(found.value - H.trace())) < 4 * float(found.standard_error)
    # Variance of vᵀ H v for random signs: 2 Σ_{i≠j} H_ij².
    variance = 2 * (H.square().sum() - H.diagonal().square().sum())
    assert float(found.standard_error) == pytest.approx(math.sqrt(float(variance) / 400), rel=0.15)


def test_density_has_the_moments_of_the_spectrum() -> None:
    module = _network()
    eigenvalues = torch.linalg.eigvalsh(_exact(module))
    found = hessian_density(module, nn.MSELoss(), _batches(), iterations=20, repeats=16)
    step = float(found.eigenvalues[1] - found.eigenvalues[0])
    assert float(found.density.sum()) * step == pytest.approx(1, abs=0.1)
    mean = float((found.eigenvalues * found.density).sum() / found.density.sum())
    assert mean == pytest.approx(float(eigenvalues.mean()), abs=0.3 * float(eigenvalues.std()))
    assert float(found.eigenvalues[0]) < float(eigenvalues[0])
    assert float(found.eigenvalues[-1]) > float(eigenvalues[-1])


def test_the_module_is_left_alone() -> None:
    module = _network()
    state = {name: p.clone() for name, p in module.state_dict().items()}
    hessian_eigenvalues(module, nn.MSELoss(), _batches())
    assert all(torch.equal(p, state[name]) for name, p in module.state_dict().items())
    assert all(p.dtype == torch.float32 and p.grad is None for p in module.parameters())


def test_bad_input() -> None:
    module, loss = _network(), nn.MSELoss()
    with pytest.raises(ValueError, match="k: expected"):
        hessian_eigenvalues(module, loss, _batches(), k=0)
    with pytest.raises(ValueError, match="batches"):
        hessian_trace(module, loss, [])
    with pytest.raises(ValueError, match="loss: expected a criterion"):
        hessian_trace(module, nn.MSELoss(reduction="none"), _batches())
    with pytest.raises(ValueError, match="no trainable parameter"):
        hessian_trace(module.requires_grad_(False), loss, _batches())
    module.requires_grad_(True)
    with pytest.raises(ValueError, match="samples"):
        hessian_trace(module, loss, _batches(), samples=1)
    with pytest.raises(ValueError, match="iterations"):
        hessian_density(module, loss, _batches(), iterations=1)
    module[0].weight.data.fill_(math.nan)
    with pytest.raises(ValueError, match="NaN"):
        hessian_eigenvalues(module, loss, _batches())
    with pytest.raises(ValueError, match="NaN"):
        hessian_trace(module, loss, _batches())


def test_a_hessian_of_one_eigenvalue_has_no_density() -> None:
    layer = nn.Linear(6, 1, bias=False)
    with pytest.raises(ValueError, match="fewer distinct eigenvalues"):
        hessian_density(layer, nn.MSELoss(), [(torch.eye(6), torch.zeros(6, 1))], iterations=4)

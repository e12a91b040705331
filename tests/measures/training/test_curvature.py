"""Against the Hessian itself, written out by automatic differentiation."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd.functional import hessian
from torch.func import functional_call

import samples
from lowcomplex import measures
from lowcomplex.measures import hessian_density, hessian_eigenvalues, hessian_trace
from lowcomplex.measures.training import curvature

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


def _one_batch() -> list[tuple[Tensor, Tensor]]:
    """All of `_batches` in one, which costs a third of the products."""
    x, y = (torch.cat(parts) for parts in zip(*_batches(), strict=True))
    return [(x, y)]


def _hessian(module: nn.Module, loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The matrix, by differentiating backward twice, which curvlinops does not."""
    state = {name: p.detach().double() for name, p in module.named_parameters()}
    sizes = [p.numel() for p in state.values()]

    def value(flat: Tensor) -> Tensor:
        parts = flat.split(sizes)
        theta = {name: part.view_as(p) for part, (name, p) in zip(parts, state.items(), strict=True)}
        return loss(functional_call(module, theta, (x.double(),)))

    found: Tensor = hessian(value, torch.cat([p.flatten() for p in state.values()]))
    return found


def _exact(module: nn.Module) -> Tensor:
    ((x, y),) = _one_batch()
    return _hessian(module, lambda outputs: nn.functional.mse_loss(outputs, y.double()), x)


def test_leading_eigenvalues() -> None:
    module = _network()
    eigenvalues = torch.linalg.eigvalsh(_exact(module))
    expected = eigenvalues[eigenvalues.abs().argsort(descending=True)][:4].sort(descending=True).values
    found = hessian_eigenvalues(module, nn.MSELoss(), _one_batch(), k=4, tolerance=1e-10)
    torch.testing.assert_close(found.values, expected, rtol=1e-8, atol=1e-10)
    assert found.converged
    assert float(found.residuals.max()) < 1e-8
    again = hessian_eigenvalues(module, nn.MSELoss(), _one_batch(), k=4, tolerance=1e-10)
    assert torch.equal(again.values, found.values)


def test_an_iteration_cut_short_says_so() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 60), nn.Tanh(), nn.Linear(60, 2))
    found = hessian_eigenvalues(module, nn.MSELoss(), _one_batch(), k=20, tolerance=1e-12, max_products=1)
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


def test_vectors_are_multiplied_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    module, size = _network(), 26
    together = hessian_trace(module, nn.MSELoss(), _one_batch(), samples=10)
    for entries in (4 * size, 1):
        monkeypatch.setattr("lowcomplex.measures.training.curvature._ENTRIES_AT_ONCE", entries)
        found = hessian_trace(module, nn.MSELoss(), _one_batch(), samples=10)
        torch.testing.assert_close(found.value, together.value, rtol=1e-12, atol=0)
        torch.testing.assert_close(found.standard_error, together.standard_error, rtol=1e-10, atol=0)


def test_density_has_the_moments_of_the_spectrum() -> None:
    module = _network()
    eigenvalues = torch.linalg.eigvalsh(_exact(module))
    found = hessian_density(module, nn.MSELoss(), _one_batch(), iterations=20, repeats=16)
    step = float(found.eigenvalues[1] - found.eigenvalues[0])
    assert float(found.density.sum()) * step == pytest.approx(1, abs=0.1)
    mean = float((found.eigenvalues * found.density).sum() / found.density.sum())
    assert mean == pytest.approx(float(eigenvalues.mean()), abs=0.3 * float(eigenvalues.std()))
    assert float(found.eigenvalues[0]) < float(eigenvalues[0])
    assert float(found.eigenvalues[-1]) > float(eigenvalues[-1])


class OwnLoss(nn.Module):
    """A mean that does not heed its reduction."""

    reduction = "mean"

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return (prediction - nn.functional.one_hot(target, 3)).square().mean()


LABELS = torch.tensor([0, 2, 1, 1, 0, 2, 2, 1, 0, 1])
WEIGHTS = torch.tensor([0.1, 1.0, 5.0])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (nn.CrossEntropyLoss, LABELS),
        (nn.CrossEntropyLoss, LABELS.where(torch.arange(10) > 4, -100)),
        (nn.CrossEntropyLoss, LABELS.where(torch.arange(10) > 7, -100)),
        (partial(nn.CrossEntropyLoss, weight=WEIGHTS), LABELS),
        (partial(nn.CrossEntropyLoss, weight=WEIGHTS.double(), label_smoothing=0.1), LABELS),
        (partial(nn.CrossEntropyLoss, ignore_index=1, weight=WEIGHTS), LABELS),
        (partial(nn.BCEWithLogitsLoss, pos_weight=WEIGHTS), nn.functional.one_hot(LABELS).float()),
        (nn.MSELoss, nn.functional.one_hot(LABELS).float()),
    ],
    ids=[
        "labels",
        "ignored",
        "none",
        "weights",
        "smooth",
        "weights and ignored",
        "positive weight",
        "squares",
    ],
)
def test_batches_do_not_matter(loss: Callable[..., nn.Module], target: Tensor, reduction: str) -> None:
    """The loss of all batches together, also where a mean is not over equally many terms in each of them."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 3))
    criterion = loss(reduction=reduction)
    x = samples.random(0, 10, 3)
    exact = copy.deepcopy(criterion).double()
    y = target.double() if target.is_floating_point() else target
    expected = _hessian(network, lambda outputs: exact(outputs, y), x)
    for cut in (7, 8):
        batches = [(x[:cut], target[:cut]), (x[cut:], target[cut:])]
        with curvature._operator(network, criterion, batches) as operator:
            found = operator @ torch.eye(len(expected), dtype=torch.float64)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_a_mean_that_does_not_heed_its_reduction_counts_inputs() -> None:
    torch.manual_seed(0)
    network, x = nn.Linear(3, 3), samples.random(0, 10, 3)
    whole = hessian_eigenvalues(network, OwnLoss(), [(x, LABELS)]).values
    cut = hessian_eigenvalues(network, OwnLoss(), [(x[:7], LABELS[:7]), (x[7:], LABELS[7:])]).values
    torch.testing.assert_close(cut, whole)


def test_a_perfect_fit_has_curvature() -> None:
    network, x = nn.Linear(3, 2, bias=False), samples.random(0, 10, 3).float()
    y = network(x).detach()
    exact = x.double() @ network.weight.detach().double().mT
    batches = [(x[:4].double(), exact[:4]), (x[4:].double(), exact[4:])]
    eigenvalue = 2 * torch.linalg.eigvalsh(x.double().mT @ x.double())[-1] / y.numel()
    found = hessian_eigenvalues(network, nn.MSELoss(), batches)
    torch.testing.assert_close(found.values[0], eigenvalue)


def test_parameters_that_are_not_used_have_no_curvature() -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = _network(), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    network, loss = Unused(), nn.MSELoss()
    found = hessian_eigenvalues(network, loss, _one_batch(), k=2)
    expected = hessian_eigenvalues(network.used, loss, _one_batch(), k=2)
    torch.testing.assert_close(found.values, expected.values, rtol=1e-6, atol=0)
    # A loss that is linear in all parameters has none at all.
    line = nn.Linear(2, 1)
    assert float(hessian_trace(line, nn.L1Loss(), [(torch.ones(3, 2), torch.full((3, 1), 99.0))]).value) == 0


def test_attention_is_differentiated_twice() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True).eval()
    x = samples.random(0, 3, 4, 8)
    found = hessian_trace(layer, nn.MSELoss(), [(x, torch.zeros_like(x))], samples=2)
    assert math.isfinite(float(found.value))


def test_bad_input() -> None:
    module, loss = _network(), nn.MSELoss()
    with pytest.raises(ValueError, match="k: expected"):
        hessian_eigenvalues(module, loss, _batches(), k=0)
    with pytest.raises(ValueError, match="batches"):
        hessian_trace(module, loss, [])
    for batch, got in (
        (({"input": torch.ones(3, 2)}, torch.ones(3, 1)), "dict, Tensor"),
        ({"input": torch.ones(3, 2)}, "dict"),
        ((torch.ones(3, 2),), "Tensor"),
    ):
        with pytest.raises(TypeError, match=f"batches: expected pairs of tensors .* got {got}; wrap"):
            hessian_trace(module, loss, [batch])
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

"""Curvature of the loss: leading Hessian eigenvalues, trace, spectral density (extra `curvature`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from lowcomplex.measures._networks import Network, measured, seeded
from lowcomplex.measures._validation import finite
from lowcomplex.measures.sampled_estimate import SampledEstimate
from lowcomplex.measures.training._total_loss import total_loss

if TYPE_CHECKING:
    from curvlinops import HessianLinearOperator

# Numbers in the random vectors that are multiplied together. A product of a small network is mostly overhead,
# which many vectors share; a large network has room for one vector at a time.
_ENTRIES_AT_ONCE = 2**16

Batches = Iterable[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class HessianEigenvalues:
    """Leading eigenvalues of the Hessian, with their residuals.

    Attributes:
        values: (k,) the eigenvalues of largest absolute value, descending.
        residuals: (k,) ‖H v - λ v‖ / max |λ| for the unit vector v found. An eigenvalue of H lies within
            residual · max |λ| of each value.
        converged: Whether every residual is below the tolerance.
    """

    values: Float[Tensor, "k"]
    residuals: Float[Tensor, "k"]
    converged: bool


@dataclass(frozen=True)
class SpectralDensity:
    """Smoothed density of the Hessian's eigenvalues.

    Attributes:
        eigenvalues: (points,) ascending.
        density: (points,); its integral is 1, up to the tails beyond the ends.
    """

    eigenvalues: Float[Tensor, "points"]
    density: Float[Tensor, "points"]


def hessian_eigenvalues(
    module: nn.Module,
    loss: nn.Module,
    batches: Batches,
    *,
    k: int = 1,
    tolerance: float = 1e-6,
    max_products: int | None = None,
    seed: int = 0,
) -> HessianEigenvalues:
    """Leading eigenvalues of the loss's Hessian in the trainable parameters, by Lanczos iteration in float64.

    Args:
        module: Maps inputs to predictions; not changed.
        loss: Criterion with a `reduction` of "mean" or "sum", such as `nn.MSELoss()`.
        batches: Pairs (inputs, targets), the same in every pass. The loss is that of all of them together,
            however they are cut into batches.
        k: Number of eigenvalues, below the number of parameters.
        tolerance: Relative accuracy of the iteration.
        max_products: Largest number of restarts of the iteration; scipy's default if None. Eigenvalues that
            have not converged by then are NaN.
        seed: Seed of the starting vector.

    Returns:
        Values and residuals, float64. The largest value is the sharpness. Gradient descent keeps it near or
        below 2 / learning rate.

    Null:
        None in closed form; compare with the network at initialization. For gradient descent, 2 / learning
        rate.

    Cost:
        A few Hessian products per eigenvalue, each about as long as two gradients over all batches; memory of
        k and more vectors of all parameters in float64.

    Misleads:
        Rescaling the layers of a ReLU network changes the sharpness and not the function (Dinh et al. 2017):
        it is no measure of a function's complexity by itself.

    Raises:
        ModuleNotFoundError: curvlinops is not installed.
        TypeError: `batches` holds something else than pairs of tensors.
        ValueError: No trainable parameter, no batch, `k` out of range, a loss without reduction, a Hessian
            that is not finite, or a network in training mode with dropout or batch normalization.

    References:
        Lehoucq, Sorensen, Yang, "ARPACK users' guide", 1998; Cohen et al., ICLR 2021 (2103.00065), on
        sharpness.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, eigsh

    with _operator(module, loss, batches) as operator:
        size = operator.shape[0]
        if not 1 <= k < size:
            raise ValueError(f"k: expected between 1 and {size - 1} eigenvalues, got {k}")
        start = np.random.default_rng(seed).standard_normal(size)
        scipy_operator = operator.to_scipy()
        try:
            values, vectors = eigsh(
                scipy_operator, k=k, which="LM", v0=start, tol=tolerance, maxiter=max_products
            )
        except ArpackNoConvergence as error:
            values, vectors = error.eigenvalues, error.eigenvectors
        order = np.argsort(-values)
        values, vectors = values[order], vectors[:, order]
        products = np.stack([scipy_operator @ vector for vector in vectors.T], 1) if len(values) else vectors
    largest = np.abs(values).max(initial=0.0)
    residuals = np.linalg.norm(products - values * vectors, axis=0) / (largest if largest > 0 else 1.0)
    missing = k - len(values)
    return HessianEigenvalues(
        values=torch.from_numpy(np.append(values, [np.nan] * missing)),
        residuals=torch.from_numpy(np.append(residuals, [np.nan] * missing)),
        converged=not missing and bool((residuals <= max(10 * tolerance, 1e-12)).all()),
    )


def hessian_trace(
    module: nn.Module, loss: nn.Module, batches: Batches, *, samples: int = 32, seed: int = 0
) -> SampledEstimate:
    """Trace of the loss's Hessian, the mean of vᵀ H v over random signs v, with its standard error.

    Args:
        module: As for `hessian_eigenvalues`, like `loss` and `batches`.
        loss: Criterion.
        batches: Pairs (inputs, targets).
        samples: Number of random vectors, at least 2. Each costs one Hessian product.
        seed: Seed of the random vectors.

    Returns:
        An unbiased estimate and its standard error, float64.

    Null:
        None in closed form; compare with the network at initialization.

    Cost:
        `samples` Hessian products, each about as long as two gradients over all batches.

    Misleads:
        Positive and negative eigenvalues cancel. It changes with the scale of the layers as
        `hessian_eigenvalues` does.

    Raises:
        ModuleNotFoundError: curvlinops is not installed.
        ValueError: As for `hessian_eigenvalues`; fewer than two samples.

    Reference:
        Hutchinson, Commun. Stat. Simul. Comput. 1989.
    """
    if samples < 2:
        raise ValueError(f"samples: expected at least two, got {samples}")
    from curvlinops.sampling import random_vector

    with _operator(module, loss, batches) as operator, seeded(seed, operator.device):
        size = operator.shape[1]
        at_once = max(1, _ENTRIES_AT_ONCE // size)
        parts = []
        for start in range(0, samples, at_once):
            count = min(at_once, samples - start)
            signs = random_vector(count * size, "rademacher", operator.device, operator.dtype)
            vectors = signs.view(-1, size).mT
            parts.append((vectors * (operator @ vectors)).sum(0).detach())
    draws = torch.cat(parts)
    return SampledEstimate(value=draws.mean(), standard_error=draws.std() / samples**0.5)


def hessian_density(
    module: nn.Module,
    loss: nn.Module,
    batches: Batches,
    *,
    iterations: int = 64,
    repeats: int = 4,
    points: int = 1024,
    seed: int = 0,
) -> SpectralDensity:
    """Density of the Hessian's eigenvalues, by stochastic Lanczos quadrature.

    Args:
        module: As for `hessian_eigenvalues`, like `loss` and `batches`.
        loss: Criterion.
        batches: Pairs (inputs, targets).
        iterations: Number of Lanczos steps, at most the number of parameters. The width of a bump is about
            1 / iterations of the range.
        repeats: Number of random starts to average over.
        points: Number of points of the returned grid.
        seed: Seed of the random starts.

    Returns:
        The density, float64.

    Null:
        None in closed form; compare with the network at initialization.

    Cost:
        `iterations` · `repeats` Hessian products, each about as long as two gradients over all batches.

    Misleads:
        Bumps are as wide as the resolution. An outlier weighs 1 / parameters, far below what a plot shows,
        though Lanczos finds it: read the range, not the height.

    Raises:
        ModuleNotFoundError: curvlinops is not installed.
        ValueError: As for `hessian_eigenvalues`; a number out of range; the Hessian has too few distinct
            eigenvalues for so many iterations, as a multiple of the identity has.

    References:
        Papyan, JMLR 2020 (1811.07062), algorithm 2; Ghorbani, Krishnan, Xiao, ICML 2019 (1901.10159).
    """
    from curvlinops import lanczos_approximate_spectrum
    from curvlinops.papyan2020traces.spectrum import fast_lanczos

    exhausted = (
        f"iterations: the loss's Hessian has fewer distinct eigenvalues than {iterations} iterations need; "
        "take fewer iterations, or hessian_eigenvalues"
    )
    with _operator(module, loss, batches) as operator, seeded(seed, operator.device):
        size = operator.shape[0]
        if not 2 <= iterations <= size or repeats < 1 or points < 2:
            raise ValueError(
                f"iterations, repeats, points: expected 2 to {size}, at least 1 and at least 2, got "
                f"{iterations}, {repeats} and {points}"
            )
        try:
            # Ritz values reach the ends of the spectrum first, which ARPACK would polish at great cost.
            ritz = fast_lanczos(operator, iterations)[0]
            low, high = float(ritz.min()), float(ritz.max())
            if not high > low:
                raise ValueError(exhausted)
            grid, density = lanczos_approximate_spectrum(
                operator, iterations, num_points=points, num_repeats=repeats, boundaries=(low, high)
            )
        except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]  # public, but not in __all__
            raise ValueError(exhausted) from error
    if not bool(torch.isfinite(density).all()):
        raise ValueError(exhausted)
    return SpectralDensity(eigenvalues=grid.detach().cpu(), density=density.detach().cpu())


@contextmanager
def _operator(module: nn.Module, loss: nn.Module, batches: Batches) -> Iterator[HessianLinearOperator]:
    """The Hessian as products with vectors, of the network in float64; after it, the module is as before."""
    try:
        from curvlinops import HessianLinearOperator
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "measures of curvature need curvlinops: pip install 'lowcomplex[curvature]'"
        ) from error
    data = [_pair(batch) for batch in batches]
    if not data:
        raise ValueError("batches: expected at least one pair (inputs, targets)")
    with measured(module, Tensor.double, each=False) as network, torch.enable_grad():
        if not network.parameters:
            raise ValueError(f"module: {type(module).__name__} has no trainable parameter")
        device = next(iter(network.parameters.values())).device
        data = [(x.to(device), y.to(device)) for x, y in data]
        network.probe(data[0][0])
        function = _Function(network)
        criterion = total_loss(loss, [(function(x).detach(), y) for x, y in data])
        parameters = list(function.parameters())
        operator = HessianLinearOperator(function, criterion, parameters, data, check_deterministic=False)
        probe = torch.ones(operator.shape[1], dtype=torch.float64, device=device)
        finite(operator @ probe, "module: its loss's Hessian")
        yield operator


class _Function(nn.Module):
    """The network as curvlinops takes it: a module whose parameters have one name each."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network
        self.values = nn.ParameterList(nn.Parameter(value) for value in network.parameters.values())

    def forward(self, x: Tensor) -> Tensor:
        values = list(self.values)
        # Adds nothing to the output, but every parameter to the graph, also one that is not used.
        nothing = 0 * torch.stack([value.square().sum() for value in values]).sum()
        return self._network(x, dict(zip(self._network.parameters, values, strict=True))) + nothing


def _pair(batch: object) -> tuple[Tensor, Tensor]:
    """Inputs and targets in float64, integers as they are."""
    pair = tuple(batch) if isinstance(batch, tuple | list) else ()
    if len(pair) != 2 or not all(isinstance(part, Tensor) for part in pair):
        kinds = ", ".join(type(part).__name__ for part in pair) or type(batch).__name__
        raise TypeError(
            f"batches: expected pairs of tensors (inputs, targets), got {kinds}; wrap a network of several "
            "inputs in a module that takes one tensor"
        )
    x, y = (part.double() if part.is_floating_point() else part for part in pair)
    return x, y

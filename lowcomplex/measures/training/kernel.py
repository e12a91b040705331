"""Measures of a kernel: its spectrum, the target in its eigenvectors, and how far it has turned."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import is_half, result_dtype, rounding_unit
from lowcomplex.measures._validation import matrices


def kernel_spectrum(kernel: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch n"]:
    """Eigenvalues of a symmetric kernel over their sum, descending.

    The exponential of their entropy is `effective_rank(kernel)`, the number of modes that can be learned at
    comparable speed.

    Args:
        kernel: (..., n, n) symmetric, positive semidefinite.

    Returns:
        (..., n) shares with sum 1, float64; NaN for a zero kernel. Invariant under scale and permutations.

    Null:
        None in closed form; compare with the network at initialization.

    Cost:
        Time O(n³).

    Misleads:
        The mean of the outputs' gradients is one mode that can outweigh all others, and then the entropy
        measures little else.

    Raises:
        TypeError: `kernel` is not a floating-point tensor.
        ValueError: `kernel` is not symmetric or not positive semidefinite, up to rounding; NaN or infinity.

    Example:
        >>> kernel_spectrum(torch.tensor([[3.0, 0.0], [0.0, 1.0]]))
        tensor([0.7500, 0.2500], dtype=torch.float64)
    """
    eigenvalues, _ = _eigen(kernel)
    return eigenvalues / eigenvalues.sum(-1, keepdim=True)


def target_spectrum(kernel: Float[Tensor, "n n"], targets: Float[Tensor, "n *outputs"]) -> Float[Tensor, "n"]:
    """Share of the targets along each eigenvector of a kernel, ‖u_iᵀ Y‖² / ‖Y‖², largest eigenvalue first.

    Under gradient flow in the lazy regime, mode i of the targets is learned at a rate proportional to its
    eigenvalue. The more of the target lies in the first modes, the simpler the target is for this network.

    Args:
        kernel: (n, n) symmetric, positive semidefinite.
        targets: (n,) or (n, c), Y.

    Returns:
        (n,) shares with sum 1, float64; NaN for zero targets. Within an eigenspace of several dimensions only
        the sum of the shares is determined.

    Null:
        1/n on average in each mode for targets that do not depend on the kernel.

    Cost:
        Time O(n³).

    Misleads:
        Eigenvectors of eigenvalues at rounding level are arbitrary, and so are their shares. Rates belong to
        gradient flow with this kernel, not to Adam.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: As for `kernel_spectrum`; shapes do not agree.

    Reference:
        Arora, Du, Hu, Li, Wang, ICML 2019 (1901.08584), theorem 4.1.

    Example:
        >>> kernel = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
        >>> target_spectrum(kernel, torch.tensor([1.0, -1.0]))
        tensor([0.5000, 0.5000], dtype=torch.float64)
    """
    if kernel.ndim != 2:
        raise ValueError(f"kernel: expected one kernel (n, n), got shape {tuple(kernel.shape)}")
    targets = _targets(kernel, targets)
    _, vectors = _eigen(kernel)
    scaled = targets.double() / targets.double().abs().amax()
    squared: Tensor = (vectors.mT @ scaled).square().sum(-1)
    return squared / squared.sum()


def kernel_alignment(
    kernel: Float[Tensor, "*batch n n"], targets: Float[Tensor, "n *outputs"]
) -> Float[Tensor, "*batch"]:
    """Cosine between a kernel and the targets' kernel, <K, Y Yᵀ> / (‖K‖_F ‖Y Yᵀ‖_F).

    Args:
        kernel: (..., n, n) symmetric.
        targets: (n,) or (n, c), Y.

    Returns:
        (...), in [0, 1] for positive semidefinite kernels: 1 if the kernel is Y Yᵀ up to scale.

    Null:
        tr K / (n ‖K‖_F) on average for a target that does not depend on the kernel.

    Cost:
        Time O(n²).

    Misleads:
        Neither kernel is centered: a constant part of the kernel aligns with targets of one sign, whatever
        was learned.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: Shapes do not agree, or there are NaN or infinite entries.

    Reference:
        Cristianini, Shawe-Taylor, Elisseeff, Kandola, NeurIPS 2001, definition 1.

    Example:
        >>> y = torch.tensor([1.0, -2.0])
        >>> kernel_alignment(torch.outer(y, y), y)
        tensor(1.)
    """
    kernel = matrices(kernel, "kernel")
    targets = _targets(kernel, targets)
    return _cosine(kernel, targets.double() @ targets.double().mT)


def kernel_drift(
    before: Float[Tensor, "*batch n m"], after: Float[Tensor, "*batch n m"]
) -> Float[Tensor, "*batch"]:
    """How much a kernel has turned, 1 - <K, K'> / (‖K‖_F ‖K'‖_F).

    Args:
        before: (..., n, m), such as the neural tangent kernel at initialization.
        after: (..., n, m), such as the kernel after training.

    Returns:
        (...): 0 for kernels equal up to scale (lazy training), at most 1 for positive semidefinite ones.

    Null:
        0 in lazy training, and for a kernel that only grows.

    Cost:
        Time O(n m).

    Misleads:
        Growth alone does not show. A constant part that both kernels share keeps it small although the rest
        has turned.

    Raises:
        TypeError: A tensor is not floating-point.
        ValueError: Shapes do not agree, or there are NaN or infinite entries.

    Reference:
        Fort et al., NeurIPS 2020 (2010.15110), section 3.

    Example:
        >>> kernel_drift(torch.eye(2), 3 * torch.eye(2)).abs()
        tensor(0.)
    """
    before, after = matrices(before, "before"), matrices(after, "after")
    if before.shape[-2:] != after.shape[-2:]:
        raise ValueError(
            f"before, after: expected the same shape, got {tuple(before.shape)} and {tuple(after.shape)}"
        )
    return 1 - _cosine(before, after)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine between matrices as vectors, computed in float64; NaN if a matrix is zero."""
    a_unit, b_unit = (m.double() / m.double().abs().amax((-2, -1), keepdim=True) for m in (a, b))
    inner = (a_unit * b_unit).sum((-2, -1))
    cosine: Tensor = inner / (a_unit.square().sum((-2, -1)) * b_unit.square().sum((-2, -1))).sqrt()
    return cosine.to(result_dtype(a))


def _targets(kernel: Tensor, targets: Tensor) -> Tensor:
    targets = matrices(targets[:, None] if targets.ndim == 1 else targets, "targets")
    if targets.ndim != 2 or kernel.shape[-2:] != (len(targets), len(targets)):
        raise ValueError(
            f"kernel, targets: expected (..., n, n) and (n, c), got {tuple(kernel.shape)} and "
            f"{tuple(targets.shape)}"
        )
    return targets


def _eigen(kernel: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues of a kernel over its largest entry, descending, and their vectors."""
    kernel = matrices(kernel, "kernel")
    if kernel.shape[-1] != kernel.shape[-2]:
        raise ValueError(f"kernel: expected a square matrix, got shape {tuple(kernel.shape)}")
    largest = kernel.double().abs().amax((-2, -1), keepdim=True)
    scaled = kernel.double() / torch.where(largest > 0, largest, 1.0)
    # Sums over many terms in the precision of computation; then each entry is rounded to that of storage, by
    # which symmetric entries may come to differ, and eigenvalues to move as far as the norm of all errors.
    summed = 10 * kernel.shape[-1] * torch.finfo(result_dtype(kernel)).eps
    stored = 2 * rounding_unit(kernel) if is_half(kernel) else 0.0
    if bool(((scaled - scaled.mT).abs() > summed + 2 * stored).any()):
        raise ValueError("kernel: expected a symmetric matrix")
    eigenvalues, vectors = torch.linalg.eigh(scaled)
    allowed = summed * eigenvalues[..., -1].clamp(min=1) + stored * torch.linalg.matrix_norm(scaled)
    if bool((eigenvalues[..., 0] < -allowed).any()):
        raise ValueError("kernel: expected a positive semidefinite matrix")
    return eigenvalues.flip(-1).clamp(min=0), vectors.flip(-1)

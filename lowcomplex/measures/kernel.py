"""The neural tangent kernel of a network: what it can learn without moving far, and how far it moved."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from lowcomplex.measures._validation import matrices

# Entries of the Jacobians held at once, unless told: 512 MB in float64.
_ENTRIES = 2**26


def neural_tangent_kernel(
    module: nn.Module, x: Tensor, other: Tensor | None = None, *, block: int | None = None
) -> Tensor:
    """Empirical neural tangent kernel, K(x, x') = Σ_c Σ_θ ∂f_c(x)/∂θ ∂f_c(x')/∂θ.

    Summed over the network's outputs c and its trainable parameters θ. The Jacobians are computed for a
    block of inputs at a time, so that memory is bounded whatever the number of inputs.

    Args:
        module: Maps inputs (k, ...) to outputs (k, ...), each input by itself; not changed.
        x: (n, ...) inputs.
        other: (m, ...) further inputs; `x` itself if None.
        block: Inputs a block; chosen for bounded memory if None.

    Returns:
        (n, m), in the network's dtype; symmetric and positive semidefinite if `other` is None. Scales as the
        square of the outputs.

    Raises:
        ValueError: The module has no trainable parameter; there are no inputs; `block` is not positive; or
            the kernel is not finite.

    Reference:
        Jacot, Gabriel, Hongler, NeurIPS 2018 (1806.07572), section 4.

    Example:
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> neural_tangent_kernel(layer, torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
        tensor([[5., 2.],
                [2., 1.]])
    """
    parameters = {name: p.detach() for name, p in module.named_parameters() if p.requires_grad}
    if not parameters:
        raise ValueError(f"module: {type(module).__name__} has no trainable parameter")
    for name, inputs in {"x": x, "other": other}.items():
        if inputs is not None and (inputs.ndim < 1 or len(inputs) == 0):
            raise ValueError(f"{name}: expected inputs (n, ...), got shape {tuple(inputs.shape)}")
    fixed = {name: p.detach() for name, p in module.named_parameters() if not p.requires_grad}
    fixed |= dict(module.named_buffers())

    def outputs(theta: dict[str, Tensor], single: Tensor) -> Tensor:
        value: Tensor = functional_call(module, theta | fixed, (single[None],))
        return value.flatten()

    def jacobian(inputs: Tensor) -> Tensor:
        pieces = vmap(jacrev(outputs), (None, 0))(parameters, inputs)
        # Output and parameter are one index: the sum over both is the kernel.
        return torch.cat([piece.flatten(1) for piece in pieces.values()], 1)

    if block is None:
        with torch.no_grad():
            width = outputs(parameters, x[0]).numel()
        block = max(1, _ENTRIES // (2 * width * sum(p.numel() for p in parameters.values())))
    elif block < 1:
        raise ValueError(f"block: expected a positive number of inputs, got {block}")
    rows, columns = (torch.split(inputs, block) for inputs in (x, x if other is None else other))
    kernel = [[torch.empty(0)] * len(columns) for _ in rows]
    for i, row in enumerate(rows):
        of_row = jacobian(row)
        for j, column in enumerate(columns):
            if other is None and j < i:
                kernel[i][j] = kernel[j][i].mT
            elif other is None and j == i:
                product = of_row @ of_row.mT
                # A matrix product rounds its two triangles differently.
                kernel[i][j] = (product + product.mT) / 2
            else:
                kernel[i][j] = of_row @ jacobian(column).mT
    result = torch.cat([torch.cat(row, 1) for row in kernel])
    if not bool(torch.isfinite(result).all()):
        raise ValueError("module: its tangent kernel holds NaN or infinite entries")
    return result


def kernel_alignment(kernel: Tensor, targets: Tensor) -> Tensor:
    """Cosine between a kernel and that of the targets, <K, Y Yᵀ> / (‖K‖_F ‖Y Yᵀ‖_F).

    Args:
        kernel: (..., n, n) symmetric.
        targets: (n,) or (n, c), Y.

    Returns:
        (...), in [0, 1] for positive semidefinite kernels: 1 if the kernel is Y Yᵀ up to scale.

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
    targets = matrices(targets[:, None] if targets.ndim == 1 else targets, "targets")
    if targets.ndim != 2 or kernel.shape[-2:] != (len(targets), len(targets)):
        raise ValueError(
            f"kernel, targets: expected (..., n, n) and (n, c), got {tuple(kernel.shape)} and "
            f"{tuple(targets.shape)}"
        )
    return _cosine(kernel, targets.double() @ targets.double().mT)


def kernel_drift(before: Tensor, after: Tensor) -> Tensor:
    """How much a kernel has turned, 1 - <K, K'> / (‖K‖_F ‖K'‖_F).

    Args:
        before: (..., n, m), such as the neural tangent kernel at initialization.
        after: (..., n, m), such as that after training.

    Returns:
        (...): 0 for kernels equal up to scale (lazy training), at most 1 for positive semidefinite ones.

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
    """Of matrices as vectors, in float64; NaN if one is zero."""
    a_unit, b_unit = (m.double() / m.double().abs().amax((-2, -1), keepdim=True) for m in (a, b))
    inner = (a_unit * b_unit).sum((-2, -1))
    cosine: Tensor = inner / (a_unit.square().sum((-2, -1)) * b_unit.square().sum((-2, -1))).sqrt()
    return cosine.to(a.dtype)

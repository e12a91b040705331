"""The empirical neural tangent kernel of a network: what it can learn without moving far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import jacrev, jvp, vjp, vmap

from lowcomplex.measures._networks import measured

# Default number of entries of Jacobians or tangents held at once: 512 MB in float64.
_ENTRIES = 2**26
# Pairs of inputs whose activations carry tangents at once.
_PAIRS = 2**14
# Slices into which a symmetric product is cut to leave out its lower triangle.
_SLICES = 4
# Costs of a backward pass and of a pass that carries a tangent, in forward passes.
_BACKWARD, _TANGENT = 2, 2
Parameters = dict[str, Tensor]


def neural_tangent_kernel(
    module: nn.Module,
    x: Float[Tensor, "n *input"],
    other: Float[Tensor, "m *input"] | None = None,
    *,
    block: int | None = None,
    method: Literal["auto", "contraction", "products"] = "auto",
) -> Float[Tensor, "n columns"]:
    """Empirical neural tangent kernel, K(x, x') = Σ_c Σ_θ ∂f_c(x)/∂θ ∂f_c(x')/∂θ.

    The sum is over the network's outputs c and its trainable parameters θ. There are two methods:

    - "contraction" multiplies the Jacobians of blocks of inputs. Per output it needs n backward passes and n²
      inner products of all parameters.
    - "products" never holds a Jacobian. It carries the gradient of one output at one input forward through
      the network at all inputs, with n² forward passes with a tangent per output. It is cheaper where the
      Jacobian of one input is too large to hold, or where most parameters are touched by few inputs, as those
      of an embedding are.

    Args:
        module: Maps inputs (k, ...) to outputs (k, ...) or (k,), each input by itself; not changed. Of a
            mapping or dataclass as output, the logits or the only tensor is taken.
        x: (n, ...) inputs.
        other: (m, ...) further inputs; `x` itself if None.
        block: Number of inputs per block; chosen for bounded memory if None.
        method: "auto" takes the method with fewer operations, which are counted in one forward pass. If the
            Jacobian of a single input would not fit into memory, it takes "products".

    Returns:
        (n, m), in the network's dtype; float32 for a network in half precision. Symmetric and positive
        semidefinite if `other` is None. Scales as the square of the outputs.

    Null:
        None in closed form; compare with the network at initialization.

    Cost:
        See the methods above; memory is that of one block of Jacobians.

    Misleads:
        The sum over outputs hides how outputs couple. Training follows this kernel only under gradient flow
        and while it stays constant; Adam follows another.

    Raises:
        TypeError: Inputs are no tensor, or have another precision than the network; the output is no tensor.
        ValueError: The module has no trainable parameter; there are no inputs; `block` is not positive; an
            unknown method; the kernel is not finite; the network is random or normalizes over the batch, as
            in training mode.
        NotImplementedError: method="products", and an operation has no forward derivative.

    References:
        Jacot, Gabriel, Hongler, NeurIPS 2018 (1806.07572), section 4; Novak, Sohl-Dickstein, Schoenholz, ICML
        2022 (2206.08720), sections 3.2 and 3.3, for both methods and their costs.

    Example:
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> neural_tangent_kernel(layer, torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
        tensor([[5., 2.],
                [2., 1.]])
    """
    if block is not None and block < 1:
        raise ValueError(f"block: expected a positive number of inputs, got {block}")
    if method not in ("auto", "contraction", "products"):
        raise ValueError(f"method: expected auto, contraction or products, got {method!r}")
    with measured(module) as network:
        parameters = network.parameters
        if not parameters:
            raise ValueError(f"module: {type(module).__name__} has no trainable parameter")
        x = network.checked(x, "x")
        other = None if other is None else network.checked(other, "other")

        def outputs(theta: Parameters, inputs: Tensor) -> Tensor:
            return network(inputs, theta).reshape(len(inputs), -1)

        chosen = method
        if method == "auto":
            chosen = _cheaper(outputs, parameters, x, len(x if other is None else other))
        try:
            compute = _by_contraction if chosen == "contraction" else _by_products
            kernel = compute(outputs, parameters, x, other, block)
        except NotImplementedError:
            # Products carry tangents forward, for which some operation has no derivative.
            if method != "auto" or chosen == "contraction":
                raise
            kernel = _by_contraction(outputs, parameters, x, other, block)
    if not bool(torch.isfinite(kernel).all()):
        raise ValueError("module: its tangent kernel holds NaN or infinite entries")
    return kernel


def _cheaper(
    outputs: Callable[[Parameters, Tensor], Tensor], parameters: Parameters, x: Tensor, columns: int
) -> Literal["contraction", "products"]:
    """The method with fewer floating-point operations among those that fit into memory."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        width = outputs(parameters, x[:1]).shape[1]
    forward, size = counter.get_total_flops(), _size(parameters)
    if width * size > _ENTRIES:
        return "products"
    rows = len(x)
    contraction = 2 * width * size * rows * columns + width * (rows + columns) * (1 + _BACKWARD) * forward
    products = width * columns * (1 + _BACKWARD) * forward + width * rows * columns * _TANGENT * forward
    # Each output's gradient is written in full, even if it is zero for most parameters.
    return "products" if products + width * columns * size < contraction else "contraction"


def _by_contraction(
    outputs: Callable[[Parameters, Tensor], Tensor],
    parameters: Parameters,
    x: Tensor,
    other: Tensor | None,
    block: int | None,
) -> Tensor:
    def jacobian(inputs: Tensor) -> list[Tensor]:
        pieces = vmap(jacrev(lambda theta, single: outputs(theta, single[None])[0]), (None, 0))(
            parameters, inputs
        )
        return [piece.flatten(1) for piece in pieces.values()]

    def inner(a: list[Tensor], b: list[Tensor]) -> Tensor:
        # Outputs and parameters are flattened to one index; the kernel is the sum over it.
        product = a[0] @ b[0].mT
        for left, right in zip(a[1:], b[1:], strict=True):
            product.addmm_(left, right.mT)
        return product

    def with_itself(a: list[Tensor]) -> Tensor:
        # Each slice of rows is multiplied by itself and those after it: five eighths of the products.
        n = len(a[0])
        product = a[0].new_zeros(n, n)
        for start in range(0, n, -(-n // _SLICES)):
            rows = slice(start, start + -(-n // _SLICES))
            product[rows, start:] = inner([piece[rows] for piece in a], [piece[start:] for piece in a])
        return product.triu() + product.triu(1).mT

    if block is None:
        with torch.no_grad():
            width = outputs(parameters, x[:1]).shape[1]
        block = max(1, _ENTRIES // (2 * width * _size(parameters)))
    rows, columns = (torch.split(inputs, block) for inputs in (x, x if other is None else other))
    kernel = [[torch.empty(0)] * len(columns) for _ in rows]
    for i, row in enumerate(rows):
        of_row = jacobian(row)
        for j, column in enumerate(columns):
            if other is None and j < i:
                kernel[i][j] = kernel[j][i].mT
            elif other is None and j == i:
                kernel[i][j] = with_itself(of_row)
            else:
                kernel[i][j] = inner(of_row, jacobian(column))
    return torch.cat([torch.cat(row, 1) for row in kernel])


def _by_products(
    outputs: Callable[[Parameters, Tensor], Tensor],
    parameters: Parameters,
    x: Tensor,
    other: Tensor | None,
    block: int | None,
) -> Tensor:
    columns = x if other is None else other
    with torch.no_grad():
        width = outputs(parameters, x[:1]).shape[1]
    at_once = min(_PAIRS, max(1, _ENTRIES // (4 * _size(parameters)))) if block is None else block
    rows = torch.split(x, max(1, _PAIRS // at_once))
    basis = torch.eye(width, dtype=next(iter(parameters.values())).dtype, device=x.device)

    def column(single: Tensor, unit: Tensor) -> Tensor:
        pullback = vjp(lambda theta: outputs(theta, single[None])[0], parameters)[1]
        (gradient,) = pullback(unit)
        tangents = [
            jvp(lambda theta, r=row: outputs(theta, r), (parameters,), (gradient,))[1] for row in rows
        ]
        return torch.cat(tangents) @ unit

    pairs = torch.cartesian_prod(
        torch.arange(len(columns), device=x.device), torch.arange(width, device=x.device)
    ).reshape(-1, 2)
    kernel = basis.new_zeros(len(columns), len(x))
    for part in torch.split(pairs, at_once):
        found = vmap(column)(columns[part[:, 0]], basis[part[:, 1]])
        kernel.index_add_(0, part[:, 0], found)
    # Rounding differs between the two triangles.
    return (kernel + kernel.mT) / 2 if other is None else kernel.mT


def _size(parameters: Parameters) -> int:
    return sum(p.numel() for p in parameters.values())

"""How strongly a network's outputs respond to its inputs: norms of the input-output Jacobian on data."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, jacfwd, jacrev, vmap

from lowcomplex.measures._precision import at_least_single
from lowcomplex.measures._validation import finite

# Default number of Jacobian entries held at once: 128 MB in float64.
_ENTRIES = 2**24


class JacobianNorms(NamedTuple):
    """Norms of the Jacobian at each input.

    Attributes:
        frobenius: (n,) ‖J‖_F.
        spectral: (n,) ‖J‖_2, the largest stretch of a small change of the input.
    """

    frobenius: Float[Tensor, "n"]
    spectral: Float[Tensor, "n"]


def jacobian_norms(
    module: nn.Module, x: Float[Tensor, "n *input"], *, block: int | None = None
) -> JacobianNorms:
    """Frobenius and spectral norm of J = ∂f(x)/∂x at each input.

    Args:
        module: Maps inputs (k, ...) to outputs (k, ...), each input by itself; not changed.
        x: (n, ...) inputs of a floating-point dtype.
        block: Number of inputs whose Jacobians are held at once; chosen for bounded memory if None.

    Returns:
        Both (n,), in the network's dtype; float32 for a network in half precision. They scale as the outputs
        over the inputs. Differentiation runs backward if there are fewer outputs than inputs, forward
        otherwise.

    Raises:
        TypeError: `x` is not a floating-point tensor.
        ValueError: There are no inputs; `block` is not positive; a Jacobian holds NaN or infinity.

    Reference:
        Novak, Bahri, Abolafia, Pennington, Sohl-Dickstein, ICLR 2018 (1802.08760), section 3.1.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> layer.weight.data = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
        >>> jacobian_norms(layer, torch.zeros(1, 2)).frobenius
        tensor([5.])
    """
    if finite(x, "x").ndim < 1 or len(x) == 0:
        raise ValueError(f"x: expected inputs (n, ...), got shape {tuple(x.shape)}")
    if block is not None and block < 1:
        raise ValueError(f"block: expected a positive number of inputs, got {block}")
    x = at_least_single(x)
    tensors = dict(module.named_parameters()) | dict(module.named_buffers())
    state = {n: at_least_single(t.detach()) if t.is_floating_point() else t for n, t in tensors.items()}

    def outputs(single: Tensor) -> Tensor:
        value: Tensor = functional_call(module, state, (single[None],))
        return value.flatten()

    with torch.no_grad():
        width = len(outputs(x[0]))
    inputs = x[0].numel()
    transform = jacrev if width < inputs else jacfwd
    block = max(1, _ENTRIES // max(1, width * inputs)) if block is None else block
    frobenius, spectral = [], []
    for part in torch.split(x.detach(), block):
        jacobian = vmap(transform(outputs))(part).reshape(len(part), width, inputs)
        if not bool(torch.isfinite(jacobian).all()):
            raise ValueError("module: its Jacobian holds NaN or infinite entries")
        frobenius.append(torch.linalg.matrix_norm(jacobian))
        spectral.append(torch.linalg.matrix_norm(jacobian, ord=2))
    return JacobianNorms(torch.cat(frobenius), torch.cat(spectral))

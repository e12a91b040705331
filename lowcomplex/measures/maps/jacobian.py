"""How strongly a network's outputs respond to its inputs: norms of the input-output Jacobian on data."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import jacfwd, jacrev, vmap

from lowcomplex.measures._networks import measured
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
        module: Maps inputs (k, ...) to outputs (k, ...), each input by itself; not changed. Of a mapping or
            dataclass as output, the logits or the only tensor is taken.
        x: (n, ...) inputs of a floating-point dtype.
        block: Number of inputs whose Jacobians are held at once; chosen for bounded memory if None.

    Returns:
        Both (n,), in the network's dtype; float32 for a network in half precision. They scale as the outputs
        over the inputs. Differentiation runs backward if there are fewer outputs than inputs, forward
        otherwise.

    Null:
        None in closed form; compare with the network at initialization.

    Cost:
        A backward pass per output or a forward pass per input dimension, for each sample.

    Misleads:
        It scales with the outputs: more confident logits have larger norms at the same decision boundary. It
        says nothing away from the samples.

    Raises:
        TypeError: `x` is not a floating-point tensor, or has another precision than the network; the output
            is no tensor.
        ValueError: There are no inputs; `block` is not positive; a Jacobian holds NaN or infinity; the
            network is random or normalizes over the batch, as in training mode.

    Reference:
        Novak, Bahri, Abolafia, Pennington, Sohl-Dickstein, ICLR 2018 (1802.08760), section 3.1.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> layer.weight.data = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
        >>> jacobian_norms(layer, torch.zeros(1, 2)).frobenius
        tensor([5.])
    """
    finite(x, "x")
    if block is not None and block < 1:
        raise ValueError(f"block: expected a positive number of inputs, got {block}")
    with measured(module) as network:
        x = network.checked(x.detach(), "x")

        def outputs(single: Tensor) -> Tensor:
            return network(single[None]).flatten()

        with torch.no_grad():
            width = len(outputs(x[0]))
        inputs = x[0].numel()
        forward = width >= inputs
        block = max(1, _ENTRIES // max(1, width * inputs)) if block is None else block
        frobenius, spectral = [], []
        for part in torch.split(x, block):
            try:
                jacobian = vmap((jacfwd if forward else jacrev)(outputs))(part)
            except NotImplementedError:
                # An operation without a forward derivative.
                if not forward:
                    raise
                forward = False
                jacobian = vmap(jacrev(outputs))(part)
            jacobian = jacobian.reshape(len(part), width, inputs)
            if not bool(torch.isfinite(jacobian).all()):
                raise ValueError("module: its Jacobian holds NaN or infinite entries")
            frobenius.append(torch.linalg.matrix_norm(jacobian))
            spectral.append(torch.linalg.matrix_norm(jacobian, ord=2))
    return JacobianNorms(torch.cat(frobenius), torch.cat(spectral))

"""Members as one matrix of parameters, one row per member, with views of every parameter."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from lowcomplex.matrices import matrix_parameters, weight_matrices
from lowcomplex.networks import TwoLayer
from lowcomplex.training._buffers import Buffers

_SCALARS = (bool, int, float, str, type(None))
# Each parameter of a row starts at a multiple of 64 numbers: see `_batched_product` for why.
_ROW = 64


class Stack:
    """The trained parameters of networks of one architecture in one matrix.

    Attributes:
        flat: (rows, numbers); weight matrices first, then the rest, with gaps of zeros. A lone network takes
            two rows, since products of a batch of one are computed differently.
        matrices: How many numbers of a row belong to matrices and their gaps.
        views: Every trained parameter, (rows, *shape), as a leaf that shares memory with `flat`.
        fixed: Parameters that need no gradient, stacked.
        buffers: The buffers of all rows.

    Args:
        members: The networks; their values are copied.

    Raises:
        ValueError: No members, nothing to train, a parameter without a shape yet, a weight that a hook
            computes, or members that differ in more than numbers.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        require_same_architecture(members)
        rows = [dict(member.named_parameters()) for member in members]
        rows = rows * 2 if len(rows) == 1 else rows
        trained = {name: p for name, p in rows[0].items() if p.requires_grad}
        if not trained:
            raise ValueError("members: have no parameter that needs a gradient")
        if len({(p.dtype, p.device) for p in trained.values()}) > 1:
            raise ValueError("members: expected parameters of one dtype on one device")
        of_matrices = matrix_parameters(members[0])
        order = sorted(trained, key=lambda name: id(trained[name]) not in of_matrices)
        sizes = [trained[name].numel() for name in order]
        self._gaps = [-size % _ROW for size in sizes]
        self.flat = trained[order[0]].new_zeros(len(rows), sum(sizes) + sum(self._gaps)).detach()
        self.views: dict[str, Tensor] = {}
        self.matrices, start = 0, 0
        with torch.no_grad():
            for name, gap in zip(order, self._gaps, strict=True):
                stacked = torch.stack([row[name].detach() for row in rows])
                end = start + trained[name].numel()
                view = self.flat[:, start:end].view(stacked.shape).copy_(stacked)
                self.views[name] = view.detach().requires_grad_()
                start = end + gap
                self.matrices = start if id(trained[name]) in of_matrices else self.matrices
            self.fixed = {
                name: torch.stack([row[name].detach() for row in rows])
                for name, p in rows[0].items()
                if not p.requires_grad
            }
        self.buffers = Buffers(members if len(members) > 1 else [*members, *members])
        self.device = self.flat.device

    def named(self) -> dict[str, Tensor]:
        """Everything that a member's forward pass needs, stacked."""
        return {**self.views, **self.fixed, **self.buffers.values}

    def gradient(self, loss: Tensor) -> Tensor:
        """(rows, numbers) gradient of a scalar loss, laid out as `flat`."""
        leaves = list(self.views.values())
        gradients = torch.autograd.grad(loss, leaves, materialize_grads=True)
        zeros = self.flat.new_zeros(len(self.flat), _ROW)
        pieces = [
            piece
            for gradient, gap in zip(gradients, self._gaps, strict=True)
            for piece in (gradient.reshape(len(zeros), -1), zeros[:, :gap])
        ]
        return torch.cat(pieces, 1)


def _require_no_hooked_weights(member: nn.Module) -> None:
    """Refuse weights that a hook puts into a plain attribute: all members would have the first one's."""
    for matrix in weight_matrices(member):
        path, _, attribute = matrix.name.rpartition(".")
        if matrix.computed is not None and attribute in vars(member.get_submodule(path)):
            raise ValueError(
                f"members: {matrix.name} is computed by a hook ({matrix.computed.how}); expected a "
                "parameter, or a parametrization (torch.nn.utils.parametrizations)"
            )


def require_same_architecture(members: Sequence[nn.Module]) -> None:
    """Refuse members that differ in anything but their numbers (and a two-layer network's α).

    Raises:
        TypeError: A member is not a network.
        ValueError: What differs, and where; or a weight that a hook computes.
    """
    if not members:
        raise ValueError("members: expected at least one network, got none")
    for index, member in enumerate(members):
        if not isinstance(member, nn.Module):
            raise TypeError(f"members: expected networks, but member {index} is {member!r}")
    for name, value in [*members[0].named_parameters(), *members[0].named_buffers()]:
        if is_lazy(value):
            raise ValueError(f"members: {name} has no shape yet; give the network an input once")
    _require_no_hooked_weights(members[0])
    first = _description(members[0])
    for index, member in enumerate(members[1:], 1):
        other = _description(member)
        for key in first.keys() | other.keys():
            if first.get(key) != other.get(key):
                raise ValueError(
                    f"members: expected one architecture, but {key} is {first.get(key)} in member 0 and "
                    f"{other.get(key)} in member {index}"
                )


def _description(module: nn.Module) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for path, part in module.named_modules():
        found[f"{path}.class" if path else "the class"] = type(part).__qualname__
        for name, value in vars(part).items():
            # A two-layer network's output scale is one of the numbers in which members may differ.
            if name == "alpha" and type(part) is TwoLayer:
                continue
            key = f"{path}.{name}".lstrip(".")
            if isinstance(value, _SCALARS):
                found[key] = value
            elif isinstance(value, Tensor):
                # Of such a tensor all members use the first one's.
                content = value.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()
                found[key] = (
                    f"a tensor that is no buffer, with digest {hashlib.sha256(content).hexdigest()[:8]}"
                )
            elif callable(value):
                found[key] = getattr(value, "__qualname__", type(value).__qualname__)
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        found[f"the shape of {name}"] = (tuple(value.shape), value.dtype, value.requires_grad)
    return found

"""Where attention goes, by what a position stands for rather than by where it is."""

from __future__ import annotations

import torch
from torch import Tensor

from lowcomplex.measures._validation import finite


def attention_flow(attention: Tensor, roles: Tensor, count: int) -> Tensor:
    """Mean attention from positions of one role to positions of another.

        flow[t, s] = mean over positions i of role t of Σ_{j of role s} attention[i, j],  averaged over heads

    Args:
        attention: (..., n, heads, query position, key position) weights.
        roles: (n, positions) what each position stands for, integers in 0..count-1, such as "the key".
        count: Number of roles.

    Returns:
        (..., count, count), the asking role first. A row sums to one where attention does; NaN where no
        position has the role. Attention that is uniform over what it may see gives each role the share of
        such positions, the null.

    Raises:
        TypeError: `attention` is not a floating-point tensor, or `roles` not of integers.
        ValueError: NaN or infinity, shapes that do not fit, or a role outside 0..count-1.

    Reference:
        The information flow of Zhang et al., NeurIPS 2024, figure 3, as numbers.

    Example:
        >>> attention = torch.tensor([[[[1.0, 0.0], [0.25, 0.75]]]])
        >>> attention_flow(attention, torch.tensor([[0, 1]]), 2)
        tensor([[1.0000, 0.0000],
                [0.2500, 0.7500]])
    """
    finite(attention, "attention")
    if roles.is_floating_point() or roles.is_complex() or roles.dtype == torch.bool:
        raise TypeError(f"roles: expected integers, got {roles.dtype}")
    positions = attention.shape[-1] if attention.ndim else 0
    expected = (*attention.shape[-4:-3], positions)
    if attention.ndim < 4 or attention.shape[-2] != positions or roles.shape != expected:
        raise ValueError(
            "attention, roles: expected (..., n, heads, positions, positions) and (n, positions), got "
            f"{tuple(attention.shape)} and {tuple(roles.shape)}"
        )
    if roles.numel() == 0 or not 0 <= int(roles.min()) <= int(roles.max()) < count:
        raise ValueError(f"roles: expected integers in 0..{count - 1}, at least one sequence of them")
    is_role = torch.nn.functional.one_hot(roles.long(), count).to(attention.device, torch.float64)
    mean = attention.double().mean(-3)
    flow = torch.einsum("nqt,...nqk,nks->...ts", is_role, mean, is_role)
    return (flow / is_role.sum((0, 1))[:, None]).to(attention.dtype)

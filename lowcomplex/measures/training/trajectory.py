"""In how many dimensions training moved, and how far; few even where single matrices stay full-rank."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._precision import result_dtype
from lowcomplex.measures._validation import matrices


def trajectory_spectrum(path: Float[Tensor, "*batch points parameters"]) -> Float[Tensor, "*batch points-1"]:
    """Share of each principal component in the variance of a path through parameter space.

    The eigenvalues of the centered Gram matrix of the points, over their sum. The covariance of the
    parameters is never formed.

    Args:
        path: (..., points, parameters) parameters at recorded steps, flattened into one row per step.

    Returns:
        (..., points - 1) shares, descending, with sum 1; NaN for a path that does not move. Invariant under
        shift, scale and rotation of the parameters. A random walk of many parameters has few large shares
        too: compare with `lowcomplex.nulls.random_walk_spectrum`. Computed in float64.

    Null:
        `lowcomplex.nulls.random_walk_spectrum`.

    Cost:
        Time O(points² · parameters).

    Misleads:
        Phases that are recorded densely weigh more. Few large components are no sign of structure: a random
        walk has them.

    Raises:
        TypeError: `path` is not a floating-point tensor.
        ValueError: Fewer than two points, or NaN or infinity.

    Reference:
        Antognini, Sohl-Dickstein, NeurIPS 2018 (1806.08805).

    Example:
        >>> trajectory_spectrum(torch.tensor([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])).round(decimals=6)
        tensor([1., 0.])
    """
    path = matrices(path, "path")
    if path.shape[-2] < 2:
        raise ValueError(
            f"path: expected at least two points (..., points, parameters), got {path.shape[-2]}"
        )
    centered = path.double() - path.double().mean(-2, keepdim=True)
    # Squares of 1e-200 or 1e200 would leave the range of float64.
    largest = centered.abs().amax((-2, -1), keepdim=True)
    centered = centered / torch.where(largest > 0, largest, 1.0)
    variances: Tensor = torch.linalg.eigvalsh(centered @ centered.mT).flip(-1)[..., :-1].clamp(min=0)
    shares: Tensor = variances / variances.sum(-1, keepdim=True)
    return shares.to(result_dtype(path))


def trajectory_dimension(path: Float[Tensor, "*batch points parameters"]) -> Float[Tensor, "*batch"]:
    """Number of dimensions in which a path through parameter space moves, as a participation ratio.

    1 / Σ p_k², p the `trajectory_spectrum`.

    Args:
        path: (..., points, parameters).

    Returns:
        (...), in [1, points - 1]: 1 for a straight line, k for equal variance along k directions, 5/2 for a
        random walk of many points and parameters; NaN for a path that does not move.

    Null:
        5/2 for a random walk of many points and parameters.

    Cost:
        That of `trajectory_spectrum`.

    Misleads:
        A random walk, too, has less than three dimensions by this number. Phases that are recorded densely
        weigh more.

    Raises:
        TypeError: `path` is not a floating-point tensor.
        ValueError: Fewer than two points, or NaN or infinity.

    Example:
        >>> trajectory_dimension(torch.tensor([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]))
        tensor(1.)
    """
    shares = trajectory_spectrum(path.double() if path.is_floating_point() else path)
    return shares.square().sum(-1).reciprocal().to(result_dtype(path))


def relative_displacement(start: Mapping[str, Tensor], end: Mapping[str, Tensor]) -> float:
    """How far training moved the parameters, ‖θ - θ_0‖ / ‖θ_0‖ over all of them.

    Args:
        start: Parameters θ_0 by name, such as a module's `state_dict()` before training.
        end: Parameters θ of the same names and shapes.

    Returns:
        The displacement; infinite if θ_0 is zero.

    Null:
        None; without training it is 0.

    Cost:
        Time O(parameters).

    Misleads:
        The largest layers decide. The same step is a larger displacement from a smaller initialization, so it
        compares networks across γ only as a statement about both.

    Raises:
        ValueError: Names or shapes differ, or there are none.

    Reference:
        Luo, Xu, Ma, Zhang, JMLR 2021, definition 2 (RD).

    Example:
        >>> relative_displacement({"w": torch.tensor([3.0, 4.0])}, {"w": torch.tensor([3.0, 9.0])})
        1.0
    """
    if not start or {n: t.shape for n, t in start.items()} != {n: t.shape for n, t in end.items()}:
        raise ValueError("start, end: expected the same names and shapes, at least one")
    norms = [
        torch.stack([torch.linalg.vector_norm(tensor.detach().double()) for tensor in tensors]).norm()
        for tensors in ([end[name].double() - start[name].double() for name in start], list(start.values()))
    ]
    return float(norms[0] / norms[1])

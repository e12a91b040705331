"""The initialization rate γ: draw the weights of a network at it, and estimate it from weights.

A weight matrix at rate γ has independent entries N(0, d_in^(-2γ)).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lowcomplex import matrices
from lowcomplex._names import require_match
from lowcomplex._numbers import real, whole
from lowcomplex._rates import rate_or_reason, require_rates
from lowcomplex.matrices import Layout, Skipped, WeightMatrix

if TYPE_CHECKING:
    import pandas as pd

# Entries converted to double precision at once.
_PART = 2**19


def initialize(
    module: nn.Module,
    gamma: float | Mapping[str, float | None],
    *,
    parts: Mapping[str, float | None] | None = None,
    seed: int | None = None,
    generator: torch.Generator | None = None,
) -> pd.DataFrame:
    """Draw every weight matrix of a module from N(0, d_in^(-2γ)), and set every bias to zero.

    d_in is the number of inputs that one output sums: the columns of a Linear, the rows of a GPT-2 style
    Conv1D, in channels / groups x kernel size of a convolution. For embeddings of tokens or positions it is
    the embedding dimension, never the vocabulary (Zhang et al. 2024, 2025). Each matrix of a stack, such as
    experts, has a d_in of its own.

    Normalization layers are not changed, padding rows stay zero, and a tied weight is drawn once. A weight
    that the module computes from other parameters, as in weight normalization, is set through those.
    `lowcomplex.matrices` decides what counts as a weight matrix. The values depend on the generator and on
    the order of the parameters, not on the device.

    Frozen weights (`requires_grad` is False), the base of a low-rank adapter and the biases of both are left
    as they are, unless `parts` gives them a rate.

    Args:
        module: The network; changed in place.
        gamma: Initialization rate. 1/2 is the usual 1/sqrt(d_in); a larger rate gives smaller weights. A
            mapping gives the rate by shell patterns of names, such as {"*embedding*": 0.5, "*": 0.8}; the
            first match counts, and every matrix must match.
        parts: Rate of the matrices whose name matches a shell pattern, such as "blocks.*.query*"; the first
            match counts. None leaves the matrices and their biases as they are. Unlike `gamma`, it also sets
            what is frozen.
        seed: Seed of the draw: the same seed gives the same weights.
        generator: Source of randomness on the CPU, in place of a seed; PyTorch's own if both are None.

    Returns:
        A table of the weight matrices: name, shape, d_in, rule, gamma, std, left. `left` says why a matrix
        was left as it was, and its gamma and std are NaN; `left` is empty where the matrix was set.

    Raises:
        ValueError: A rate is not finite; a pattern matches nothing, or a matrix no pattern of `gamma`; both
            seed and generator are given; a matrix has d_in = 1, where γ has no effect; a parametrization
            keeps a weight from being random (spectral or orthogonal normalization, pruning, a low-rank
            adapter); a parameter has no values; there is nothing to initialize; a standard deviation is
            beyond the range of the weights' type.
        TypeError: An argument is of another type; a rate is not a number.

    Example:
        >>> table = initialize(nn.Linear(16, 3), 0.5, seed=0)
        >>> table["std"].tolist()
        [0.25]
    """
    import pandas as pd

    if not isinstance(module, nn.Module):
        raise TypeError(f"module: expected a torch.nn.Module, got {type(module).__name__}")
    if not isinstance(parts, Mapping | None):
        raise TypeError(f"parts: expected a mapping of patterns to rates, got {type(parts).__name__}")
    source = _source(seed, generator)
    rates = dict(parts or {})
    general = dict(gamma) if isinstance(gamma, Mapping) else {"*": real(gamma, "gamma")}
    require_rates("parts", rates)
    require_rates("gamma", general, single=not isinstance(gamma, Mapping))
    items = matrices.of_module(module)
    _require_values(items)
    found = [item for item in items if isinstance(item, WeightMatrix)]
    names = [matrix.name for matrix in found]
    for pattern in rates:
        require_match("parts", pattern, names)
    if isinstance(gamma, Mapping):
        for pattern in general:
            require_match("gamma", pattern, names)
    bases = matrices.bases(names)
    plan = [(matrix, *rate_or_reason(matrix, general, rates, bases)) for matrix in found]
    _require_settable(module, plan)
    rows = []
    for matrix, rate, left in plan:
        std = math.nan
        if rate is not None:
            std = _deviation(matrix, rate)
            weight = matrix.weight
            draw = torch.randn(weight.shape, generator=source, dtype=weight.dtype, device="cpu")
            matrix.put((draw * std).to(weight.device))
        rows.append(
            {
                "name": matrix.name,
                "shape": tuple(matrix.weight.shape),
                "d_in": matrix.d_in,
                "rule": matrix.rule,
                "gamma": math.nan if rate is None else float(rate),
                "std": std,
                "left": left,
            }
        )
    _zero_biases(module, plan)
    return pd.DataFrame(rows)


def effective_gamma(
    source: nn.Module | Mapping[str, Tensor],
    *,
    layout: Mapping[str, Layout] | None = None,
) -> pd.DataFrame:
    """The rate γ of each weight matrix: -log(std) / log(d_in).

    std is the root mean square of the entries, since the model has mean zero. The standard error is that of N
    independent Gaussian entries, 1 / (sqrt(2 N) log d_in); entries of a trained matrix are not independent.

    Args:
        source: A module, or a state dict, whose layouts are inferred from names and shapes; see
            `lowcomplex.matrices.of_module` and `lowcomplex.matrices.of_state`.
        layout: Layout of the matrices whose name matches a pattern, where inference would be wrong:
            "linear", "embedding", "channels-first embedding" (1, d, height, width), "convolution",
            "transposed convolution", "input-output" (GPT-2's Conv1D), "stacked" (…, out, in), "stacked
            input-output" (…, in, out), "input by heads" (in, heads, head) or "output by heads"
            (out, heads, head).

    Returns:
        A table: name, shape, d_in, rule, std, gamma, standard_error. Each matrix of a stack has a row, named
        by its place. γ is NaN where d_in = 1, and infinite for a zero matrix.

    Raises:
        ValueError: There is no weight matrix; a pattern matches nothing; a layout is unknown; a matrix has
            NaN or infinity.
        TypeError: `source` is neither a module nor a mapping, or `layout` is not a mapping.

    Example:
        >>> effective_gamma({"weight": torch.full((3, 16), 0.25)})["gamma"].tolist()
        [0.5]
    """
    import pandas as pd

    if not isinstance(layout, Mapping | None):
        raise TypeError(f"layout: expected a mapping of patterns to layouts, got {type(layout).__name__}")
    if isinstance(source, nn.Module):
        items = matrices.of_module(source, layout=layout)
    elif isinstance(source, Mapping):
        items = matrices.of_state(source, layout=layout)
    else:
        raise TypeError(f"source: expected a torch.nn.Module or a state dict, got {type(source).__name__}")
    rows = [placed(one) for item in items if isinstance(item, WeightMatrix) for one in item.each()]
    if not rows:
        raise ValueError("source: holds no weight matrix")
    return pd.DataFrame(rows)


def placed(matrix: WeightMatrix) -> dict[str, Any]:
    """The row of `effective_gamma` for one weight matrix.

    Raises:
        ValueError: The matrix is empty, or holds NaN or infinity.
    """
    std = _root_mean_square(matrix.name, matrix.weight)
    log_fan = math.log(matrix.d_in)
    error = 1 / (math.sqrt(2 * matrix.weight.numel()) * log_fan) if log_fan > 0 else math.nan
    return {
        "name": matrix.name,
        "shape": tuple(matrix.weight.shape),
        "d_in": matrix.d_in,
        "rule": matrix.rule,
        "std": std,
        "gamma": _rate(std, log_fan),
        "standard_error": error,
    }


# A matrix, its rate, and why it is left as it is: None and a reason, or a rate and "".
_Planned = tuple[WeightMatrix, float | None, str]


def _source(seed: int | None, generator: torch.Generator | None) -> torch.Generator | None:
    """The generator to draw from; None for PyTorch's own."""
    if generator is not None and not isinstance(generator, torch.Generator):
        raise TypeError(f"generator: expected a torch.Generator, got {generator!r}; a number is a seed")
    if seed is None:
        return generator
    if generator is not None:
        raise ValueError("seed: expected either a seed or a generator, got both")
    if not 0 <= whole(seed, "seed") < 2**63:
        raise ValueError(f"seed: expected an integer in [0, 2^63), got {seed}")
    return torch.Generator().manual_seed(int(seed))


def _require_settable(module: nn.Module, plan: Sequence[_Planned]) -> None:
    if all(rate is None for _, rate, _ in plan):
        reasons = sorted({left for _, _, left in plan})
        detail = f" ({', '.join(reasons)}; parts={{'*': gamma}} sets all)" if reasons else ""
        raise ValueError(f"module: {type(module).__name__} has no weight matrix to initialize{detail}")
    for matrix, rate, _ in plan:
        if rate is None:
            continue
        if matrix.d_in == 1:
            raise ValueError(
                f"module: {matrix.name!r} has d_in = 1, where γ has no effect (1^(-γ) = 1); exclude it "
                f"with parts={{{matrix.name!r}: None}} and set its scale yourself"
            )
        _deviation(matrix, rate)
        if matrix.computed is not None:
            matrix.computed.require_free(matrix.name)


def _deviation(matrix: WeightMatrix, rate: float) -> float:
    """d_in^(-γ), if numbers of this standard deviation exist in the type of the matrix."""
    kind = torch.finfo(matrix.weight.dtype)
    logarithm = -rate * math.log(matrix.d_in)
    if not math.log(kind.tiny) <= logarithm <= math.log(kind.max):
        raise ValueError(
            f"gamma: {rate:g} gives {matrix.name!r} (d_in = {matrix.d_in}) a standard deviation of "
            f"10^{logarithm / math.log(10):.4g}, beyond the range of {matrix.weight.dtype}"
        )
    deviation: float = float(matrix.d_in) ** -rate
    return deviation


def _zero_biases(module: nn.Module, plan: Sequence[_Planned]) -> None:
    """Set biases to zero, except those beside matrices that are left, and frozen ones beside no matrix."""
    left = {_owner(matrix) for matrix, rate, _ in plan if rate is None}
    filled = {_owner(matrix) for matrix, rate, _ in plan if rate is not None}
    with torch.no_grad():
        for owner, bias in matrices.biases_of(module):
            if owner not in left and (bias.requires_grad or owner in filled):
                bias.zero_()


def _owner(matrix: WeightMatrix) -> str:
    return matrix.name.rpartition(".")[0]


def _require_values(items: list[WeightMatrix | Skipped]) -> None:
    for item in items:
        if isinstance(item, Skipped) and item.reason in matrices.NO_VALUES:
            raise ValueError(f"module: {item.name!r} cannot be initialized: {item.reason}")


def _root_mean_square(name: str, weight: Tensor) -> float:
    weight = weight.detach()
    ends = torch.stack(weight.aminmax()).double() if weight.numel() else torch.tensor([math.nan])
    if not bool(torch.isfinite(ends).all()):
        raise ValueError(f"source: {name!r} is empty or holds NaN or infinite entries")
    largest = float(ends.abs().max())
    if largest == 0:
        return 0.0
    # In parts, since a large matrix as a whole in double precision would take twice its memory.
    parts = torch.split(weight.flatten(), _PART)
    total = math.fsum(float((part.double() / largest).square().sum()) for part in parts)
    return largest * math.sqrt(total / weight.numel())


def _rate(std: float, log_fan: float) -> float:
    if log_fan == 0:
        return math.nan
    return -math.log(std) / log_fan if std > 0 else math.inf

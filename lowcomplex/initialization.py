"""The initialization rate γ: put a network there, and say where a network or checkpoint stands.

A weight matrix at rate γ holds independent entries N(0, d_in^(-2γ)).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, TypeVar

import torch
from torch import Tensor, nn

from lowcomplex._names import require_known, require_match

if TYPE_CHECKING:
    import pandas as pd

Layout = Literal["linear", "embedding", "convolution", "transposed convolution", "input-output"]

_RULES: dict[Layout, str] = {
    "linear": "columns",
    "embedding": "embedding dimension",
    "convolution": "in channels / groups x kernel size",
    "transposed convolution": "in channels / groups x kernel size",
    "input-output": "rows",
}
_NORMALIZATION = (
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
    nn.LocalResponseNorm,
)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
T = TypeVar("T")
# Entries converted to double precision at once.
_PART = 2**19
_EMBEDDING_WORDS = ("embed", "wte", "wpe", "position")


@dataclass(frozen=True)
class _Matrix:
    name: str
    weight: Tensor
    layout: Layout
    groups: int = 1

    @property
    def d_in(self) -> int:
        return _fan_in(self.weight.shape, self.layout, self.groups)


def initialize(
    module: nn.Module,
    gamma: float,
    *,
    parts: Mapping[str, float | None] | None = None,
    generator: torch.Generator | None = None,
) -> pd.DataFrame:
    """Put every weight matrix of a module at N(0, d_in^(-2γ)), and every bias at zero.

    d_in is the number of inputs that one output sums: the columns of a Linear, in channels / groups x
    kernel size of a convolution, the rows of a GPT-2 style Conv1D; for embeddings (tokens, positions)
    it is the embedding dimension, never the vocabulary (Zhang et al. 2024, 2025). Attention's packed
    input projection has its columns. Normalization layers stay as they are; a tied weight is drawn
    once. Numbers depend on the generator and the order of the parameters, not on the device.

    Args:
        module: The network; changed in place.
        gamma: Initialization rate. 1/2 is the usual 1/sqrt(d_in); larger is smaller.
        parts: Rate of the matrices whose name matches a pattern (as in a shell, "blocks.*.query*"),
            the first that matches; None leaves them, and their biases, untouched.
        generator: Source of randomness, on the CPU; PyTorch's own if None.

    Returns:
        A table of what was set: name, shape, d_in, rule, gamma, std.

    Raises:
        ValueError: A rate is not finite; a pattern matches nothing; a matrix has d_in = 1, where γ has no
            effect; there is nothing to initialize.

    Example:
        >>> table = initialize(nn.Linear(16, 3), 0.5)
        >>> table["std"].tolist()
        [0.25]
    """
    import pandas as pd

    rates = dict(parts or {})
    for name, rate in {"gamma": gamma, **{f"parts[{k!r}]": v for k, v in rates.items()}}.items():
        if rate is not None and not math.isfinite(rate):
            raise ValueError(f"{name}: expected a finite initialization rate, got {rate}")
    found = list(_matrices(module))
    for pattern in rates:
        require_match("parts", pattern, (matrix.name for matrix in found))
    chosen = [(matrix, _first_match(matrix.name, rates, gamma)) for matrix in found]
    plan = [(matrix, rate) for matrix, rate in chosen if rate is not None]
    if not plan:
        raise ValueError(f"module: {type(module).__name__} has no weight matrix to initialize")
    for matrix, _ in plan:
        if matrix.d_in == 1:
            raise ValueError(
                f"module: {matrix.name!r} has d_in = 1, where γ has no effect (1^(-γ) = 1); exclude it "
                f"with parts={{{matrix.name!r}: None}} and set its scale yourself"
            )
    untouched = {matrix.name.rpartition(".")[0] for matrix, rate in chosen if rate is None}
    rows = []
    with torch.no_grad():
        for matrix, rate in plan:
            std = float(matrix.d_in) ** -rate
            draw = torch.randn(matrix.weight.shape, generator=generator, dtype=matrix.weight.dtype)
            matrix.weight.copy_(draw * std)
            rows.append(
                {
                    "name": matrix.name,
                    "shape": tuple(matrix.weight.shape),
                    "d_in": matrix.d_in,
                    "rule": _RULES[matrix.layout],
                    "gamma": float(rate),
                    "std": std,
                }
            )
        for bias in _biases(module, untouched):
            bias.zero_()
    return pd.DataFrame(rows)


def effective_gamma(
    source: nn.Module | Mapping[str, Tensor],
    *,
    layout: Mapping[str, Layout] | None = None,
) -> pd.DataFrame:
    """The rate γ at which each weight matrix stands: -log(std) / log(d_in).

    std is the root mean square about zero, the mean of the model. The standard error is that of N
    independent Gaussian entries, 1 / (sqrt(2 N) log d_in); a trained matrix has more structure.

    Args:
        source: A module, or a state dict. In a state dict the layout is inferred: names that hold "embed",
            "wte", "wpe" or "position" are embeddings, more than two dimensions a convolution, the rest
            linear.
        layout: Layout of the matrices whose name matches a pattern, where inference would be wrong:
            "linear", "embedding", "convolution", "transposed convolution" or "input-output" (GPT-2's
            Conv1D).

    Returns:
        A table: name, shape, d_in, rule, std, gamma, standard_error. γ is NaN where d_in = 1, infinite for
        a zero matrix.

    Raises:
        ValueError: No weight matrix; a pattern matches nothing; an unknown layout; NaN or infinity.

    Example:
        >>> effective_gamma({"weight": torch.full((3, 16), 0.25)})["gamma"].tolist()
        [0.5]
    """
    import pandas as pd

    layouts = dict(layout or {})
    for pattern, name in layouts.items():
        require_known(f"layout[{pattern!r}]", name, _RULES)
    found = list(_matrices(source) if isinstance(source, nn.Module) else _entries(source))
    if not found:
        raise ValueError("source: holds no weight matrix")
    for pattern in layouts:
        require_match("layout", pattern, (matrix.name for matrix in found))
    rows = []
    for matrix in found:
        chosen = _first_match(matrix.name, layouts, matrix.layout)
        matrix = _Matrix(matrix.name, matrix.weight, chosen, matrix.groups)
        std = _root_mean_square(matrix.name, matrix.weight)
        log_fan = math.log(matrix.d_in)
        rows.append(
            {
                "name": matrix.name,
                "shape": tuple(matrix.weight.shape),
                "d_in": matrix.d_in,
                "rule": _RULES[matrix.layout],
                "std": std,
                "gamma": _rate(std, log_fan),
                "standard_error": (
                    1 / (math.sqrt(2 * matrix.weight.numel()) * log_fan) if log_fan > 0 else math.nan
                ),
            }
        )
    return pd.DataFrame(rows)


def _matrices(module: nn.Module) -> Iterator[_Matrix]:
    """Every weight matrix once, in the order of the parameters."""
    seen: set[int] = set()
    for prefix, part in module.named_modules():
        if isinstance(part, _NORMALIZATION):
            continue
        for name, parameter in part.named_parameters(recurse=False):
            if parameter.ndim < 2 or id(parameter) in seen or name.startswith("bias"):
                continue
            seen.add(id(parameter))
            full = f"{prefix}.{name}" if prefix else name
            yield _Matrix(full, parameter, _layout_of(part, parameter), int(getattr(part, "groups", 1)))


def entry_layout(name: str, weight: Tensor, layout: Mapping[str, Layout] | None = None) -> Layout:
    """Layout of a weight of a bare state dict: the first pattern's that matches, else by name and shape.

    Args:
        name: Of the weight.
        weight: At least two-dimensional.
        layout: From patterns to layouts, as for `effective_gamma`.

    Returns:
        The layout.

    Raises:
        ValueError: An unknown layout.
    """
    for pattern, chosen in (layout or {}).items():
        require_known(f"layout[{pattern!r}]", chosen, _RULES)
    inferred: Layout = "linear"
    if weight.ndim > 2:
        inferred = "convolution"
    elif any(word in name.lower() for word in _EMBEDDING_WORDS):
        inferred = "embedding"
    return _first_match(name, layout or {}, inferred)


def neurons(weight: Tensor, layout: Layout) -> Tensor:
    """View a weight as (out, in), one neuron a row; kernels are flattened to (out, in x kernel size).

    Args:
        weight: As stored.
        layout: How it is stored.

    Returns:
        (out, in), where "input-output" and transposed convolutions are transposed; rows of an embedding are
        its tokens.
    """
    if layout in ("input-output", "transposed convolution"):
        weight = weight.transpose(0, 1)
    return weight.flatten(1)


def _entries(state: Mapping[str, Tensor]) -> Iterator[_Matrix]:
    seen: set[int] = set()
    for name, value in state.items():
        if not (isinstance(value, Tensor) and value.ndim >= 2 and value.is_floating_point()):
            continue
        if value.data_ptr() in seen and value.numel() > 0:
            continue
        seen.add(value.data_ptr())
        yield _Matrix(name, value, entry_layout(name, value))


def _layout_of(part: nn.Module, parameter: Tensor) -> Layout:
    if isinstance(part, nn.Embedding | nn.EmbeddingBag):
        return "embedding"
    if isinstance(part, _TRANSPOSED):
        return "transposed convolution"
    if parameter.ndim > 2:
        return "convolution"
    # The one library class whose Linear is stored transposed; its name is all that is needed of it.
    return "input-output" if type(part).__name__ == "Conv1D" else "linear"


def _fan_in(shape: torch.Size, layout: Layout, groups: int) -> int:
    if layout == "input-output":
        return shape[0]
    if layout == "transposed convolution":
        # Stored as (in, out / groups, *kernel).
        return shape[0] // groups * math.prod(shape[2:])
    return math.prod(shape[1:])


def _biases(module: nn.Module, untouched: set[str]) -> Iterator[Tensor]:
    for prefix, part in module.named_modules():
        if isinstance(part, _NORMALIZATION) or prefix in untouched:
            continue
        for name, parameter in part.named_parameters(recurse=False):
            if "bias" in name:
                yield parameter


def _first_match(name: str, patterns: Mapping[str, T], default: T) -> T:
    return next((value for pattern, value in patterns.items() if fnmatchcase(name, pattern)), default)


def _root_mean_square(name: str, weight: Tensor) -> float:
    weight = weight.detach()
    ends = torch.stack(weight.aminmax()).double() if weight.numel() else torch.tensor([math.nan])
    if not bool(torch.isfinite(ends).all()):
        raise ValueError(f"source: {name!r} is empty or holds NaN or infinite entries")
    largest = float(ends.abs().max())
    if largest == 0:
        return 0.0
    # In parts, so that a large matrix is never copied whole into double precision.
    parts = torch.split(weight.flatten(), _PART)
    total = math.fsum(float((part.double() / largest).square().sum()) for part in parts)
    return largest * math.sqrt(total / weight.numel())


def _rate(std: float, log_fan: float) -> float:
    if log_fan == 0:
        return math.nan
    return -math.log(std) / log_fan if std > 0 else math.inf

"""Maps from token to token, such as key to answer: spectrum over the cyclic group, and share of shifts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Real
from torch import Tensor

from lowcomplex.measures._precision import at_least_single, result_dtype
from lowcomplex.measures._validation import matrices


@dataclass(frozen=True)
class CyclicSpectrum:
    """Spectrum of a map between tokens of the cyclic group of n elements.

    Attributes:
        frequencies: (n // 2 + 1,) integers k, in cycles around the group.
        key_power: (..., n // 2 + 1) power at key frequency k, over all outputs; its sum is the mean of M².
        shift_power: (..., n // 2 + 1) the part of `key_power` that depends only on output minus key: the
            spectrum of the mean over each cyclic diagonal.
        shift_share: (...) Σ shift_power / Σ key_power without the mean of M; 1 for a pure shift.
    """

    frequencies: Real[Tensor, "f"]
    key_power: Float[Tensor, "*batch f"]
    shift_power: Float[Tensor, "*batch f"]
    shift_share: Float[Tensor, "*batch"]


def cyclic_spectrum(M: Float[Tensor, "*batch n n"]) -> CyclicSpectrum:
    """Discrete Fourier transform of a map over keys, and the part of it that is a shift.

    F[k, l] = (1/n²) Σ M[x, y] exp(-2πi (kx + ly)/n). A map that commutes with shifts of the group, M[x, y] =
    g(y - x), holds power only at l = -k. A map that composes cyclic anchors commutes with shifts; a memorized
    table does not.

    Args:
        M: (..., n, n), key x to output y, such as logits.

    Returns:
        One-sided powers over key frequencies, in float64. The share is NaN for a constant. It is invariant
        under scale, a common shift of the values, and rotations of keys and outputs around the group.

    Null:
        A share of 1/(n + 1) for independent entries.

    Cost:
        Time O(n² log n).

    Misleads:
        Keys and outputs must be in the group's order. A shift on an interval that does not wrap around is a
        shift only in part; `shift_equivariant_share` takes it.

    Raises:
        TypeError: `M` is not a floating-point tensor.
        ValueError: `M` is not square, is empty, or holds NaN or infinity.

    Reference:
        Diaconis, "Group representations in probability and statistics", 1988, chapter 2; for tokens, Nanda
        et al., ICLR 2023 (2301.05217), section 4.

    Example:
        >>> cyclic_spectrum(torch.eye(5).roll(2, 1)).shift_share
        tensor(1., dtype=torch.float64)
    """
    M = matrices(M, "M")
    n = M.shape[-1]
    if M.shape[-2] != n:
        raise ValueError(f"M: expected as many keys as outputs, got shape {tuple(M.shape)}")
    scale = M.double().abs().amax(dim=(-2, -1), keepdim=True)
    mean = (M.double() / torch.where(scale > 0, scale, 1.0)).mean((-2, -1), keepdim=True)
    centered = M.double() / torch.where(scale > 0, scale, 1.0) - mean
    power = torch.fft.fft2(centered, norm="forward").abs().square()
    k = torch.arange(n, device=M.device)
    full_key, full_shift = power.sum(-1), power[..., k, -k % n]
    total = full_key.sum(-1)
    # What rounding leaves of a constant is no variance.
    varies = total > (4 * n * torch.finfo(torch.float64).eps) ** 2
    share = full_shift[..., 1:].sum(-1) / torch.where(varies, total, torch.nan)
    squared = scale.squeeze(-1).square()
    constant = mean.squeeze(-1).square()
    key, shift = (_one_sided(p) * squared for p in (full_key, full_shift))
    key[..., :1] += constant * squared
    shift[..., :1] += constant * squared
    return CyclicSpectrum(torch.arange(n // 2 + 1, device=M.device), key, shift, share)


def expected_output(logits: Float[Tensor, "*batch keys outputs"]) -> Float[Tensor, "*batch keys"]:
    """Mean output token of each key under the softmax of its logits, Σ y softmax(logits)_y.

    Args:
        logits: (..., keys, outputs); output y is at index y.

    Returns:
        (..., keys), in [0, outputs - 1]. The offset, this minus the key, is constant for a pure shift;
        `fourier_spectrum` gives its spectrum over keys.

    Null:
        (outputs - 1)/2 for uniform logits.

    Cost:
        Time O(keys · outputs).

    Misleads:
        The mean of two likely answers is neither of them.

    Raises:
        TypeError: `logits` is not a floating-point tensor.
        ValueError: `logits` is not (..., keys, outputs), is empty, or holds NaN or infinity.

    Example:
        >>> expected_output(torch.tensor([[0.0, 0.0, 0.0], [-50.0, -50.0, 50.0]]))
        tensor([1., 2.])
    """
    logits = at_least_single(matrices(logits, "logits"))
    tokens = torch.arange(logits.shape[-1], dtype=logits.dtype, device=logits.device)
    return logits.softmax(-1) @ tokens


def shift_equivariant_share(M: Float[Tensor, "*batch keys outputs"]) -> Float[Tensor, "*batch"]:
    """Share of a token map's variance that depends only on output minus key.

    A pure shift, key x to output x + c, makes every diagonal of M[key, output] constant. The share is
    1 - Σ (M - mean of its diagonal)² / Σ (M - grand mean)².

    Args:
        M: (..., keys, outputs), such as logits.

    Returns:
        (...), in [0, 1]: 1 for a Toeplitz matrix; on average (keys + outputs - 2) / (keys · outputs - 1) for
        independent entries; NaN for a constant. Invariant under scale and a common shift of the values.

    Null:
        (keys + outputs - 2) / (keys · outputs - 1) on average for independent entries.

    Cost:
        Time O(keys · outputs).

    Misleads:
        One output that is likely for all keys lowers it although the rest may be a shift. In small tables the
        short diagonals at the corners are constant by chance.

    Raises:
        TypeError: `M` is not a floating-point tensor.
        ValueError: `M` is not a matrix, is empty, or holds NaN or infinity.

    Example:
        >>> shift_equivariant_share(torch.eye(4))
        tensor(1.)
    """
    M = matrices(M, "M")
    rows, columns = M.shape[-2:]
    centered = M.double() - M.double().mean(dim=(-2, -1), keepdim=True)
    scale = centered.abs().amax(dim=(-2, -1), keepdim=True)
    centered = (centered / torch.where(scale > 0, scale, 1.0)).flatten(-2)
    diagonal = (
        (torch.arange(columns, device=M.device) - torch.arange(rows, device=M.device)[:, None]).flatten()
        + rows
        - 1
    )
    count = torch.bincount(diagonal).double()
    sums = centered.new_zeros(*centered.shape[:-1], rows + columns - 1)
    sums = sums.index_add(-1, diagonal, centered)
    explained, total = (sums.square() / count).sum(-1), centered.square().sum(-1)
    return (explained / torch.where(total > 0, total, math.nan)).to(result_dtype(M))


def _one_sided(power: Tensor) -> Tensor:
    """Power of k and -k, at k."""
    n = power.shape[-1]
    kept = power[..., : n // 2 + 1].clone()
    kept[..., 1 : (n + 1) // 2] += power[..., n // 2 + 1 :].flip(-1)
    return kept

"""Rank of a product of weight matrices, such as a deep linear map or an attention circuit W_Qᵀ W_K."""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from lowcomplex.measures._spectra import largest_entry
from lowcomplex.measures._validation import matrices


def scaled_product(*factors: Float[Tensor, "... _ _"]) -> Float[Tensor, "... first last"]:
    """The product of matrices up to a positive scale, W_1 W_2 … W_L / c, in float64.

    Each factor is divided by its largest entry, and so is each partial product: twenty factors of 1e-30 stay
    inside the range of float64. Every rank measure is invariant under scale and can be taken of the result.

    Args:
        *factors: (..., m_0, m_1), (..., m_1, m_2), …; leading dimensions broadcast.

    Returns:
        (..., m_0, m_L) with a largest entry of 1, or 0 for a zero product. Differentiable, up to the scale.

    Null:
        A product of random factors of the same shapes.

    Cost:
        That of the matrix products, in float64.

    Misleads:
        The scale is lost: norms of two products cannot be compared.

    Raises:
        TypeError: A factor is not a floating-point tensor.
        ValueError: No factor; inner sizes differ; a factor is empty, or holds NaN or infinity.

    Example:
        >>> scaled_product(torch.tensor([[1e-30, 0.0]]), torch.tensor([[4e-30], [1.0]]))
        tensor([[1.]], dtype=torch.float64)
    """
    _require_chain(factors)
    product = _scaled(factors[0])
    for factor in factors[1:]:
        product = _scaled(product @ _scaled(factor))
    return product


def product_singular_values(*factors: Float[Tensor, "... _ _"]) -> Float[Tensor, "... values"]:
    """Singular values of a product of matrices, over the largest of them, in float64.

    The product is split at its narrowest dimension r, and both parts are replaced by their triangular
    factors. The decomposition is then of an r x r matrix, not of m_0 x m_L.

    Args:
        *factors: (..., m_0, m_1), (..., m_1, m_2), …, as for `scaled_product`.

    Returns:
        (..., min of all m) descending, the largest 1; all further singular values of the product are zero.
        NaN for a zero product.

    Null:
        A product of random factors of the same shapes.

    Cost:
        Time O(r) per entry of the factors, r the narrowest dimension, and a decomposition of an r x r matrix.

    Misleads:
        The rank of a product falls with depth without any training: the stable rank of four random 100 x 100
        factors is 9, of one 26. Biases and nonlinearities between the factors are not seen.

    Raises:
        TypeError: A factor is not a floating-point tensor.
        ValueError: No factor; inner sizes differ; a factor is empty, or holds NaN or infinity.

    Example:
        >>> product_singular_values(torch.tensor([[3.0], [4.0]]), torch.tensor([[1.0, 2.0]]))
        tensor([1.], dtype=torch.float64)
    """
    _require_chain(factors)
    narrowest = min(size for factor in factors for size in factor.shape[-2:])
    # Splitting at the narrowest dimension leaves two triangular factors of that size or less.
    dimensions = [factors[0].shape[-2], *(factor.shape[-1] for factor in factors)]
    split = dimensions.index(narrowest)
    if 0 < split < len(factors):
        left, right = scaled_product(*factors[:split]), scaled_product(*factors[split:])
        product = torch.linalg.qr(left, mode="r").R @ torch.linalg.qr(right.mT, mode="r").R.mT
    else:
        product = scaled_product(*factors)
    values: Tensor = torch.linalg.svdvals(product)[..., :narrowest]
    return values / values[..., :1]


def _scaled(W: Tensor) -> Tensor:
    largest = largest_entry(W)[..., None]
    return W.double() / torch.where(largest > 0, largest, 1.0)


def _require_chain(factors: tuple[Tensor, ...]) -> None:
    if not factors:
        raise ValueError("factors: expected at least one matrix, got none")
    for index, factor in enumerate(factors):
        matrices(factor, f"factors[{index}]")
    for index, (left, right) in enumerate(pairwise(factors)):
        if left.shape[-1] != right.shape[-2]:
            raise ValueError(
                f"factors[{index}], factors[{index + 1}]: inner sizes differ, got {tuple(left.shape)} and "
                f"{tuple(right.shape)}"
            )

"""Batched matrix products whose bits do not depend on how many matrices there are.

A library of linear algebra may sum in another order for a matrix that starts in the middle of a vector
(seen for MKL, of its operands and of its result, where it starts at no multiple of 16 bytes). In a batch
laid out without gaps where it starts depends on the matrix's place, unless each matrix fills whole vectors;
elementwise loops likewise treat the last numbers that fill no vector apart. So samples are padded until
every batch of activations fills whole vectors, and results that do not (gradients of odd-sized weights) are
written with gaps between them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def padded_samples(samples: int, dtype: torch.dtype) -> int:
    """The least number of samples, at least so many, of which any width fills whole pairs of vectors."""
    # Elementwise loops take two vectors at once.
    pair = 2 * _vector(dtype)
    return -(-samples // pair) * pair


def product(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """(members, n, k) times (members, k, m), plus a (members, m) bias.

    Gradients are computed in the memory layout of what they belong to.
    """
    output: Tensor = _Product.apply(a, b, bias)  # type: ignore[no-untyped-call]
    return output


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(a, b)
        return _multiply(a, b) if bias is None else torch.baddbmm(bias[:, None], a, b)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        a, b = ctx.saved_tensors
        needs_a, needs_b, needs_bias = ctx.needs_input_grad
        return (
            _multiply_like(a, gradient, b.mT) if needs_a else None,
            _multiply_like(b, a.mT, gradient) if needs_b else None,
            gradient.sum(1) if needs_bias else None,
        )


def _multiply_like(operand: Tensor, left: Tensor, right: Tensor) -> Tensor:
    if operand.stride(-1) == 1:
        return _multiply(left, right)
    return _multiply(right.mT, left.mT).mT


def _multiply(a: Tensor, b: Tensor) -> Tensor:
    members, n, m = len(a), a.shape[1], b.shape[2]
    if a.shape[2] == 1:
        # Up to twice as fast as a product with one term.
        return a * b
    vector = _vector(a.dtype)
    if n * m % vector == 0:
        return torch.bmm(a, b)
    spaced = a.new_empty(members, -(-n * m // vector) * vector)[:, : n * m].view(members, n, m)
    return torch.bmm(a, b, out=spaced)


def _vector(dtype: torch.dtype) -> int:
    """Numbers in one vector of the processor."""
    return (64 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 32) // dtype.itemsize

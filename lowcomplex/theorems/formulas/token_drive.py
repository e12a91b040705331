"""The matrix that drives a network with many outputs at small initialization."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def centered_one_hot(labels: ArrayLike, classes: int) -> Array:
    """e_y - 1/C: what pulls on the logits of cross-entropy while all of them are small.

    Args:
        labels: (n,) integers in 0..classes-1.
        classes: Number C of outputs, at least 2.

    Returns:
        (n, C), each row with the sum 0.

    Raises:
        ValueError: A label is no integer or out of range, there is none, or there are fewer than two classes.
    """
    y = np.asarray(labels)
    if classes < 2:
        raise ValueError(f"classes: expected at least 2, got {classes}")
    if y.ndim != 1 or len(y) == 0 or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"labels: expected integers of shape (n,), got {y.dtype} of shape {y.shape}")
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(f"labels: expected 0..{classes - 1}, got {y.min()}..{y.max()}")
    pull = np.full((len(y), classes), -1 / classes)
    pull[np.arange(len(y)), y] += 1
    return pull


def driving_matrix(inputs: ArrayLike, targets: ArrayLike, *, slope: float = 1.0) -> Array:
    """G = s'(0) (1/n) Σ y_i x_iᵀ, which drives f = A s(Wx); rows are outputs, columns inputs.

    Args:
        inputs: (n, d), with a 1 appended to each input where neurons have a bias.
        targets: (n, C): y for the square loss, `centered_one_hot` labels for cross-entropy.
        slope: s'(0) of the activation.

    Returns:
        (C, d).

    Raises:
        ValueError: Shapes do not agree, or values are not finite.
    """
    x, y = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or len(x) == 0:
        raise ValueError(f"inputs, targets: expected (n, d) and (n, C), got {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("inputs, targets: hold NaN or infinite entries")
    matrix: Array = slope * (y.T @ x) / len(y)
    return matrix


def token_drive(
    tokens: ArrayLike, labels: ArrayLike, vocabulary: int, *, outputs: int | None = None
) -> Array:
    """G of token embeddings under cross-entropy: row s is freq_s (P^s - 1/V).

    freq_s is the mean share of positions that hold s, P^s the distribution of labels over those occurrences:
    freq_s P^s(y) is the frequency of the pair (s, y).

    Args:
        tokens: (n, T) token ids; pass `tokens[:, -1:]` where the last position alone counts.
        labels: (n,) labels.
        vocabulary: Number of tokens.
        outputs: Number V of outputs; the vocabulary by default.

    Returns:
        (vocabulary, V); each row has the sum 0, rows of tokens that do not occur are 0.

    Raises:
        ValueError: Shapes do not agree, or a token or label is no integer or out of range.
    """
    s, y = np.asarray(tokens), np.asarray(labels)
    if s.ndim != 2 or s.shape[1] == 0 or y.shape != s.shape[:1]:
        raise ValueError(f"tokens, labels: expected (n, T) and (n,), got {s.shape} and {y.shape}")
    if not np.issubdtype(s.dtype, np.integer) or s.min() < 0 or s.max() >= vocabulary:
        raise ValueError(f"tokens: expected integers in 0..{vocabulary - 1}")
    pull = centered_one_hot(y, vocabulary if outputs is None else outputs)
    shares = np.zeros((len(y), vocabulary))
    np.add.at(shares, (np.arange(len(y))[:, None], s), 1 / s.shape[1])
    matrix: Array = shares.T @ pull / len(y)
    return matrix


def checked_drive(drive: ArrayLike) -> Array:
    """G as a finite matrix."""
    g = np.asarray(drive, dtype=float)
    if g.ndim != 2 or 0 in g.shape or not np.isfinite(g).all():
        raise ValueError(f"drive: expected a finite matrix G of shape (p, q), got shape {g.shape}")
    return g

from __future__ import annotations

import numpy as np
import pytest

import symbolic
from lowcomplex.predictions import embedding_dynamics, residual_stream
from lowcomplex.theorems.residual_stream.formula import residual_drive

VOCABULARY, LENGTH, OUTPUTS, WIDTH = 5, 3, 4, 6


def _data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, VOCABULARY, (20, LENGTH)), rng.integers(0, OUTPUTS, 20)


Parts = tuple[np.ndarray, np.ndarray, np.ndarray]


def _start(seed: int) -> Parts:
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((VOCABULARY, WIDTH)),
        rng.standard_normal((LENGTH, WIDTH)),
        rng.standard_normal((OUTPUTS, WIDTH)),
    )


def _loss(e: np.ndarray, p: np.ndarray, u: np.ndarray, eps: float | None) -> float:
    """Cross-entropy of the direct path."""
    tokens, labels = _data(0)
    stream = e[tokens[:, -1]] + p[-1]
    if eps is not None:
        centered = stream - stream.mean(1, keepdims=True)
        stream = centered / np.sqrt(np.square(centered).mean(1, keepdims=True) + eps)
    logits = stream @ u.T
    return float((np.log(np.exp(logits).sum(1)) - logits[np.arange(20), labels]).mean())


@pytest.mark.parametrize("eps", [None, 0.3])
def test_starts_along_the_gradient_of_the_direct_path(eps: float | None) -> None:
    tokens, labels = _data(0)
    e, p, u = (1e-3 * part for part in _start(1))
    start = (e, p, u)
    drive = residual_drive(tokens, labels, VOCABULARY, outputs=OUTPUTS)
    moved = residual_stream(e, p, u, drive, time=1e-4, final_norm_eps=eps)
    for index in range(3):
        for entry in [(0, 0), (start[index].shape[0] - 1, 3)]:
            losses = []
            for sign in (1, -1):
                bumped = [part.copy() for part in start]
                bumped[index][entry] += sign * 1e-4
                losses.append(_loss(bumped[0], bumped[1], bumped[2], eps))
            speed = (moved[index][entry] - start[index][entry]) / 1e-4
            assert -(losses[0] - losses[1]) / 2e-4 == pytest.approx(speed, rel=1e-3, abs=1e-9)


def test_is_the_matrix_law_of_stacked_rows() -> None:
    tokens, labels = _data(0)
    e, p, u = _start(2)
    drive = residual_drive(tokens, labels, VOCABULARY, outputs=OUTPUTS)
    stacked = embedding_dynamics(np.vstack((e, p)), u, drive, time=3.0, step=0.1)
    predicted = residual_stream(e, p, u, drive, time=3.0, step=0.1)
    np.testing.assert_allclose(np.vstack(predicted[:2]), stacked.left)
    np.testing.assert_allclose(predicted.output, stacked.right)


def test_drive_counts_the_last_token() -> None:
    tokens, labels = _data(3)
    drive = residual_drive(tokens, labels, VOCABULARY, outputs=OUTPUTS)
    for token in range(VOCABULARY):
        last = tokens[:, -1] == token
        share = np.bincount(labels[last], minlength=OUTPUTS) / len(labels)
        np.testing.assert_allclose(drive[token], share - last.mean() / OUTPUTS, atol=1e-15)
    marginal = np.bincount(labels, minlength=OUTPUTS) / len(labels)
    np.testing.assert_allclose(drive[-1], marginal - 1 / OUTPUTS, atol=1e-15)
    np.testing.assert_array_equal(drive[VOCABULARY:-1], 0)


def test_what_is_not_read_last_is_frozen() -> None:
    tokens, labels = _data(4)
    tokens[:, -1] = np.minimum(tokens[:, -1], 2)
    e, p, u = _start(4)
    drive = residual_drive(tokens, labels, VOCABULARY, outputs=OUTPUTS)
    predicted = residual_stream(e, p, u, drive, time=5.0)
    np.testing.assert_allclose(predicted.embedding[3:], e[3:], rtol=1e-12)
    np.testing.assert_allclose(predicted.positions[:-1], p[:-1], rtol=1e-12)


def test_final_norm_divides_the_rate_and_keeps_means() -> None:
    tokens, labels = _data(0)
    e, p, u = _start(5)
    drive = residual_drive(tokens, labels, VOCABULARY, outputs=OUTPUTS)
    normed = residual_stream(e, p, u, drive, time=0.2, final_norm_eps=1e-2)
    np.testing.assert_allclose(normed.embedding.mean(1), e.mean(1), atol=1e-12)
    np.testing.assert_allclose(normed.output.mean(1), u.mean(1), atol=1e-12)
    a, b, c = (part - part.mean(1, keepdims=True) for part in (e, p, u))
    later = residual_stream(a, b, c, drive, time=2.0)
    np.testing.assert_allclose(normed.embedding - e.mean(1, keepdims=True), later.embedding, atol=1e-10)


def test_expressions() -> None:
    tokens, labels = _data(0)
    drive = residual_drive(tokens, labels, VOCABULARY, outputs=OUTPUTS)
    last = tokens[:, -1] == 1
    token = symbolic.function(residual_stream, "G of a token", "f", "p", "V")
    assert drive[1, 2] == pytest.approx(token(last.mean(), (labels[last] == 2).mean(), OUTPUTS))
    position = symbolic.function(residual_stream, "G of the last position", "q", "V")
    assert drive[-1, 2] == pytest.approx(position((labels == 2).mean(), OUTPUTS))
    rate = symbolic.function(residual_stream, "rate with a final LayerNorm", "S", "epsilon")
    assert rate(3.0, 0.25) == 6.0
    neglected = symbolic.function(residual_stream, "its relative error", "v", "epsilon")
    assert np.sqrt(1 / 1.0001) - 1 == pytest.approx(neglected(1e-4, 1.0), rel=1e-3)


def test_bad_input() -> None:
    tokens, labels = _data(0)
    e, p, u = _start(0)
    drive = residual_drive(tokens, labels, VOCABULARY, outputs=OUTPUTS)
    with pytest.raises(ValueError, match="tokens: expected"):
        residual_drive(tokens[0], labels, VOCABULARY)
    with pytest.raises(ValueError, match="embedding, positions, output"):
        residual_stream(e, p[:, :2], u, drive, time=1.0)
    with pytest.raises(ValueError, match="left, right: expected"):
        residual_stream(e, p[:2], u, drive, time=1.0)
    with pytest.raises(ValueError, match="final_norm_eps"):
        residual_stream(e, p, u, drive, time=1.0, final_norm_eps=0.0)
    with pytest.raises(ValueError, match="drive: is zero"):
        residual_stream(e, p, u, 0 * drive, time=1.0)


def test_regime() -> None:
    assert residual_stream.regime(sigma=1e-3)
    assert not residual_stream.regime(sigma=0.1)
    assert "order σ, not σ²" in residual_stream.regime(sigma=1e-3, output_projection=False).reason
    assert residual_stream.regime(sigma=1e-5, final_norm_eps=1e-5)
    assert "final LayerNorm" in residual_stream.regime(sigma=1e-3, final_norm_eps=1e-5).reason

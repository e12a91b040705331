from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import symbolic
from lowcomplex.predictions import adam_directions, adam_embedding_stage
from lowcomplex.theorems.adam_directions.formula import adam_amplitude
from lowcomplex.theorems.adam_embedding_stage.formula import adam_embedding_escape, sign_attractors


def _start(seed: int, s: int = 4, v: int = 5, h: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((s, h)), rng.standard_normal((v, h)), rng.standard_normal((s, v))


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(0, 30),
    step=st.floats(0.01, 10.0),
    betas=st.sampled_from([(0.9, 0.999), (0.5, 0.9), (0.0, 0.95)]),
)
def test_is_adam_on_the_bilinear_loss(seed: int, steps: int, step: float, betas: tuple[float, float]) -> None:
    e, u, drive = _start(seed)
    weights = [torch.from_numpy(matrix.copy()).requires_grad_() for matrix in (e, u)]
    optimizer = torch.optim.Adam(weights, lr=step, betas=betas, eps=0.0)
    for _ in range(steps):
        optimizer.zero_grad()
        (-(torch.from_numpy(drive) * (weights[0] @ weights[1].mT)).sum()).backward()
        optimizer.step()
    predicted = adam_embedding_stage(e, u, drive, step=step, steps=steps, betas=betas)
    # A gradient that crosses zero loses digits, which the division by past gradients hands on.
    for matrix, weight in zip(predicted, weights, strict=True):
        np.testing.assert_allclose(matrix, weight.detach().numpy(), rtol=1e-6, atol=1e-6 * step)


def test_hidden_units_do_not_see_each_other() -> None:
    e, u, drive = _start(1)
    together = adam_embedding_stage(e, u, drive, step=0.3, steps=40)
    for j in range(e.shape[1]):
        alone = adam_embedding_stage(e[:, [j]], u[:, [j]], drive, step=0.3, steps=40)
        np.testing.assert_allclose(together.embedding[:, [j]], alone.embedding)
        np.testing.assert_allclose(together.output[:, [j]], alone.output)


def test_one_output_is_a_network_of_neurons() -> None:
    rng = np.random.default_rng(2)
    w, a, v = rng.standard_normal((6, 3)), rng.standard_normal(6), rng.standard_normal(3)
    neurons = adam_directions(w, a, v, step=0.2, steps=50)
    embeddings = adam_embedding_stage(w.T, a[None], v[:, None], step=0.2, steps=50)
    np.testing.assert_allclose(embeddings.embedding.T, neurons.input_weight, rtol=1e-6)
    np.testing.assert_allclose(embeddings.output[0], neurons.output_weight, rtol=1e-6)


def test_scale_of_weights_rate_and_drive_is_free() -> None:
    e, u, drive = _start(3)
    one = adam_embedding_stage(e, u, drive, step=0.1, steps=20)
    small = adam_embedding_stage(1e-12 * e, 1e-12 * u, 1e12 * drive, step=1e-13, steps=20)
    np.testing.assert_allclose(small.embedding, 1e-12 * one.embedding, rtol=1e-6)
    both = adam_embedding_stage(
        np.stack((e, 2 * e)),
        np.stack((u, 2 * u)),
        drive,
        step=np.array([0.1, 0.2])[:, None, None],
        steps=[0, 20],
    )
    assert both.embedding.shape == (2, 2, *e.shape)
    np.testing.assert_allclose(both.embedding[0, 0], e)
    np.testing.assert_allclose(both.output[1, 1], 2 * one.output)


def test_first_updates_are_signs_and_a_schedule_scales_them() -> None:
    e, u, drive = _start(4)
    far = adam_embedding_stage(1e6 * e, 1e6 * u, drive, step=1.0, steps=5, schedule=[1, 2, 3, 0.5, 0.5])
    np.testing.assert_allclose(far.embedding - 1e6 * e, 7 * np.sign(drive @ u), rtol=1e-3)
    np.testing.assert_allclose(far.output - 1e6 * u, 7 * np.sign(drive.T @ e), rtol=1e-3)


def test_units_end_at_attractors() -> None:
    e, u, drive = _start(5, s=6, v=7, h=40)
    late = adam_embedding_stage(e, u, drive, step=1.0, steps=3000)
    signs = np.sign(np.concatenate((late.embedding, late.output)))
    found = sign_attractors(drive)
    known = {tuple(pattern) for pattern in np.concatenate((found.embedding, found.output), axis=1)}
    ended = [tuple(column * column[0]) in known for column in signs.T]
    assert np.mean(ended) > 0.9


def test_attractors_are_fixed_and_hold_the_norm() -> None:
    _, _, drive = _start(6)
    found = sign_attractors(drive)
    np.testing.assert_array_equal(found.embedding, np.sign(found.output @ drive.T))
    np.testing.assert_array_equal(found.output, np.sign(found.embedding @ drive))
    assert found.share.sum() == pytest.approx(1)
    best = max(np.abs(np.array(x) @ drive).sum() for x in itertools.product([-1, 1], repeat=4))
    assert found.energy[0] == pytest.approx(best)
    assert (np.diff(found.energy) <= 0).all()


def test_scaled_flow_relaxes_to_the_sign() -> None:
    formula = symbolic.function(adam_embedding_stage, "dx/dlog t", "s", "x")
    # E = E_1 + (t - t_1) s has x = E/t with t dx/dt = s - x.
    t, h, start, sign = 7.0, 1e-6, 0.3, -1.0
    scaled = [(start + (time - 2.0) * sign) / time for time in (t * (1 - h), t, t * (1 + h))]
    assert formula(sign, scaled[1]) == pytest.approx((scaled[2] - scaled[0]) / (2 * h), rel=1e-6)


def test_escape_is_where_the_loss_has_fallen() -> None:
    _, _, drive = _start(7)
    norm = sign_attractors(drive).energy[0]
    steps = adam_embedding_escape(drive, 32, drop=0.01, step=1e-4)
    amplitude = np.interp(steps, np.arange(501), adam_amplitude(500))
    formula = symbolic.function(adam_embedding_stage, "loss drop", "h", "eta", "q", "N")
    assert formula(32, 1e-4, amplitude, norm) == pytest.approx(0.01)
    formula = symbolic.function(adam_embedding_stage, "amplitude at escape", "h", "eta", "Delta", "N")
    assert formula(32, 1e-4, 0.01, norm) == pytest.approx(amplitude)
    assert adam_embedding_escape(drive, 32, drop=0.01, step=1e-4, norm=4 * norm) < steps


def test_bad_input() -> None:
    e, u, drive = _start(0)
    silent = drive.copy()
    silent[1] = 0
    with pytest.raises(ValueError, match="drive: a row or a column is zero"):
        adam_embedding_stage(e, u, silent, step=1.0, steps=1)
    with pytest.raises(ValueError, match="drive: expected a finite matrix"):
        sign_attractors(np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="embedding, output: expected"):
        adam_embedding_stage(u, e, drive, step=1.0, steps=1)
    with pytest.raises(ValueError, match="step: expected positive"):
        adam_embedding_stage(e, u, drive, step=-1.0, steps=1)
    with pytest.raises(ValueError, match="steps: expected"):
        adam_embedding_stage(e, u, drive, step=1.0, steps=[3, 2])
    with pytest.raises(ValueError, match="betas"):
        adam_embedding_stage(e, u, drive, step=1.0, steps=1, betas=(0.9, 1.0))
    with pytest.raises(ValueError, match="schedule: expected at least 4"):
        adam_embedding_stage(e, u, drive, step=1.0, steps=4, schedule=[1.0])
    with pytest.raises(ValueError, match="starts"):
        sign_attractors(drive, starts=0)


def test_regime() -> None:
    assert adam_embedding_stage.regime(sigma=1e-5, step=1e-5, steps=100, width=24)
    assert "feed back" in adam_embedding_stage.regime(sigma=0.1, step=1e-5, steps=100, width=24).reason
    assert not adam_embedding_stage.regime(sigma=1e-5, step=1e-3, steps=1000, width=64)
    assert not adam_embedding_stage.regime(sigma=1e-5, step=1e-5, steps=10, width=24, epsilon=0.1)

import copy
import math

import pytest
import torch
from torch import nn

from lowcomplex.training import adamw, train, warmup_cosine


def _loss(generator: torch.Generator):
    def loss(module: nn.Module) -> torch.Tensor:
        x = torch.randn(16, 3, generator=generator)
        return (module(x) - x.sum(1, keepdim=True)).square().mean()

    return loss


def _linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 1)


def test_agrees_with_adam_written_by_hand() -> None:
    module, steps, rate, decay = _linear(), 30, 0.05, 0.1
    twin = copy.deepcopy(module)
    loss = _loss(torch.Generator().manual_seed(1))
    train(
        module,
        loss,
        steps=steps,
        optimizer=adamw(module, rate, weight_decay=decay),
        schedule=warmup_cosine,
        clip_norm=1.0,
    )
    loss = _loss(torch.Generator().manual_seed(1))
    parameters = list(twin.parameters())
    first = [torch.zeros_like(p) for p in parameters]
    second = [torch.zeros_like(p) for p in parameters]
    for step in range(steps):
        gradients = torch.autograd.grad(loss(twin), parameters)
        norm = math.sqrt(sum(float(g.square().sum()) for g in gradients))
        scale = min(1.0, 1.0 / (norm + 1e-6))
        eta = rate * warmup_cosine(step, steps)
        with torch.no_grad():
            for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
                g = g * scale
                m.mul_(0.9).add_(0.1 * g)
                v.mul_(0.999).add_(0.001 * g * g)
                if p.ndim >= 2:
                    p.mul_(1 - eta * decay)
                m_hat, v_hat = m / (1 - 0.9 ** (step + 1)), v / (1 - 0.999 ** (step + 1))
                p.sub_(eta * m_hat / (v_hat.sqrt() + 1e-8))
    for p, q in zip(module.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-6)


def test_learns_and_is_repeatable() -> None:
    results = []
    for _ in range(2):
        module = _linear()
        loss = _loss(torch.Generator().manual_seed(1))
        results.append(train(module, loss, steps=200, optimizer=adamw(module, 0.05)))
    assert torch.equal(results[0].losses, results[1].losses)
    assert results[0].losses[-1] < 1e-2 * results[0].losses[0]
    assert results[0].diverged_at is None


def test_divergence_is_recorded_not_raised() -> None:
    module = _linear()
    optimizer = torch.optim.SGD(module.parameters(), lr=1e6)
    result = train(module, _loss(torch.Generator().manual_seed(1)), steps=50, optimizer=optimizer)
    assert result.diverged_at is not None
    assert len(result.losses) == result.diverged_at + 1
    assert not math.isfinite(float(result.losses[-1]))


def test_before_step_sees_every_state() -> None:
    module, seen = _linear(), []
    loss = _loss(torch.Generator().manual_seed(1))
    train(module, loss, steps=3, optimizer=adamw(module, 0.1), before_step=seen.append)
    assert seen == [0, 1, 2, 3]


def test_schedule_ends_at_its_floor() -> None:
    assert warmup_cosine(999, 1000) == pytest.approx(0.05, abs=1e-4)
    assert warmup_cosine(0, 1000) == pytest.approx(1 / 500)


def test_no_steps() -> None:
    with pytest.raises(ValueError, match="steps"):
        train(_linear(), _loss(torch.Generator()), steps=0, optimizer=adamw(_linear(), 0.1))

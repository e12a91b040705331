from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lowcomplex.networks import MLP, TwoLayer
from lowcomplex.training import Below, LossShare, State, descend, normals, one_draw, stack

SIGMAS = (1.0, 0.1, 0.01)
X = torch.linspace(-1, 1, 16, dtype=torch.float64)[:, None]


def _quadratic(parameters: dict[str, Tensor]) -> Tensor:
    """Runs of two numbers that decay at the rates 1 and 3."""
    return parameters["x"].square() @ torch.tensor([0.5, 1.5], dtype=torch.float64)


def _fit(parameters: dict[str, Tensor]) -> Tensor:
    """Three neurons without a bias on four samples, for any batch of runs."""
    x = torch.tensor([[1.0, 2.0], [-1.0, 0.5], [0.3, -2.0], [1.5, 1.0]], dtype=torch.float64)
    y = torch.tensor([1.0, -0.5, 0.2, 0.7], dtype=torch.float64)
    hidden = torch.einsum("...md,nd->...nm", parameters["w"], x).tanh()
    return (torch.einsum("...nm,...m->...n", hidden, parameters["a"]) - y).square().mean(-1)


def _starts(*runs: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "w": torch.randn(*runs, 3, 2, generator=generator, dtype=torch.float64),
        "a": torch.randn(*runs, 3, generator=generator, dtype=torch.float64),
    }


def test_gradient_descent_on_a_quadratic_is_geometric() -> None:
    start = {"x": torch.tensor([[2.0, -1.0], [1.0, 1.0]], dtype=torch.float64)}
    run = descend(_quadratic, start, rate=0.1, steps=20)
    expected = start["x"] * torch.tensor([0.9, 0.7], dtype=torch.float64) ** 20
    torch.testing.assert_close(run.parameters["x"], expected, rtol=1e-13, atol=0.0)
    torch.testing.assert_close(run.losses[-1], _quadratic(run.parameters))
    assert run.losses.shape == (21, 2)
    assert run.end_steps.tolist() == [20, 20]
    assert not bool(run.reached.any())
    assert start["x"].tolist() == [[2.0, -1.0], [1.0, 1.0]]


def test_sign_descent_moves_by_the_rate() -> None:
    run = descend(_quadratic, {"x": torch.tensor([2.0, -1.0, 0.0])[:2]}, rate=0.25, steps=3, rule="sign")
    assert run.parameters["x"].tolist() == [1.25, -0.25]


def test_runge_kutta_is_of_order_four() -> None:
    errors = []
    for steps in (10, 20, 40):
        run = descend(
            _quadratic, {"x": torch.tensor([2.0, -1.0])}, rate=1 / steps, steps=steps, rule="runge-kutta"
        )
        exact = torch.tensor([2 * math.exp(-1), -math.exp(-3)], dtype=torch.float64)
        errors.append(float((run.parameters["x"] - exact).abs().max()))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(orders, 4, atol=0.2)


@pytest.mark.parametrize("rule", ["gradient", "adam"])
def test_each_run_is_plain_pytorch(rule: str) -> None:
    start = _starts(4)
    rates = torch.tensor([0.3, 0.1, 0.03, 0.01], dtype=torch.float64)
    eps = torch.tensor([1e-8, 1e-3, 0.1, 1.0], dtype=torch.float64)
    run = descend(_fit, start, rate=rates, steps=100, rule=rule, betas=(0.8, 0.95), eps=eps)  # type: ignore[arg-type]
    for k, rate in enumerate(rates.tolist()):
        alone = {name: value[k].clone().requires_grad_() for name, value in start.items()}
        optimizer: torch.optim.Optimizer = (
            torch.optim.Adam(alone.values(), lr=rate, betas=(0.8, 0.95), eps=float(eps[k]))
            if rule == "adam"
            else torch.optim.SGD(alone.values(), lr=rate)
        )
        for step in range(100):
            optimizer.zero_grad()
            loss = _fit(alone)
            torch.testing.assert_close(run.losses[step, k], loss.detach(), rtol=1e-10, atol=1e-14)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        for name, value in alone.items():
            torch.testing.assert_close(run.parameters[name][k], value.detach(), rtol=1e-10, atol=1e-13)


def test_any_shape_of_batch() -> None:
    start = _starts(2, 3)
    whole = descend(_fit, start, rate=0.1, steps=30)
    assert whole.losses.shape == (31, 2, 3)
    alone = descend(_fit, {name: value[1, 2] for name, value in start.items()}, rate=0.1, steps=30)
    assert alone.losses.shape == (31,)
    for name, value in alone.parameters.items():
        torch.testing.assert_close(whole.parameters[name][1, 2], value, rtol=1e-12, atol=1e-14)
    per_column = descend(_fit, start, rate=torch.tensor([0.1, 0.2, 0.3]), steps=30)
    torch.testing.assert_close(per_column.parameters["w"][:, 0], whole.parameters["w"][:, 0])


def test_each_run_ends_where_it_meets_the_condition() -> None:
    start = {"x": torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 0.0]], dtype=torch.float64)}
    run = descend(_quadratic, start, rate=0.1, steps=100, until=LossShare(0.1))
    # Losses fall by factors of 0.81 and 0.49 per update.
    slow, fast = (math.ceil(math.log(0.1) / math.log(factor)) for factor in (0.81, 0.49))
    assert run.end_steps.tolist() == [slow, fast, slow]
    assert run.reached.tolist() == [True] * 3
    assert len(run.losses) == slow + 1
    torch.testing.assert_close(run.end["x"][1, 1], torch.tensor(0.7**fast, dtype=torch.float64))
    torch.testing.assert_close(run.parameters["x"][1, 1], torch.tensor(0.7**slow, dtype=torch.float64))


def test_a_run_that_never_meets_the_condition_says_so() -> None:
    start = {"x": torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)}
    bound = torch.tensor([0.5, 0.0], dtype=torch.float64)
    run = descend(_quadratic, start, rate=0.1, steps=12, until=Below(lambda p: p["x"].norm(dim=-1), bound))
    assert run.end_steps.tolist() == [7, 12]
    assert run.reached.tolist() == [True, False]


def test_each_run_makes_its_own_number_of_updates() -> None:
    start = {"x": torch.ones(2, 2, dtype=torch.float64)}
    run = descend(_quadratic, start, rate=0.1, steps=torch.tensor([3, 8]))
    torch.testing.assert_close(run.end["x"][:, 0], torch.tensor([0.9**3, 0.9**8], dtype=torch.float64))
    assert run.end_steps.tolist() == [3, 8]
    assert len(run.losses) == 9
    both = descend(_quadratic, start, rate=0.1, steps=torch.tensor([3, 8]), until=LossShare(0.1))
    assert both.end_steps.tolist() == [3, 6]
    assert both.reached.tolist() == [False, True]


def test_a_condition_met_at_the_start_needs_no_update() -> None:
    run = descend(_quadratic, {"x": torch.ones(2)}, rate=0.1, steps=5, until=Below(_quadratic, 10.0))
    assert int(run.end_steps) == 0
    assert run.end["x"].tolist() == [1.0, 1.0]
    assert len(run.losses) == 1


def test_a_run_that_diverges_leaves_the_others_alone() -> None:
    start = {"x": torch.ones(2, 2, dtype=torch.float64)}
    rates = torch.tensor([10.0, 0.1], dtype=torch.float64)
    run = descend(_quadratic, start, rate=rates, steps=700, until=LossShare(1e-6))
    assert run.reached.tolist() == [False, True]
    assert not bool(run.losses[-1, 0].isfinite())
    alone = descend(_quadratic, {"x": torch.ones(2)}, rate=0.1, steps=700, until=LossShare(1e-6))
    assert torch.equal(run.end["x"][1], alone.end["x"])


def test_records_see_the_state_before_each_update() -> None:
    def gradient(state: State) -> Tensor:
        return state.gradients["x"]

    start = {"x": torch.tensor([2.0, -1.0], dtype=torch.float64)}
    record = {"gradient": gradient, "x": lambda state: state.parameters["x"], "step": _step}
    run = descend(_quadratic, start, rate=0.1, steps=10, record=record, every=4)
    assert run.path_steps.tolist() == run.path["step"].tolist() == [0, 4, 8]
    curvature = torch.tensor([1.0, 3.0], dtype=torch.float64)
    torch.testing.assert_close(run.path["gradient"], run.path["x"] * curvature)
    torch.testing.assert_close(
        run.path["x"][1], start["x"] * torch.tensor([0.9, 0.7], dtype=torch.float64) ** 4
    )


def _step(state: State) -> Tensor:
    return torch.tensor(state.step)


def test_a_given_gradient_is_used() -> None:
    def gradient(parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"x": parameters["x"] * torch.tensor([1.0, 3.0], dtype=torch.float64)}

    start = {"x": torch.tensor([[2.0, -1.0]], dtype=torch.float64)}
    given = descend(_quadratic, start, rate=0.1, steps=20, gradient=gradient)
    torch.testing.assert_close(
        given.parameters["x"], descend(_quadratic, start, rate=0.1, steps=20).parameters["x"]
    )


def test_one_draw_at_several_scales() -> None:
    network = TwoLayer(1, 8)
    networks = one_draw(network, sigma=SIGMAS, seed=3)
    start, output = stack(networks)
    for k, sigma in enumerate(SIGMAS):
        for value in start.values():
            torch.testing.assert_close(value[k], sigma * value[0], rtol=1e-12, atol=0.0)
        torch.testing.assert_close(output(start, X)[k], networks[k](X), rtol=1e-12, atol=1e-15)
        for name, value in normals(network, seed=3).items():
            torch.testing.assert_close(start[name][k], sigma * value, rtol=1e-12, atol=0.0)
    rates = stack(one_draw(network, gamma=(0.5, 1.5), seed=3))[0]
    torch.testing.assert_close(rates["output_weight"][0], 8 * rates["output_weight"][1])
    assert not torch.equal(network.input_weight, networks[0].get_parameter("input_weight"))


def test_normals_follow_the_order_of_the_parameters() -> None:
    network = MLP((3, 4, 5, 2)).double()
    (unit,) = one_draw(network, gamma=(0.0,), seed=7)
    drawn = normals(network, seed=7)
    assert drawn.keys() == dict(network.named_parameters()).keys()
    for name, value in unit.named_parameters():
        assert torch.equal(value, drawn[name])


def test_stacked_networks_train_as_each_alone() -> None:
    networks = one_draw(TwoLayer(1, 8), sigma=SIGMAS, seed=0)
    start, output = stack(networks)
    run = descend(lambda p: (output(p, X) - X.sin()).square().mean((1, 2)), start, rate=0.1, steps=50)
    for k, network in enumerate(networks):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        for _ in range(50):
            optimizer.zero_grad()
            (network(X) - X.sin()).square().mean().backward()
            optimizer.step()
        for name, value in network.named_parameters():
            torch.testing.assert_close(run.parameters[name][k], value.detach(), rtol=1e-10, atol=1e-13)


def test_stacked_networks_have_their_own_buffers_and_may_not_change_them() -> None:
    networks = []
    for seed in range(2):
        torch.manual_seed(seed)
        networks.append(nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4)).double())
        networks[seed](X * (1 + seed))  # Running statistics of its own.
    start, output = stack(networks)
    with pytest.raises(ValueError, match=r"changes '1\.running_mean'; call eval\(\) on each network"):
        output(start, X)
    for network in networks:
        network.eval()
    start, output = stack(networks)
    for value, network in zip(output(start, X), networks, strict=True):
        torch.testing.assert_close(value, network(X))


@pytest.mark.parametrize("bad", [{"gamma": (1.0,), "sigma": (1.0,)}, {}, {"sigma": (0.0,)}])
def test_bad_scales(bad: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ValueError, match="sigma"):
        one_draw(TwoLayer(1, 8), seed=0, **bad)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": torch.tensor([1, 2, 3])}, "steps"),
        ({"steps": torch.tensor([1.0, 2.0])}, "steps"),
        ({"every": 0}, "every"),
        ({"rule": "newton"}, "rule"),
        ({"rate": torch.ones(3)}, "rate"),
        ({"eps": torch.ones(3)}, "eps"),
    ],
)
def test_bad_settings(bad: dict[str, object], message: str) -> None:
    settings: dict[str, object] = {"rate": 0.1, "steps": 1} | bad
    with pytest.raises(ValueError, match=message):
        descend(_quadratic, {"x": torch.ones(2, 2)}, **settings)  # type: ignore[arg-type]


def test_bad_starts() -> None:
    with pytest.raises(ValueError, match="NaN"):
        descend(_quadratic, {"x": torch.tensor([math.nan, 0.0])}, rate=0.1, steps=1)
    with pytest.raises(ValueError, match="one loss per run"):
        descend(lambda p: p["x"].square().sum().expand(3), {"x": torch.ones(2)}, rate=0.1, steps=1)

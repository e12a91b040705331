"""A member of an ensemble trains as it would alone, whatever the other members are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lowcomplex.networks import MLP, DeepLinear, DiagonalLinear, Transformer, TwoLayer
from lowcomplex.training import (
    Checkpoint,
    Ensemble,
    MemberBatches,
    adamw,
    member_cross_entropy,
    train,
    warmup_cosine,
)

_X = torch.randn(23, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
_Y = torch.sin(_X[:, :2])
_TOKENS = torch.randint(0, 11, (23, 5), generator=torch.Generator().manual_seed(2))


class _Squares(nn.Module):
    """A module that the package does not know, with a buffer and a scalar."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 16)
        self.outer = nn.Linear(16, 2)
        self.scale = nn.Parameter(torch.tensor(1.0 + seed / 10))
        self.register_buffer("shift", torch.tensor(seed / 10))

    def forward(self, x: Tensor) -> Tensor:
        hidden = (self.inner(x) + self.shift).square()
        output: Tensor = self.scale * self.outer(hidden)
        return output


def _diagonal(seed: int) -> nn.Module:
    network = DiagonalLinear(3, alpha=0.3)
    nn.init.normal_(network.positive, std=0.3)
    return network


# Odd sizes on purpose: matrices that fill no whole lines of memory.
_ARCHITECTURES: dict[str, Callable[[int], nn.Module]] = {
    "two-layer": lambda seed: TwoLayer(3, 37, 2, activation="xtanh", alpha=1 + seed / 10),
    "two-layer sigmoid": lambda seed: TwoLayer(3, 37, 2, activation="sigmoid", bias=False),
    "mlp": lambda seed: MLP((3, 37, 29, 2)),
    "mlp without bias": lambda seed: MLP((3, 21, 2), activation="relu", bias=False),
    "deep linear": lambda seed: DeepLinear((3, 17, 9, 2)),
    "diagonal linear": _diagonal,
    "transformer": lambda seed: Transformer(11, 5, 12, 2, 7, 19, 2),
    "transformer post": lambda seed: Transformer(11, 5, 12, 1, 7, 19, 2, "post", "gelu"),
    "by vmap": _Squares,
}
_NAMES = tuple(_ARCHITECTURES)
_OPTIMIZERS: dict[str, dict[str, float]] = {
    "sgd": {"momentum": 0.9, "weight_decay": 0.03},
    "adam": {"weight_decay": 0.03},
    "adamw": {"weight_decay": 0.03},
}


def _member(name: str, seed: int, dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(seed)
    return _ARCHITECTURES[name](seed).to(dtype)


def _inputs(name: str, dtype: torch.dtype) -> Tensor:
    return _TOKENS if name.startswith("transformer") else _X.to(dtype)


def _losses(name: str, outputs: Tensor) -> Tensor:
    """(members,) losses of (members, n, ...) outputs."""
    if name.startswith("transformer"):
        return member_cross_entropy(outputs[:, :, -1], _TOKENS[:, 0])
    targets = _Y[:, 0] if name == "diagonal linear" else _Y
    return (outputs - targets.to(outputs.dtype)).square().flatten(1).mean(1)


def _ensemble(
    name: str,
    seeds: Sequence[int],
    optimizer: str = "adamw",
    dtype: torch.dtype = torch.float64,
    **other: float,
) -> Ensemble:
    rates = [1e-3 * (1 + seed % 5) for seed in seeds]
    options = {**_OPTIMIZERS[optimizer], "clip_norm": 1.0}
    return Ensemble(
        [_member(name, seed, dtype) for seed in seeds], optimizer=optimizer, learning_rate=rates, **options
    )


def _train(ensemble: Ensemble, name: str, steps: int, dtype: torch.dtype = torch.float64) -> Tensor:
    x = _inputs(name, dtype)
    return ensemble.train(lambda e: _losses(name, e(x)), steps=steps, schedule=warmup_cosine).losses


def _alone(name: str, seed: int, optimizer: str, steps: int, dtype: torch.dtype) -> tuple[nn.Module, Tensor]:
    """The same training in plain PyTorch."""
    network = _member(name, seed, dtype)
    options, rate = _OPTIMIZERS[optimizer], 1e-3 * (1 + seed % 5)
    chosen: torch.optim.Optimizer
    if optimizer == "adamw":
        chosen = adamw(network, rate, **options)
    else:
        make = torch.optim.SGD if optimizer == "sgd" else torch.optim.Adam
        chosen = make(network.parameters(), lr=rate, **options)
    x = _inputs(name, dtype)
    result = train(
        network,
        lambda module: _losses(name, module(x)[None])[0],
        steps=steps,
        optimizer=chosen,
        schedule=warmup_cosine,
        clip_norm=1.0,
    )
    return network, result.losses


def _assert_close(a: nn.Module, b: nn.Module, tolerance: float) -> None:
    for (name, x), (_, y) in zip(a.named_parameters(), b.named_parameters(), strict=True):
        torch.testing.assert_close(
            x, y, rtol=tolerance, atol=tolerance, msg=lambda m, name=name: f"{name}: {m}"
        )


@pytest.mark.parametrize("optimizer", _OPTIMIZERS)
@pytest.mark.parametrize("name", _NAMES)
def test_one_step_agrees_with_plain_pytorch(name: str, optimizer: str) -> None:
    dtype = torch.float32
    ensemble = _ensemble(name, (3, 4), optimizer, dtype)
    losses = _train(ensemble, name, 1, dtype)
    for index, seed in enumerate((3, 4)):
        network, loss = _alone(name, seed, optimizer, 1, dtype)
        torch.testing.assert_close(losses[:, index], loss)
        before = _member(name, seed, dtype)
        for (key, start), (_, theirs) in zip(
            before.named_parameters(), network.named_parameters(), strict=True
        ):
            if optimizer != "sgd" and key.endswith("key.bias"):
                continue  # Softmax does not see it: its gradient is rounding alone, which Adam scales up.
            ours = ensemble.member(index).get_parameter(key).detach()
            # The update itself, and not only the weights that it hardly changes.
            update = float((theirs - start).detach().abs().max())
            assert float((ours - theirs).detach().abs().max()) <= 0.01 * update + 1e-7, key


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [*((name, "adamw") for name in _NAMES if name != "transformer post"), ("mlp", "sgd"), ("mlp", "adam")],
)
def test_a_hundred_steps_agree_with_plain_pytorch(name: str, optimizer: str) -> None:
    ensemble = _ensemble(name, (0, 1, 2), optimizer)
    losses = _train(ensemble, name, 100)
    network, loss = _alone(name, 2, optimizer, 100, torch.float64)
    torch.testing.assert_close(losses[:, 2], loss, rtol=1e-6, atol=1e-8)
    _assert_close(ensemble.member(2), network, 1e-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", [name for name in _NAMES if name != "by vmap"])
def test_a_members_bits_do_not_depend_on_its_company(name: str, dtype: torch.dtype) -> None:
    together = tuple(range(64))
    full = _ensemble(name, together, dtype=dtype)
    losses = _train(full, name, 3, dtype)
    state = dict(full.named_parameters())
    for seeds in ((5,), (63, 0), tuple(range(57, 64))):
        part = _ensemble(name, seeds, dtype=dtype)
        assert torch.equal(_train(part, name, 3, dtype), losses[:, seeds])
        for key, values in part.named_parameters():
            assert torch.equal(values, state[key][list(seeds)]), key


def test_a_module_by_vmap_keeps_its_bits_where_sizes_fill_lines_of_memory() -> None:
    x = _X[:16].float()
    x = torch.cat((x, x[:, :1]), 1)

    def make(seeds: Sequence[int]) -> Ensemble:
        networks = []
        for seed in seeds:
            torch.manual_seed(seed)
            networks.append(nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 4)))
        return Ensemble(networks, learning_rate=0.1)

    def run(ensemble: Ensemble) -> Tensor:
        return ensemble.train(lambda e: e(x).square().mean((1, 2)), steps=6).losses

    losses = run(make(range(64)))
    for seeds in ([5], [63, 0], [7, 3, 5]):
        assert torch.equal(run(make(seeds)), losses[:, seeds])


def test_data_of_each_members_own() -> None:
    seeds = (4, 5, 6)
    targets = torch.stack([torch.cos(seed * _X[:, :2]) for seed in seeds])

    def run(chosen: list[int]) -> tuple[Ensemble, Tensor]:
        ensemble = _ensemble("mlp", [seeds[i] for i in chosen])
        batches = MemberBatches(len(_X), 8, [seeds[i] for i in chosen])
        members = torch.arange(len(chosen))[:, None]

        def loss(e: Ensemble) -> Tensor:
            at = batches.draw()
            error = e(_X[at], shared=False) - targets[chosen][members, at]
            return error.square().mean((1, 2))

        return ensemble, ensemble.train(loss, steps=12).losses

    _, losses = run([0, 1, 2])
    alone, lone = run([1])
    assert torch.equal(lone, losses[:, [1]])
    network = _member("mlp", 5)
    optimizer = adamw(network, 1e-3, weight_decay=0.03)
    batches = MemberBatches(len(_X), 8, (5,))

    def plain(module: nn.Module) -> Tensor:
        (at,) = batches.draw()
        return (module(_X[at]) - targets[1][at]).square().mean()

    train(network, plain, steps=12, optimizer=optimizer, clip_norm=1.0)
    _assert_close(alone.member(0), network, 1e-9)


@pytest.mark.parametrize("optimizer", _OPTIMIZERS)
def test_a_diverged_member_is_recorded_and_disturbs_nobody(optimizer: str) -> None:
    seeds = (0, 1, 2)

    def run(spoil: bool) -> tuple[Ensemble, Tensor, Tensor]:
        ensemble = _ensemble("mlp", seeds, optimizer)
        spoiled = torch.tensor([1.0, math.nan if spoil else 1.0, 1.0])

        def loss(e: Ensemble) -> Tensor:
            return _losses("mlp", e(_X)) * (spoiled if e.updates >= 4 else 1.0)

        result = ensemble.train(loss, steps=9)
        return ensemble, result.losses, result.diverged_at

    healthy, losses, diverged_at = run(spoil=False)
    assert diverged_at.tolist() == [-1, -1, -1]
    ensemble, spoiled, diverged_at = run(spoil=True)
    assert diverged_at.tolist() == [-1, 4, -1]
    assert torch.equal(spoiled[:, [0, 2]], losses[:, [0, 2]])
    assert torch.equal(spoiled[:4, 1], losses[:4, 1])
    assert spoiled[4:, 1].isnan().all()
    for index in (0, 2):
        _assert_close(ensemble.member(index), healthy.member(index), 0.0)
    frozen = _ensemble("mlp", seeds, optimizer)
    frozen.train(lambda e: _losses("mlp", e(_X)), steps=4)
    _assert_close(ensemble.member(1), frozen.member(1), 0.0)


def test_divergence_by_a_large_learning_rate() -> None:
    networks = [_member("mlp without bias", seed) for seed in (0, 1)]
    ensemble = Ensemble(networks, learning_rate=(1e30, 1e-3))
    calls: list[int] = []
    result = ensemble.train(lambda e: _losses("mlp", e(_X)), steps=20, before_step=calls.append)
    assert result.diverged_at[0] > 0
    assert result.diverged_at[1] == -1
    assert calls == list(range(21))
    assert bool(torch.isfinite(result.losses[:, 1]).all())


def test_training_ends_when_all_have_diverged() -> None:
    ensemble = _ensemble("mlp", (0, 1))
    calls: list[int] = []
    result = ensemble.train(
        lambda e: _losses("mlp", e(_X)) * (math.inf if e.updates == 3 else 1.0),
        steps=9,
        before_step=calls.append,
    )
    assert result.losses.shape == (4, 2)
    assert result.diverged_at.tolist() == [3, 3]
    assert calls == [0, 1, 2]


@pytest.mark.parametrize("optimizer", _OPTIMIZERS)
@pytest.mark.parametrize("size", [1, 3])
def test_continues_bit_for_bit_from_its_state(optimizer: str, size: int) -> None:
    def step(ensemble: Ensemble, steps: int) -> None:
        for _ in range(steps):
            ensemble.step(_losses("mlp", ensemble(_X)), factor=0.5)

    whole, first, second = (_ensemble("mlp", range(size), optimizer) for _ in range(3))
    step(whole, 7)
    step(first, 3)
    state = first.state_dict()
    step(first, 1)  # The state is a copy.
    second.load_state_dict(state)
    step(second, 4)
    assert second.updates == 7
    for key, value in whole.state_dict().items():
        assert torch.equal(second.state_dict()[key], value), key
    with pytest.raises(ValueError, match="state_dict"):
        _ensemble("mlp", range(size + 1), optimizer).load_state_dict(state)


def test_parameters_that_need_no_gradient_stay() -> None:
    networks = [_member("mlp", seed) for seed in (0, 1)]
    for network in networks:
        network.layers[0].weight.requires_grad_(False)
    ensemble = Ensemble(networks, learning_rate=0.1)
    _train(ensemble, "mlp", 2)
    assert torch.equal(ensemble.member(1).layers[0].weight, networks[1].layers[0].weight)
    assert not torch.equal(ensemble.member(1).layers[1].weight, networks[1].layers[1].weight)


def test_leaves_the_networks_it_was_given_alone() -> None:
    networks = [_member("mlp", seed) for seed in (0, 1)]
    before = {key: value.clone() for key, value in networks[0].state_dict().items()}
    _train(Ensemble(networks, learning_rate=0.1), "mlp", 3)
    assert all(torch.equal(value, before[key]) for key, value in networks[0].state_dict().items())


def test_inputs_of_any_leading_shape() -> None:
    ensemble = _ensemble("mlp", (0, 1))
    x = _X[:20].unflatten(0, (4, 5))
    torch.testing.assert_close(ensemble(x)[1], ensemble.member(1)(x))
    each = torch.stack((x, 2 * x))
    torch.testing.assert_close(ensemble(each, shared=False)[1], ensemble.member(1)(2 * x))


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_makes_nothing_on_the_cpu_that_meets_another_device(name: str, optimizer: str) -> None:
    """Tensors on "meta" stand in for a GPU's: an operation refuses to mix them with the CPU's."""
    ensemble = Ensemble(
        [_member(name, seed).to("meta") for seed in (0, 1)],
        optimizer=optimizer,
        learning_rate=(0.1, 0.2),
        clip_norm=1.0,
        **_OPTIMIZERS[optimizer],
    )
    ensemble._diverged_at[0] = 0
    ensemble._freeze()
    outputs = ensemble(_inputs(name, torch.float64).to("meta"))
    ensemble._update(outputs.square().flatten(1).mean(1), 1.0)
    state = ensemble.state_dict()
    assert outputs.is_meta
    assert state["parameters"].is_meta


def test_bad_members() -> None:
    with pytest.raises(ValueError, match="at least one network"):
        Ensemble([], learning_rate=0.1)
    with pytest.raises(ValueError, match="one architecture"):
        Ensemble([MLP((2, 3, 1)), MLP((2, 4, 1))], learning_rate=0.1)
    with pytest.raises(ValueError, match="activation"):
        Ensemble([MLP((2, 3, 1)), MLP((2, 3, 1), activation="relu")], learning_rate=0.1)
    with pytest.raises(ValueError, match="no parameter"):
        Ensemble([nn.Tanh()], learning_rate=0.1)


def test_bad_arguments() -> None:
    make = partial(Ensemble, [MLP((2, 3, 1)), MLP((2, 3, 1))])
    with pytest.raises(ValueError, match=r"learning_rate: .* or 2"):
        make(learning_rate=(0.1, 0.1, 0.1))
    with pytest.raises(ValueError, match="weight_decay"):
        make(learning_rate=0.1, weight_decay=-1.0)
    with pytest.raises(ValueError, match="did you mean 'adam'"):
        make(learning_rate=0.1, optimizer="adamW")
    ensemble = make(learning_rate=0.1)
    with pytest.raises(ValueError, match="loss: expected shape"):
        ensemble.step(ensemble(torch.zeros(4, 2)).mean())
    with pytest.raises(ValueError, match="one for each member"):
        ensemble(torch.zeros(3, 4, 2), shared=False)
    with pytest.raises(ValueError, match="no method 'last'"):
        ensemble(torch.zeros(4, 2), method="last")
    with pytest.raises(ValueError, match="steps"):
        ensemble.train(lambda e: e(torch.zeros(4, 2)).mean((1, 2)), steps=0)
    with pytest.raises(IndexError, match="member 2"):
        ensemble.member(2)


def test_an_interrupted_training_continues_bit_for_bit(tmp_path: Path) -> None:
    def run(checkpoint: Checkpoint | None, interrupted: bool = False) -> tuple[Ensemble, Tensor]:
        ensemble = _ensemble("mlp", (0, 1, 2))

        def loss(e: Ensemble) -> Tensor:
            if interrupted and e.updates == 5:
                raise KeyboardInterrupt
            return _losses("mlp", e(_X)) * (torch.tensor([1.0, math.nan, 1.0]) if e.updates == 2 else 1.0)

        result = ensemble.train(loss, steps=8, schedule=warmup_cosine, checkpoint=checkpoint)
        return ensemble, result.losses

    whole, losses = run(None)
    with pytest.raises(KeyboardInterrupt):
        run(Checkpoint(tmp_path / "run", every_seconds=0, clock=iter(range(10**6)).__next__), True)
    continued, again = run(Checkpoint(tmp_path / "run"))
    assert torch.equal(again.nan_to_num(-1), losses.nan_to_num(-1))
    for key, value in whole.state_dict().items():
        assert torch.equal(continued.state_dict()[key], value), key

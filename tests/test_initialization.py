import math
from typing import Any

import pytest
import torch
from torch import nn

from lowcomplex import effective_gamma, initialize
from lowcomplex.networks import Transformer


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Zoo(nn.Module):
    """One layer of each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(30, 50)
        self.convolution = nn.Conv2d(8, 20, 3, groups=2)
        self.transposed = nn.ConvTranspose1d(8, 6, 5, groups=2)
        self.embedding = nn.Embedding(100, 24)
        self.attention = nn.MultiheadAttention(16, 2)
        self.attention_mixed = nn.MultiheadAttention(16, 2, kdim=12, vdim=10)
        self.norm = nn.LayerNorm(30)
        self.batch = nn.BatchNorm2d(20)


D_IN = {
    "linear.weight": 30,
    "convolution.weight": 4 * 9,
    "transposed.weight": 4 * 5,
    "embedding.weight": 24,
    "attention.in_proj_weight": 16,
    "attention.out_proj.weight": 16,
    "attention_mixed.q_proj_weight": 16,
    "attention_mixed.k_proj_weight": 12,
    "attention_mixed.v_proj_weight": 10,
    "attention_mixed.out_proj.weight": 16,
}


def test_every_kind_of_layer_stands_at_gamma() -> None:
    zoo = Zoo()
    nn.init.constant_(zoo.norm.weight, 3.0)
    table = initialize(zoo, 0.7, generator=_generator()).set_index("name")
    assert dict(table["d_in"]) == D_IN
    for name, d_in in D_IN.items():
        assert table.loc[name, "std"] == pytest.approx(d_in**-0.7)
        weight = zoo.get_parameter(name)
        # The sample's standard deviation has a relative error of 1/sqrt(2N).
        relative = 5 / math.sqrt(2 * weight.numel())
        assert float(weight.detach().square().mean().sqrt()) == pytest.approx(d_in**-0.7, rel=relative)
    for name, parameter in zoo.named_parameters():
        if "bias" in name and "norm" not in name and "batch" not in name:
            assert not parameter.any(), name
    assert (zoo.norm.weight == 3).all()
    assert (zoo.batch.weight == 1).all()


@pytest.mark.parametrize("gamma", [-0.5, 0.0, 0.5, 1.0, 2.0])
def test_effective_gamma_recovers_gamma(gamma: float) -> None:
    zoo = Zoo()
    initialize(zoo, gamma, generator=_generator(1))
    table = effective_gamma(zoo)
    z_scores = (table["gamma"] - gamma) / table["standard_error"]
    assert z_scores.abs().max() < 4
    assert list(table["name"]) == list(D_IN)


def test_standard_error_covers() -> None:
    estimates = []
    for seed in range(300):
        layer = nn.Linear(10, 20)
        initialize(layer, 0.8, generator=_generator(seed))
        estimates.append(effective_gamma(layer).loc[0, ["gamma", "standard_error"]].tolist())
    z_scores = torch.tensor([(g - 0.8) / e for g, e in estimates])
    assert float(z_scores.std()) == pytest.approx(1, abs=4 / math.sqrt(600))


def test_parts_have_their_own_rate() -> None:
    model = Transformer(20, 5, 8, 1, 8, 16, 2)
    before = model.output.weight.clone()
    parts = {"blocks.*.query.weight": 1.0, "embedding.*": 0.2, "output*": None}
    table = initialize(model, 0.5, parts=parts, generator=_generator()).set_index("name")
    assert set(table[table["gamma"] == 1.0].index) == {"blocks.0.query.weight", "blocks.1.query.weight"}
    assert table.loc["embedding.weight", "gamma"] == 0.2
    assert table.loc["output.weight", "left"] == "left out by parts"
    assert table.loc["output.weight", ["gamma", "std"]].isna().all()
    assert set(table[table["left"] != ""].index) == {"output.weight"}
    assert torch.equal(model.output.weight, before)
    assert model.output.bias.any()


def test_frozen_weights_are_left_and_listed_unless_a_part_asks() -> None:
    network = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6))
    for frozen in (network[0], network[1]):
        frozen.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    table = initialize(network, 0.5, parts={"1.*": 1.0}, generator=_generator()).set_index("name")
    assert table["left"].tolist() == ["frozen", "", ""]
    assert table["gamma"].tolist()[1:] == [1.0, 0.5]
    assert math.isnan(table.loc["0.weight", "std"])
    for name in ("0.weight", "0.bias"):
        assert torch.equal(network.state_dict()[name], before[name])
    # What a part asks for is set as a whole, and what is drawn does not depend on what is left.
    assert not network[1].bias.any()
    expected = torch.randn(6, 6, generator=_generator()) / 6
    torch.testing.assert_close(network[1].weight.detach(), expected)
    with pytest.raises(ValueError, match=r"no weight matrix to initialize \(frozen; parts="):
        initialize(network.requires_grad_(False), 0.5)
    assert initialize(network, 0.5, parts={"*": 0.5})["left"].tolist() == [""] * 3


def test_a_seed_is_a_generator_and_patterns_give_rates() -> None:
    first, second = Zoo(), Zoo()
    initialize(first, 0.7, seed=3)
    initialize(second, 0.7, generator=torch.Generator().manual_seed(3))
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    network = nn.Sequential(nn.Linear(20, 10), nn.Linear(10, 10), nn.Linear(10, 3))
    network[1].weight.requires_grad_(False)
    table = initialize(network, {"0.*": 0.5, "*": 1.0}, seed=0).set_index("name")
    assert table["gamma"].tolist()[::2] == [0.5, 1.0]
    # As with one rate for all, and unlike with `parts`, frozen weights stay.
    assert table.loc["1.weight", "left"] == "frozen"
    assert initialize(network, {"0.*": None, "*": 1.0})["left"].tolist() == [
        "left out by gamma",
        "frozen",
        "",
    ]


def test_same_generator_same_weights() -> None:
    weights = []
    for seed in (0, 0, 1):
        zoo = Zoo()
        initialize(zoo, 0.5, generator=_generator(seed))
        weights.append(torch.cat([p.detach().flatten() for p in zoo.parameters()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_tied_weights_are_set_once() -> None:
    model = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})
    model["b"].weight = model["a"].weight
    assert list(initialize(model, 0.5)["name"]) == ["a.weight"]
    assert list(effective_gamma(model.state_dict())["name"]) == ["a.weight"]


def test_state_dict_layouts() -> None:
    state = {
        "wte.weight": torch.ones(100, 8),
        "h.0.attn.c_attn.weight": torch.ones(8, 24),
        "conv.weight": torch.ones(6, 3, 5),
        "bias": torch.ones(8),
        "step": torch.tensor([[1]]),
    }
    table = effective_gamma(state, layout={"*c_attn*": "input-output"}).set_index("name")
    assert dict(table["d_in"]) == {"wte.weight": 8, "h.0.attn.c_attn.weight": 8, "conv.weight": 15}
    assert table.loc["h.0.attn.c_attn.weight", "rule"] == "rows"


def test_extreme_weights() -> None:
    table = effective_gamma({"small": torch.full((4, 10), 1e-30), "zero": torch.zeros(4, 10)})
    assert table["gamma"].tolist() == [pytest.approx(30), math.inf]
    assert math.isnan(effective_gamma({"column": torch.ones(4, 1)}).loc[0, "gamma"])


@pytest.mark.parametrize(
    ("module", "kwargs", "message"),
    [
        (nn.Linear(3, 3), {"gamma": math.nan}, "gamma: expected a finite"),
        (nn.Linear(3, 3), {"gamma": 0.5, "parts": {"*": math.inf}}, "parts"),
        (nn.Linear(3, 3), {"gamma": 0.5, "parts": {"wieght": 0.1}}, "nearest name is 'weight'"),
        (nn.Linear(1, 3), {"gamma": 0.5}, "d_in = 1"),
        (nn.LayerNorm(3), {"gamma": 0.5}, "no weight matrix"),
        (nn.Linear(3, 3), {"gamma": 0.5, "parts": {"*": None}}, "no weight matrix"),
    ],
)
def test_bad_initialization(module: nn.Module, kwargs: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        initialize(module, **kwargs)


@pytest.mark.parametrize(
    ("state", "layout", "message"),
    [
        ({"bias": torch.ones(3)}, None, "no weight matrix"),
        ({"w": torch.full((2, 2), math.nan)}, None, "NaN"),
        ({"w": torch.ones(2, 2)}, {"w": "lineer"}, "did you mean 'linear'"),
        ({"w": torch.ones(2, 2)}, {"v": "linear"}, "matches no"),
    ],
)
def test_bad_source(state: dict, layout: dict | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        effective_gamma(state, layout=layout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gamma": "0.5"}, "gamma: expected a number, got '0.5'"),
        ({"gamma": None}, "gamma: expected a number, got None"),
        ({"module": torch.ones(3)}, "module: expected a torch.nn.Module, got Tensor"),
        ({"parts": ["weight"]}, "parts: expected a mapping of patterns to rates, got list"),
        ({"parts": {"weight": "1"}}, "expected a number, got '1'"),
        ({"gamma": -1e4}, r"gamma: -10000 gives 'weight' \(d_in = 20\).*10\^1.301e\+04, beyond .*float32"),
        ({"gamma": {"wieght": 1.0}}, "gamma: pattern 'wieght' matches no .* nearest name is 'weight'"),
        ({"gamma": {"weight": "1"}}, r"gamma\['weight'\]: expected a number, got '1'"),
        ({"gamma": {}}, "gamma: no pattern matches 'weight'; add '\\*'"),
        ({"seed": 1.5}, "seed: expected an integer, got 1.5"),
        ({"seed": -1}, r"seed: expected an integer in \[0, 2\^63\), got -1"),
        ({"seed": 0, "generator": torch.Generator()}, "seed: expected either .* got both"),
        ({"generator": 0}, "generator: expected a torch.Generator, got 0; a number is a seed"),
        ({"gamma": 1e308}, "beyond the range of torch.float32"),
        ({"gamma": 40.0}, r"10\^-52.04, beyond the range of torch.float32"),
    ],
)
def test_wrong_calls_of_initialize_change_nothing(arguments: dict[str, Any], message: str) -> None:
    network = nn.Linear(20, 30)
    before = network.weight.clone()
    with pytest.raises((TypeError, ValueError), match=message):
        initialize(**{"module": network, "gamma": 0.5, **arguments})
    torch.testing.assert_close(network.weight, before, rtol=0, atol=0)


def test_a_type_with_a_wider_range_takes_a_larger_rate() -> None:
    table = initialize(nn.Linear(20, 30).double(), 40.0)
    assert table["std"].item() == pytest.approx(20.0**-40)


@pytest.mark.parametrize("source", [None, torch.ones(2, 2)])
def test_effective_gamma_names_what_it_takes(source: Any) -> None:
    with pytest.raises(TypeError, match=r"source: expected a torch\.nn\.Module or a state dict"):
        effective_gamma(source)
    with pytest.raises(TypeError, match="layout: expected a mapping"):
        effective_gamma(nn.Linear(3, 2), layout="linear")  # type: ignore[arg-type]

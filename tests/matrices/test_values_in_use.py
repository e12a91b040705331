"""The weight that the forward pass uses: of modules, and recomposed from what a file holds of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

from lowcomplex import Tracker, checkpoints, effective_gamma, initialize, stable_rank
from lowcomplex.matrices import Skipped, WeightMatrix, of_module, of_state
from lowcomplex.networks import MLP
from lowcomplex.training import Ensemble


class _Symmetric(nn.Module):
    def forward(self, X: Tensor) -> Tensor:
        return X.triu() + X.triu(1).mT

    def right_inverse(self, A: Tensor) -> Tensor:
        return A.triu()


class _Doubled(nn.Module):
    def forward(self, X: Tensor) -> Tensor:
        return 2 * X

    def right_inverse(self, A: Tensor) -> Tensor:
        return A / 2


def _symmetric(layer: nn.Linear) -> None:
    parametrize.register_parametrization(layer, "weight", _Symmetric())


def _doubled(layer: nn.Linear) -> None:
    parametrize.register_parametrization(layer, "weight", _Doubled())


KINDS: dict[str, Callable[[nn.Linear], object]] = {
    "weight_norm": parametrizations.weight_norm,
    "weight_norm of the whole": lambda layer: parametrizations.weight_norm(layer, dim=1),
    "spectral_norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "symmetric": _symmetric,
    "doubled": _doubled,
    "older weight_norm": nn.utils.weight_norm,
    "older spectral_norm": nn.utils.spectral_norm,
    "pruned": lambda layer: prune.ln_structured(layer, "weight", 0.9, n=2, dim=0),
    "pruned twice": lambda layer: [prune.random_unstructured(layer, "weight", 0.3) for _ in range(2)],
}
FREE = ("weight_norm", "weight_norm of the whole", "doubled", "older weight_norm")


def _network(kind: str, side: int = 32) -> tuple[nn.Sequential, Tensor]:
    """A network, and the weight that its forward pass used."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(side, side))
    KINDS[kind](network[0])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.7)
    network(torch.zeros(1, side))
    return network, network[0].weight.detach().clone()


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_the_weight_in_use_is_measured(kind: str) -> None:
    network, used = _network(kind)
    before = copy.deepcopy(network.state_dict())
    (matrix,) = (item for item in of_module(network) if isinstance(item, WeightMatrix))
    assert matrix.name == "0.weight"
    torch.testing.assert_close(matrix.weight, used)
    tracker = Tracker(network, ("stable_rank",))
    tracker.step()
    record = tracker.dataset()["stable_rank"]
    assert record["layer"].values.tolist() == ["0.weight"]
    assert record.item() == pytest.approx(float(stable_rank(used)), rel=1e-5)
    assert effective_gamma(network)["gamma"][0] == pytest.approx(effective_gamma({"w": used})["gamma"][0])
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(module.training for module in network.modules())


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_initialize_puts_the_weight_in_use_at_gamma_or_refuses(kind: str) -> None:
    network, used = _network(kind)
    before = copy.deepcopy(network.state_dict())
    if kind not in FREE:
        with pytest.raises(ValueError, match=r"0\.weight: .* computes this weight"):
            initialize(network, 1.0)
        for name, value in network.state_dict().items():
            assert torch.equal(value, before[name]), name
        network.eval()
        network(torch.zeros(1, 32))
        torch.testing.assert_close(network[0].weight.detach(), used)
        return
    table = initialize(network, 1.0, generator=torch.Generator().manual_seed(5))
    assert table["name"].tolist() == ["0.weight"]
    network(torch.zeros(1, 32))
    expected = torch.randn(32, 32, generator=torch.Generator().manual_seed(5)) / 32
    torch.testing.assert_close(network[0].weight.detach(), expected)


def test_the_tracker_follows_parametrized_weights() -> None:
    network, _ = _network("weight_norm")
    tracker = Tracker(network, {"norm": lambda W: W.square().sum((-2, -1)).sqrt()})
    norms = []
    for _ in range(2):
        tracker.step()
        norms.append(float(network[0].weight.detach().norm()))
        with torch.no_grad():
            network[0].parametrizations.weight.original0.mul_(3)
    parametrize.remove_parametrizations(network[0], "weight")
    tracker.step()
    assert tracker.dataset()["norm"].values[:, 0].tolist() == pytest.approx([*norms, 3 * norms[1]])


def test_an_ensemble_of_parametrized_weights_is_refused() -> None:
    networks = [MLP((4, 6, 6)) for _ in range(2)]
    for network in networks:
        parametrizations.weight_norm(network.layers[0])
    ensemble = Ensemble(networks, learning_rate=0.1)
    with pytest.raises(ValueError, match="is computed by WeightNorm"):
        Tracker(ensemble)


def test_a_low_rank_adapter_is_one_matrix_beside_its_base() -> None:
    layer = nn.Module()
    layer.base_layer = nn.Linear(20, 30, bias=False)
    layer.lora_A = nn.ModuleDict({"default": nn.Linear(20, 4, bias=False)})
    layer.lora_B = nn.ModuleDict({"default": nn.Linear(4, 30, bias=False)})
    expected = (layer.lora_B["default"].weight @ layer.lora_A["default"].weight).detach()
    for items in (of_module(layer), of_state(layer.state_dict())):
        found = {item.name: item for item in items if isinstance(item, WeightMatrix)}
        assert set(found) == {"base_layer.weight", "lora_BA.default.weight"}
        torch.testing.assert_close(found["lora_BA.default.weight"].neurons, expected)
    with pytest.raises(ValueError, match="a low-rank adapter computes this weight"):
        initialize(layer, 1.0)
    before = copy.deepcopy(layer.state_dict())
    with pytest.raises(ValueError, match=r"no weight matrix to initialize \(base of a low-rank"):
        initialize(layer, 1.0, parts={"lora*": None})
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name]), name
    table = initialize(layer, 1.0, parts={"lora*": None, "base*": 1.0}).set_index("name")
    assert dict(table["left"]) == {"base_layer.weight": "", "lora_BA.default.weight": "left out by parts"}
    assert not torch.equal(layer.base_layer.weight, before["base_layer.weight"])


@pytest.mark.parametrize("base", ["base_layer.weight", "weight"])
def test_the_base_of_an_adapter_is_left_and_listed(base: str) -> None:
    network = nn.ModuleDict({"head": nn.Linear(30, 5), "q": nn.Module()})
    inner = nn.Linear(20, 30)
    network["q"].lora_A = nn.Parameter(torch.randn(4, 20))
    network["q"].lora_B = nn.Parameter(torch.randn(30, 4))
    if base == "weight":
        network["q"].weight, network["q"].bias = inner.weight, inner.bias
    else:
        network["q"].base_layer = inner
    before = copy.deepcopy(network["q"].state_dict())
    table = initialize(network, 1.0, parts={"*lora*": None}).set_index("name")
    assert table["left"].to_dict() == {
        "head.weight": "",
        f"q.{base}": "base of a low-rank adapter",
        "q.lora_BA": "left out by parts",
    }
    assert table.loc[f"q.{base}", ["gamma", "std"]].isna().all()
    for name, value in network["q"].state_dict().items():
        assert torch.equal(value, before[name]), name


def test_an_adapter_of_an_embedding() -> None:
    layer = nn.Module()
    layer.base_layer = nn.Embedding(50, 8)
    layer.lora_embedding_A = nn.ParameterDict({"default": torch.randn(3, 50)})
    layer.lora_embedding_B = nn.ParameterDict({"default": torch.randn(8, 3)})
    expected = (layer.lora_embedding_B["default"] @ layer.lora_embedding_A["default"]).detach().mT
    for items in (of_module(layer), of_state(layer.state_dict())):
        found = {item.name: item for item in items if isinstance(item, WeightMatrix)}
        assert set(found) == {"base_layer.weight", "lora_embedding_BA.default"}
        adapter = found["lora_embedding_BA.default"]
        torch.testing.assert_close(adapter.neurons, expected)
        assert (adapter.layout, adapter.d_in) == ("embedding", 8)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in ("orthogonal", "symmetric", "doubled")]
)
def test_a_file_holds_the_weight_in_parts(kind: str, tmp_path: Path) -> None:
    network, used = _network(kind)
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, tmp_path / "model.safetensors")
    items = list(checkpoints.matrices(tmp_path))
    (matrix,) = (item for item in items if isinstance(item, WeightMatrix))
    assert matrix.name == "0.weight"
    torch.testing.assert_close(matrix.weight, used)
    assert {"part of 0.weight", "vector or scalar"} >= {
        item.reason for item in items if isinstance(item, Skipped)
    }


@pytest.mark.parametrize("kind", ["orthogonal", "symmetric", "doubled"])
def test_what_a_file_cannot_recompose_is_skipped(kind: str) -> None:
    network, _ = _network(kind)
    reasons = {item.name: item.reason for item in of_state(network.state_dict()) if isinstance(item, Skipped)}
    reason = "not the weight in use, but what something outside the file computes it from"
    assert reasons["0.parametrizations.weight.original"] == reason
    with pytest.raises(ValueError, match="no weight matrix"):
        effective_gamma(network.state_dict())


def test_a_parametrized_conv1d_is_still_stored_as_in_out() -> None:
    class Conv1D(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(8, 24))

    layer = Conv1D()
    parametrizations.weight_norm(layer)
    (matrix,) = (item for item in of_module(layer) if isinstance(item, WeightMatrix))
    assert (matrix.layout, matrix.d_in) == ("input-output", 8)


def test_parts_of_a_transposed_convolution() -> None:
    layer = parametrizations.spectral_norm(nn.ConvTranspose1d(3, 5, 4))
    layer(torch.zeros(1, 3, 2))
    (matrix,) = (item for item in of_state(layer.state_dict()) if isinstance(item, WeightMatrix))
    torch.testing.assert_close(matrix.weight, layer.weight.detach())

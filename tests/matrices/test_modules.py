"""Which tensors of a module count as weight matrices, their layout and their ties."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from lowcomplex import Tracker, effective_gamma, effective_rank, initialize
from lowcomplex.matrices import NO_VALUES, Skipped, WeightMatrix, of_module
from lowcomplex.training import Ensemble, adamw


def _found(module: nn.Module, **options: object) -> tuple[dict[str, WeightMatrix], dict[str, str]]:
    items = of_module(module, **options)
    found = {item.name: item for item in items if isinstance(item, WeightMatrix)}
    return found, {item.name: item.reason for item in items if isinstance(item, Skipped)}


class _Raw(nn.Module):
    """Parameters of given shapes, in no layer."""

    def __init__(self, **shapes: tuple[int, ...]) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.randn(shape, generator=generator)))


def test_experts_are_matrices_of_their_own() -> None:
    experts = _Raw(w13=(4, 48, 32))
    matrix = _found(experts)[0]["w13"]
    assert (matrix.layout, matrix.d_in, matrix.neurons.shape) == ("stacked", 32, (4, 48, 32))
    assert [one.name for one in matrix.each()] == ["w13.0", "w13.1", "w13.2", "w13.3"]
    table = initialize(experts, 0.7, generator=torch.Generator().manual_seed(1))
    assert table[["name", "d_in", "std"]].values.tolist() == [["w13", 32, 32**-0.7]]
    placed = effective_gamma(experts)
    assert list(placed["name"]) == ["w13.0", "w13.1", "w13.2", "w13.3"]
    assert ((placed["gamma"] - 0.7).abs() < 4 * placed["standard_error"]).all()


def test_each_expert_is_a_layer_of_the_tracker() -> None:
    experts = _Raw(w13=(4, 48, 32), w2=(4, 32, 24))
    tracker = Tracker(experts, ("effective_rank",), layers=("w13", "w2.3"))
    tracker.step()
    record = tracker.dataset()["effective_rank"].squeeze("step")
    assert record["layer"].values.tolist() == ["w13.0", "w13.1", "w13.2", "w13.3", "w2.3"]
    torch.testing.assert_close(
        torch.from_numpy(record.values[:4]), effective_rank(experts.w13.detach()).double(), rtol=1e-6, atol=0
    )
    assert float(record[4]) == pytest.approx(float(effective_rank(experts.w2[3].detach())))


@pytest.mark.parametrize(
    ("up", "down", "layout"),
    [((4, 64, 40), (4, 40, 32), "stacked"), ((4, 40, 64), (4, 32, 40), "stacked input-output")],
)
def test_a_fused_gate_and_up_projection_tells_how_experts_lie(
    up: tuple[int, ...], down: tuple[int, ...], layout: str
) -> None:
    found, _ = _found(_Raw(gate_up_proj=up, down_proj=down, gate_up_proj_bias=(4, 64)))
    assert {matrix.layout for matrix in found.values()} == {layout}
    assert {name: matrix.d_in for name, matrix in found.items()} == {"gate_up_proj": 40, "down_proj": 32}
    assert found["gate_up_proj"].neurons.shape == (4, 64, 40)


def test_a_module_may_say_that_its_experts_are_transposed() -> None:
    experts = _Raw(up_proj=(4, 40, 64))
    experts.is_transposed = True
    assert _found(experts)[0]["up_proj"].d_in == 40


@pytest.mark.parametrize("shape", [(1, 197, 48), (1, 14, 14, 48), (1, 48, 14, 14)])
def test_positions_have_the_embedding_dimension(shape: tuple[int, ...]) -> None:
    module = _Raw(pos_embed=shape)
    table = initialize(module, 0.7, generator=torch.Generator().manual_seed(0))
    assert table[["d_in", "rule", "std"]].values.tolist() == [[48, "embedding dimension", 48**-0.7]]
    (matrix,) = _found(module)[0].values()
    assert matrix.neurons.shape == (math.prod(shape) // 48, 48)


def test_what_is_none() -> None:
    module = _Raw(
        weight=(3, 4),
        cls_token=(1, 1, 8),
        mask_token=(1, 8),
        gain=(7, 1, 1),
        pos_bias_u=(2, 4),
        relative_position_bias_table=(49, 2),
        A_log=(8, 4),
        alpha=(4, 8),
    )
    module.register_buffer("mask", torch.ones(3, 4))
    module.norm = nn.LayerNorm((5, 7))
    with torch.no_grad():
        before = module.relative_position_bias_table.clone()
    found, skipped = _found(module)
    assert list(found) == ["weight"]
    assert skipped == {
        "cls_token": "vector or scalar",
        "mask_token": "vector of one token",
        "gain": "vector or scalar",
        "pos_bias_u": "bias",
        "relative_position_bias_table": "bias",
        "A_log": "logarithms of decay rates",
        "alpha": "scale of a layer",
        "norm.weight": "gain of a normalization",
        "norm.bias": "gain of a normalization",
    }
    assert list(initialize(module, 1.0)["name"]) == ["weight"]
    assert torch.equal(module.relative_position_bias_table, before)
    assert not module.pos_bias_u.any()


def test_a_convolution_is_one_by_its_class() -> None:
    found, _ = _found(
        nn.ModuleDict({"a": nn.Conv1d(3, 8, 5), "b": nn.Conv1d(1, 8, 1), "c": nn.Bilinear(3, 4, 5)})
    )
    assert {name: (matrix.layout, matrix.d_in) for name, matrix in found.items()} == {
        "a.weight": ("convolution", 15),
        "b.weight": ("convolution", 1),
        "c.weight": ("convolution", 12),
    }


def test_neurons_of_a_grouped_transposed_convolution() -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose1d(6, 4, 3, stride=3, groups=2, bias=False)
    (matrix,) = _found(layer)[0].values()
    assert matrix.neurons.shape == (4, 3 * 3)
    x = torch.randn(6)
    # Each output of channel o at place p of the kernel sums over the three inputs of its group.
    expected = torch.einsum("oip,oi->op", matrix.neurons.view(4, 3, 3), x.view(2, 3).repeat_interleave(2, 0))
    torch.testing.assert_close(layer(x.view(1, 6, 1))[0], expected)


def test_ties_are_of_the_whole_weight() -> None:
    module = nn.ModuleDict({name: nn.Linear(4, 4) for name in ("a", "b", "c", "d", "e")})
    module["b"].weight = module["a"].weight
    module["c"].weight.data = module["a"].weight.data
    packed = torch.randn(12, 4)
    module["d"].weight = nn.Parameter(packed)
    module["e"].weight = nn.Parameter(packed[:4])
    found, skipped = _found(module)
    assert list(found) == ["a.weight", "d.weight", "e.weight"]
    assert found["a.weight"].tied_to == ("b.weight", "c.weight")
    assert skipped["b.weight"] == "tied to a.weight"


def test_layouts_by_pattern() -> None:
    found, _ = _found(_Raw(w=(4, 6, 8)), layout={"w": "stacked input-output"})
    assert found["w"].d_in == 6
    with pytest.raises(ValueError, match="did you mean 'stacked'"):
        of_module(_Raw(w=(4, 6, 8)), layout={"w": "staked"})


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_weights_without_values_are_refused() -> None:
    with torch.device("meta"):
        meta = nn.Linear(3, 4)
    assert _found(meta)[1]["weight"] in NO_VALUES
    with pytest.raises(ValueError, match="'weight' cannot be initialized: meta tensor"):
        initialize(meta, 1.0)
    with pytest.raises(ValueError, match="'weight' cannot be initialized: has no shape"):
        initialize(nn.LazyLinear(4), 1.0)
    assert _found(nn.Linear(3, 0))[1]["weight"] == "empty"


def test_padding_rows_stay_zero() -> None:
    plain, padded = nn.Embedding(10, 4), nn.Embedding(10, 4, padding_idx=3)
    for layer in (plain, padded):
        initialize(layer, 0.5, generator=torch.Generator().manual_seed(0))
    assert not padded.weight[3].any()
    others = [row for row in range(10) if row != 3]
    assert torch.equal(padded.weight[others], plain.weight[others])


def test_stacks_and_convolutions_of_all_members_of_an_ensemble() -> None:
    class Mixture(_Raw):
        def __init__(self, seed: int) -> None:
            super().__init__(w=(3, 5, 4))
            torch.manual_seed(seed)
            nn.init.normal_(self.w)
            self.conv = nn.Conv1d(4, 6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return torch.einsum("bi,eoi->beo", x, self.w).sum() + self.conv(x[..., None].expand(-1, -1, 3))

    ensemble = Ensemble([Mixture(seed) for seed in range(2)], learning_rate=0.1)
    tracker = Tracker(ensemble, ("effective_rank",))
    tracker.step()
    record = tracker.dataset()["effective_rank"].squeeze("step")
    assert record["layer"].values.tolist() == ["w.0", "w.1", "w.2", "conv.weight"]
    for member in range(2):
        network = ensemble.member(member)
        expected = [
            *effective_rank(network.w.detach()),
            effective_rank(network.conv.weight.detach().flatten(1)),
        ]
        assert record.sel(member=member).values.tolist() == pytest.approx([float(rank) for rank in expected])


def test_decay_is_on_weight_matrices() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm((2, 4)), _Raw(pos_bias_u=(2, 4), w=(2, 3, 4)))
    parametrizations.weight_norm(module[0])
    decayed, others = adamw(module, 0.1).param_groups
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    assert {names[id(parameter)] for parameter in decayed["params"]} == {
        "0.parametrizations.weight.original0",
        "0.parametrizations.weight.original1",
        "2.w",
    }
    assert len(others["params"]) == 4


def test_the_tracker_follows_replaced_layers() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    tracker = Tracker(module, ("effective_rank",), layers="0.*")
    tracker.step()
    module.load_state_dict({k: torch.ones_like(v) for k, v in module.state_dict().items()}, assign=True)
    tracker.step()
    module[0] = nn.Linear(4, 1)
    tracker.step()
    ranks = tracker.dataset()["effective_rank"].values[:, 0]
    assert ranks[0] > 1.5
    assert ranks[1:].tolist() == pytest.approx([1, 1])
    module[0] = nn.ReLU()
    with pytest.raises(ValueError, match=r"no weight matrix '0\.weight' any more"):
        tracker.step()

"""Every measure of networks leaves them and all random generators as they were, or refuses first."""

from __future__ import annotations

import dataclasses
import random
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

import samples
from examples import SCALED, arguments, skip_without_curvlinops, stored, tensors
from lowcomplex import measures

# These take any function of inputs, so also a network.
FUNCTIONS = {"line_spectra": 3, "sampled_coefficients": 2, "sampled_total_influence": 2}
EXAMPLES = {name: arguments(name) for name in SCALED}
NETWORKS = {
    name: FUNCTIONS.get(name, 3)
    for name, (args, _) in EXAMPLES.items()
    if name in FUNCTIONS or any(isinstance(argument, nn.Module) for argument in args)
}
every = pytest.mark.parametrize("name", sorted(NETWORKS))


class Twice(nn.Module):
    """A layer that is called twice, under one name or two."""

    def __init__(self, names: int) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        if names == 2:
            self.second = self.first

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self, "second", self.first)(self.first(x))


class Tied(nn.Module):
    """Two layers with one weight, and a weight that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.unused = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(2, 2)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))


class Counting(nn.Module):
    """Counts its passes, and draws numbers that it does not use."""

    def __init__(self) -> None:
        super().__init__()
        self.passes, self.last, self.generator = 0, None, torch.Generator().manual_seed(3)

    def forward(self, x: Tensor) -> Tensor:
        self.passes, self.last = self.passes + 1, x
        random.random(), np.random.rand()  # noqa: NPY002
        torch.rand(1), torch.rand(1, generator=self.generator)
        return x


class Noise(nn.Module):
    """Dropout that is no layer."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, 0.5, training=self.training)


def _normalized() -> nn.Module:
    layer = nn.BatchNorm1d(4)
    layer.running_mean.normal_(), layer.running_var.uniform_(0.5, 2)
    return layer


def _pruned() -> nn.Module:
    return prune.random_unstructured(nn.Linear(4, 4), "weight", 0.4)


def _older() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.utils.weight_norm(nn.Linear(4, 4))


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: nn.Linear(4, 4),
    "two names": lambda: Twice(2),
    "tied": Tied,
    "batch normalization": _normalized,
    "dropout": lambda: nn.Dropout(0.5),
    "spectral norm": lambda: parametrizations.spectral_norm(nn.Linear(4, 4)),
    "weight norm": lambda: parametrizations.weight_norm(nn.Linear(4, 4)),
    "older weight norm": _older,
    "pruned": _pruned,
    "frozen": lambda: nn.Linear(4, 4).requires_grad_(False),
}
WHILE_TRAINING = {
    "batch normalization": _normalized,
    "dropout": lambda: nn.Dropout(0.5),
    "function dropout": Noise,
    "random slope": nn.RReLU,
    "spectral norm": LAYERS["spectral norm"],
}


def _network(name: str, layer: Callable[[], nn.Module]) -> nn.Module:
    """A network for a measure's example: two outputs, or a value per input where the measure takes values."""
    torch.manual_seed(0)
    ends = [nn.Linear(4, 1), nn.Flatten(0)] if name.startswith("sampled") else [nn.Linear(4, 2)]
    network = nn.Sequential(nn.Linear(NETWORKS[name], 4), layer(), nn.ReLU(), *ends).double()
    network[0].bias.grad = torch.ones_like(network[0].bias)
    return network


def _measure(name: str, network: nn.Module) -> list[Tensor]:
    args, kwargs = stored(EXAMPLES[name], torch.float64)
    first = next(i for i, argument in enumerate(args) if callable(argument))
    return list(tensors(getattr(measures, name)(*args[:first], network, *args[first + 1 :], **kwargs)))


def _holdings(network: nn.Module) -> Iterator[object]:
    """All that the layers hold, by identity and by value."""
    for name, layer in network.named_modules(remove_duplicate=False):
        held = {**vars(layer), **layer._parameters, **layer._buffers, **layer._modules}
        for key, value in held.items():
            yield name, key, id(value)
            if isinstance(value, Tensor):
                yield (
                    value.detach().clone().numpy().tobytes(),
                    value.dtype,
                    value.requires_grad,
                    id(value.grad if value.is_leaf else None),
                )
            elif isinstance(value, torch.Generator):
                yield value.get_state().numpy().tobytes()
            elif isinstance(value, bool | int):
                yield value


def _draws() -> tuple[object, ...]:
    """States of the global random generators."""
    _, numbers, *rest = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().numpy().tobytes(), numbers.tobytes(), rest, random.getstate()


@every
@pytest.mark.parametrize("layer", LAYERS)
def test_a_network_is_left_as_it_was(name: str, layer: str) -> None:
    skip_without_curvlinops(name)
    network = _network(name, LAYERS[layer]).eval()
    network[3].train()
    before, draws = list(_holdings(network)), _draws()
    found = _measure(name, network)
    assert found
    assert all(bool(torch.isfinite(number).all()) for number in found if number.is_floating_point())
    assert list(_holdings(network)) == before
    assert _draws() == draws


@every
@pytest.mark.parametrize("layer", WHILE_TRAINING)
def test_what_is_random_or_changes_while_training_is_refused_untouched(name: str, layer: str) -> None:
    skip_without_curvlinops(name)
    network = _network(name, WHILE_TRAINING[layer])
    before, draws = list(_holdings(network)), _draws()
    with pytest.raises(ValueError, match=r"(module|function): .*call eval\(\)"):
        _measure(name, network)
    assert list(_holdings(network)) == before
    assert _draws() == draws
    # Batched derivatives know no random slopes.
    assert layer == "random slope" or _measure(name, network.eval())


@every
def test_a_layer_of_two_names_measures_as_one_of_one_name(name: str) -> None:
    skip_without_curvlinops(name)
    one, two = (_measure(name, _network(name, lambda names=names: Twice(names))) for names in (1, 2))
    for first, second in zip(one, two, strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=0, equal_nan=True)


# The others are batched derivatives, in which PyTorch refuses random numbers.
@pytest.mark.parametrize("name", sorted({*FUNCTIONS, "linear_pieces"}))
def test_passes_that_draw_or_count_leave_no_trace(name: str) -> None:
    network = _network(name, Counting).eval()
    before, draws = list(_holdings(network)), _draws()
    _measure(name, network)
    assert list(_holdings(network)) == before
    assert _draws() == draws


@dataclasses.dataclass
class Output:
    """What a network may return, as those of other libraries do."""

    logits: Tensor
    hidden: Tensor


class Wrapped(nn.Module):
    """A network that returns its output in something."""

    def __init__(self, network: nn.Module, wrap: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.network, self.wrap = network, wrap

    def forward(self, x: Tensor) -> object:
        return self.wrap(self.network(x))


@every
@pytest.mark.parametrize(
    "wrap",
    [
        lambda y: {"logits": y, "hidden": y + 1},
        lambda y: {"prediction": y, "count": torch.tensor(3)},
        lambda y: Output(y, y + 1),
        lambda y: (y, None),
    ],
    ids=["logits", "only tensor", "dataclass", "tuple"],
)
def test_outputs_in_a_mapping_or_dataclass(name: str, wrap: Callable[[Tensor], object]) -> None:
    skip_without_curvlinops(name)
    network = _network(name, LAYERS["plain"])
    for found, expected in zip(_measure(name, Wrapped(network, wrap)), _measure(name, network), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


@every
def test_outputs_that_cannot_be_used(name: str) -> None:
    skip_without_curvlinops(name)
    network = _network(name, LAYERS["plain"])
    with pytest.raises(TypeError, match=r"expected one tensor as output, .* got tuple of 2 tensors"):
        _measure(name, Wrapped(network, lambda y: (y, y)))
    with pytest.raises(ValueError, match="expected an output for each of"):
        _measure(name, Wrapped(network, lambda y: y.sum()))


@every
def test_layers_without_numbers_are_refused(name: str) -> None:
    skip_without_curvlinops(name)
    with pytest.raises(ValueError, match=r"layer 1 .* has no shape yet; call the network on an input first"):
        _measure(name, _network(name, lambda: nn.LazyLinear(4)))
    with pytest.raises(ValueError, match="is on the meta device"):
        _measure(name, _network(name, LAYERS["plain"]).to("meta"))


def test_networks_are_measured_in_any_precision() -> None:
    assert set(NETWORKS) >= {"neural_tangent_kernel", "jacobian_norms", "linear_pieces", "hessian_trace"}
    network = _network("jacobian_norms", LAYERS["plain"]).bfloat16()
    exact = measures.jacobian_norms(network.float(), samples.X.bfloat16().float())
    found = measures.jacobian_norms(network.bfloat16(), samples.X.bfloat16())
    assert torch.equal(found.spectral, exact.spectral)

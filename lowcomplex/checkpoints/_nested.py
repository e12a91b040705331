"""Where the weights are in the content of a torch file: at the top, or under a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

# Keys under which training code keeps the model, the first that holds tensors counts; averages come last.
_MODEL_KEYS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "module",
    "net",
    "network",
    "params",
    "weights",
    "ema",
    "model_ema",
    "ema_state_dict",
    "state_dict_ema",
    "params_ema",
)
_DEPTH = 8
_LISTED = 20


def weights_in(content: object) -> dict[str, Tensor]:
    """The tensors of a model, by name.

    If the content has a key under which training code usually keeps the model, such as "state_dict" or
    "model", the tensors are those under that key alone. Otherwise they are all tensors, under names that join
    the keys on the way: {"layer": {"weight": …}} gives "layer.weight". States of optimizers are left out.

    Args:
        content: What was loaded.

    Returns:
        Tensors by name, in the order of the file.

    Raises:
        ValueError: The content is no mapping, holds no tensors, or two of its names are equal as text.
    """
    if not isinstance(content, Mapping):
        raise ValueError(f"expected a state dict, got {type(content).__name__}")
    model: Mapping[object, object] = content
    for _ in range(_DEPTH):
        inner = _under_a_key(model)
        if inner is None or inner is model:
            break
        model = inner
    found = _flattened(model)
    if not found and content:
        keys = [str(key) for key in content]
        listed = ", ".join(keys[:_LISTED]) + (", …" if len(keys) > _LISTED else "")
        raise ValueError(f"expected the tensors of a model; found none under the keys {listed}")
    return found


def _under_a_key(content: Mapping[object, object]) -> Mapping[object, object] | None:
    for key in _MODEL_KEYS:
        inner = content.get(key)
        if isinstance(inner, Mapping) and _flattened(inner):
            return inner
    return None


def _flattened(content: Mapping[object, object]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, tensor in _tensors(content, "", set(), 1):
        if name in found:
            raise ValueError(f"two tensors are named {name!r}")
        found[name] = tensor
    return found


def _tensors(
    mapping: Mapping[object, object], prefix: str, seen: set[int], depth: int
) -> Iterator[tuple[str, Tensor]]:
    # Mappings may hold one another, or one many times: each is visited once.
    seen.add(id(mapping))
    if _is_of_an_optimizer(mapping):
        return
    for key, value in mapping.items():
        if isinstance(value, Tensor):
            yield f"{prefix}{key}", value
        elif isinstance(value, Mapping) and id(value) not in seen and depth < _DEPTH:
            yield from _tensors(value, f"{prefix}{key}.", seen, depth + 1)


def _is_of_an_optimizer(content: Mapping[object, object]) -> bool:
    return "param_groups" in content and "state" in content

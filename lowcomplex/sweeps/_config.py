"""Configs: what a run depends on, and nothing else."""

from __future__ import annotations

import hashlib
import itertools
import json
import types
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin

import pydantic


class Config(pydantic.BaseModel):
    """Everything that a run's result depends on; its hash names the result.

    Subclass it with one field per choice. Raise `version` when the code changes what a config means, so that
    old results are not taken for new ones.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: ClassVar[int] = 1

    def content(self) -> dict[str, Any]:
        """The full resolved content, of which the hash is made."""
        return {
            "config": type(self).__name__,
            "version": type(self).version,
            "fields": self.model_dump(mode="json"),
        }

    @property
    def hash(self) -> str:
        """SHA-256 of the content, in hexadecimal digits."""
        return digest(self.content())


ConfigType = TypeVar("ConfigType", bound=Config)


def grid(config_type: type[ConfigType], **values: Any) -> tuple[ConfigType, ...]:
    """Configs for every combination of the swept values, the last field varying fastest.

    Args:
        config_type: A subclass of `Config`.
        **values: A list, tuple, range, iterator or array of values sweeps a field; anything else fixes it. If
            a field takes sequences, a valid sequence such as (32, 32) fixes it. Fields that are not named
            keep their default.

    Returns:
        The configs, in a fixed order.

    Raises:
        ValueError: A swept field has no values, or a value is invalid (pydantic's error).

    Example:
        >>> class Run(Config):
        ...     gamma: float
        ...     seed: int = 0
        >>> [run.gamma for run in grid(Run, gamma=(0.5, 0.8))]
        [0.5, 0.8]
    """
    plain = {name: v.tolist() if hasattr(v, "tolist") else v for name, v in values.items()}
    swept = {
        name: list(v)
        for name, v in plain.items()
        if isinstance(v, list | tuple | range | Iterator) and not _is_one_value(config_type, name, v)
    }
    fixed = {name: v for name, v in plain.items() if name not in swept}
    for name, choices in swept.items():
        if not choices:
            raise ValueError(f"{name}: expected at least one value to sweep, got none")
    combinations = itertools.product(*swept.values())
    return tuple(
        config_type(**fixed, **dict(zip(swept, combination, strict=True))) for combination in combinations
    )


def _is_one_value(config_type: type[Config], name: str, value: Any) -> bool:
    """Whether a sequence is itself a valid value of a field that takes sequences."""
    field = config_type.model_fields.get(name)
    if field is None or not _takes_sequences(field.annotation):
        return False
    try:
        config_type.__pydantic_validator__.validate_assignment(config_type.model_construct(), name, value)
    except pydantic.ValidationError as error:
        return all(detail["loc"][:1] != (name,) for detail in error.errors())
    return True


def _takes_sequences(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    if kind in (Union, types.UnionType):
        return any(map(_takes_sequences, get_args(annotation)))
    return (
        isinstance(kind, type)
        and issubclass(kind, Collection)
        and not issubclass(kind, str | bytes | Mapping)
    )


def sweep_hash(configs: Sequence[Config]) -> str:
    """SHA-256 over the configs' hashes, in their order."""
    return digest([config.hash for config in configs])


def digest(content: Any) -> str:
    """SHA-256 of what JSON can hold, in hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()

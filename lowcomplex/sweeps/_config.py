"""Configs: what a run depends on, and nothing else."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

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
        return _digest(self.content())


ConfigType = TypeVar("ConfigType", bound=Config)


def grid(config_type: type[ConfigType], **values: Any) -> tuple[ConfigType, ...]:
    """Configs for every combination of the swept values, the last field varying fastest.

    Args:
        config_type: A subclass of `Config`.
        **values: A list or tuple of values sweeps a field; anything else fixes it. Fields that are not
            named keep their default.

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
    swept = {name: list(v) for name, v in values.items() if isinstance(v, list | tuple)}
    fixed = {name: v for name, v in values.items() if name not in swept}
    for name, choices in swept.items():
        if not choices:
            raise ValueError(f"{name}: expected at least one value to sweep, got none")
    combinations = itertools.product(*swept.values())
    return tuple(
        config_type(**fixed, **dict(zip(swept, combination, strict=True))) for combination in combinations
    )


def sweep_hash(configs: Sequence[Config]) -> str:
    """SHA-256 over the configs' hashes, in their order."""
    return _digest([config.hash for config in configs])


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()

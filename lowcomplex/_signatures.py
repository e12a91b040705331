"""Signatures and docstrings in one line, as tables and short texts show them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def plain_arguments(function: Callable[..., Any]) -> str:
    """The parameters of a function with their defaults, without types: "gamma, depth, *, step=0.0"."""
    signature = inspect.signature(function)
    plain = [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]
    return str(inspect.Signature(plain))[1:-1]


def first_sentence(function: Callable[..., Any]) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())

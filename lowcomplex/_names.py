"""Names and patterns of names: how they are printed, which pattern matches, and the nearest of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TypeVar

T = TypeVar("T")

# What torch.compile, fully sharded training and activation checkpointing call the module that they wrap.
_WRAPPERS = frozenset(("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"))


def without_wrappers(name: str) -> str:
    """A weight's name without the parts that wrappers insert anywhere, such as `_orig_mod`."""
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)


def printable(text: str, longest: int = 200) -> str:
    """Text as it may be printed: names of a file may hold commands for the terminal, or be a million long.

    Args:
        text: Any text.
        longest: Number of characters beyond which the middle is left out.

    Returns:
        The text, with control and invisible characters written as escapes.
    """
    if len(text) > longest:
        first = longest // 3
        text = f"{text[:first]}…{text[1 + first - longest :]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def require_known(argument: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not among the known ones.

    Raises:
        ValueError: The name is unknown; the message names the argument, the known names, and the nearest.
    """
    known = list(known)
    if name not in known:
        near = get_close_matches(name, known, n=1) if isinstance(name, str) else []
        raise ValueError(
            f"{argument}: expected one of {', '.join(known)}, got {name!r}"
            + (f"; did you mean {near[0]!r}?" if near else "")
        )


def require_free(argument: str, names: Iterable[str], taken: Iterable[str]) -> None:
    """Refuse names under which something else is recorded.

    Raises:
        ValueError: A name is taken; the message names the argument and all such names.
    """
    clash = {*names} & {*taken}
    if clash:
        raise ValueError(f"{argument}: something else is recorded as {', '.join(sorted(clash))}")


def require_match(argument: str, pattern: str, names: Iterable[str]) -> None:
    """Refuse a shell pattern that matches the name of no weight matrix.

    Raises:
        ValueError: The pattern matches none; the message names the argument and the nearest name.
    """
    names = list(names)
    if not any(fnmatchcase(name, pattern) for name in names):
        near = get_close_matches(pattern, names, n=1, cutoff=0.0)
        raise ValueError(
            f"{argument}: pattern {pattern!r} matches no weight matrix"
            + (f"; the nearest name is {near[0]!r}" if near else "")
        )


def first_match(name: str, patterns: Mapping[str, T], default: T) -> T:
    """The value of the first shell pattern that matches a name, or the default."""
    return next((value for pattern, value in patterns.items() if fnmatchcase(name, pattern)), default)

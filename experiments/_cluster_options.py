"""The cluster options that the command lines share, and how they end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import cyclopts
from rich.text import Text

from lowcomplex import sweeps
from lowcomplex._endings import ending_in_words


def _with_a_cluster(options: cyclopts.ArgumentCollection) -> None:
    """Refuse options of jobs where jobs were not requested."""
    given = {option.name for option in options if option.has_tokens}
    if given and "--cluster" not in given:
        raise ValueError("cluster: expected --cluster slurm or --cluster local with the jobs' options")


_GROUP = cyclopts.Group("Jobs of a cluster", validator=_with_a_cluster)
# A parameter of a command; None for processes of this machine.
Jobs = Annotated[sweeps.Cluster | None, cyclopts.Parameter(name="*", group=_GROUP)]


def in_one_line(error: cyclopts.CycloptsError) -> Text:
    """Say what is wrong with a command line without a frame around it."""
    print(error, file=sys.stderr)
    return Text(end="")


def door(app: cyclopts.App, tokens: Sequence[str] | None = None) -> int:
    """Run a command line; values that a cluster refuses are said, and end with 2.

    Returns:
        The exit status.
    """
    try:
        status: int = ending_in_words(lambda: app(tokens))()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return status

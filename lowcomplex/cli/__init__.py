"""The command line: measure a checkpoint or its place on the γ axis, draw a record, check the predictions."""

import cyclopts

from lowcomplex.cli._check import check
from lowcomplex.cli._checkpoints import gamma, measure
from lowcomplex.cli._output import PipedConsole
from lowcomplex.cli._record import plot

__all__ = ["app", "check", "gamma", "measure", "plot"]

app = cyclopts.App(
    name="lowcomplex",
    help="How complex is the solution that training found, and does theory say so?",
    console=PipedConsole(),
    # The commands themselves say that they were interrupted.
    suppress_keyboard_interrupt=False,
)
for command in (measure, gamma, plot, check):
    app.command(command)

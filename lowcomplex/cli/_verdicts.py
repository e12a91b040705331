"""Verdicts and rates as tables and JUnit XML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.table import Table
from rich.text import Text

from lowcomplex.checks import CheckError, Rate, Repetition, Verdict

Outcome = Verdict | CheckError | Repetition


def verdict_table(verdicts: Sequence[Verdict | CheckError]) -> Table:
    """One row per check: the comparison closest to failing, controls, and how many wrong laws it refutes."""
    table = Table()
    table.add_column("name", no_wrap=True)
    table.add_column("quantity", max_width=70)
    for column in ("predicted", "measured", "tolerance"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("verdict", "control"):
        table.add_column(column, no_wrap=True)
    for column in ("mutants refuted", "seconds"):
        table.add_column(column, justify="right")
    for verdict in verdicts:
        if isinstance(verdict, CheckError):
            table.add_row(verdict.name, "could not run", "", "", "", _red("error"), "", "", "")
            continue
        table.add_row(
            verdict.name,
            verdict.quantity,
            f"{verdict.predicted:.4g}",
            f"{verdict.measured:.4g}",
            f"{verdict.tolerance:.2g}",
            verdict.word if verdict.as_expected else _red(verdict.word),
            verdict.control,
            f"{sum(mutant.refuted for mutant in verdict.mutants)} of {len(verdict.mutants)}",
            f"{verdict.seconds:.1f}",
        )
    return table


def repetition_table(repetitions: Sequence[Repetition]) -> Table:
    """One row per check: how often it holds, and how often its controls are rejected."""
    table = Table(caption="shares with their 95 % Wilson intervals")
    table.add_column("name", no_wrap=True)
    for column in ("seeds", "verdict as stated", "control rejected", "data meet hypothesis", "errors"):
        table.add_column(column, justify="right", no_wrap=True)
    for repetition in repetitions:
        name = repetition.name if repetition.as_expected else _red(repetition.name)
        table.add_row(
            name,
            str(repetition.seeds),
            _rate(repetition.as_stated),
            _rate(repetition.control_rejected),
            _rate(repetition.hypothesis_met),
            str(len(repetition.errors)),
        )
    return table


def _red(word: str) -> Text:
    return Text(word, style="red")


def _rate(rate: Rate) -> str:
    return f"{rate.value:.3f} [{rate.low:.3f}, {rate.high:.3f}]"


def record(outcome: Outcome) -> dict[str, Any]:
    """An outcome as plain JSON types."""
    if isinstance(outcome, CheckError):
        return {"name": outcome.name, "seed": outcome.seed, "error": outcome.error, "as_expected": False}
    return outcome.to_dict()


def write_junit(path: Path, outcomes: Sequence[Outcome]) -> None:
    """One test case per check, failed unless its outcome is the expected one."""
    failures = sum(not outcome.as_expected for outcome in outcomes)
    suite = ElementTree.Element(
        "testsuite", name="lowcomplex check", tests=str(len(outcomes)), failures=str(failures)
    )
    for outcome in outcomes:
        case = ElementTree.SubElement(suite, "testcase", classname="lowcomplex.checks", name=outcome.name)
        if isinstance(outcome, CheckError):
            ElementTree.SubElement(case, "error", message="could not run").text = outcome.error
            continue
        if isinstance(outcome, Verdict):
            case.set("time", f"{outcome.seconds:.3f}")
        if not outcome.as_expected:
            ElementTree.SubElement(case, "failure", message="not as expected").text = _why(outcome)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _why(outcome: Verdict | Repetition) -> str:
    if isinstance(outcome, Repetition):
        return (
            f"{outcome.seeds} seeds: verdict as stated {_rate(outcome.as_stated)}, control rejected "
            f"{_rate(outcome.control_rejected)}, {len(outcome.errors)} errors"
        )
    return (
        f"{outcome.quantity}: predicted {outcome.predicted:g}, measured {outcome.measured:g}, "
        f"tolerance {outcome.tolerance:g}, control {outcome.control}"
    )

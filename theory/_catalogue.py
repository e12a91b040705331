"""The catalogue of predictions, docs/explanation/predictions_KIND.md, written from the theorems."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import sympy

from lowcomplex import theorems
from lowcomplex._signatures import first_sentence, plain_arguments
from lowcomplex.predictions import Prediction

FOLDER = Path(__file__).parents[1] / "docs" / "explanation"
HEADS = {
    "exact": "# Predictions: closed forms\n\nNumbers, and paths in time, that small trainings reproduce.",
    "rate": "# Predictions: rates\n\nExponents, and what holds as a scale goes to its limit.",
    "null": "# Predictions: nulls\n\nWhat measures are on random matrices.",
}


def pages() -> dict[Path, str]:
    """One page per kind of prediction, in the theorems' own order."""
    found = [theorems.formula(name) for name in theorems.names()]
    return {
        FOLDER / f"predictions_{kind}.md": "\n\n".join(
            (head, *(_entry(prediction) for prediction in found if prediction.kind == kind))
        )
        + "\n"
        for kind, head in HEADS.items()
    }


def without_formulas(page: str) -> str:
    """A page as it is whatever the version of SymPy, which may order terms in another way."""
    return re.sub(r"\$\$.*?\$\$", "", page, flags=re.DOTALL)


def _entry(prediction: Prediction[..., Any]) -> str:
    """Statement, formulas, hypotheses, source, and what the check holds against it."""
    name = prediction.name
    check = theorems.check(name)
    call = f"`{name}({plain_arguments(prediction.evaluate)})`"
    formulas = (
        f"{_plain(what)}:\n\n$$\n{sympy.latex(expression)}\n$$"
        for what, expression in prediction.expressions.items()
    )
    facts = {
        "Call": f"{call}. {_plain(first_sentence(prediction.evaluate))}",
        "Regime": f"`{name}.regime({plain_arguments(prediction.regime)})`",
        "Holds if": "; ".join(map(_plain, prediction.hypotheses)),
        "The check must reject": "; ".join(map(_plain, [*check.controls, *check.mutants])),
        "Source": _plain(prediction.source),
    }
    return "\n\n".join(
        (
            f"## `{name}`",
            _plain(prediction.statement),
            *formulas,
            "\n".join(f"- *{title}*: {text}" for title, text in facts.items()),
            f"[Derivation](../../theory/{name}.ipynb)",
        )
    )


def _plain(text: str) -> str:
    """Text as it is in Markdown."""
    return re.sub(r"([*<|$]|(?<!\w)_|_(?!\w))", r"\\\1", text)

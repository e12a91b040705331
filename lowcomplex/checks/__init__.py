"""Do the predictions hold? A prediction, a measurement and a control make a verdict.

`checks.list()` shows all checks.
"""

from lowcomplex.checks._compare import compare
from lowcomplex.checks._list import list as list
from lowcomplex.checks._registry import get, names, run
from lowcomplex.checks._repetition import Rate, Repetition, repeat, wilson
from lowcomplex.checks._runner import CheckError, run_all
from lowcomplex.theorems._check import Check
from lowcomplex.theorems._verdict import Comparison, Control, Mutant, Verdict

# Without `list`: `from lowcomplex.checks import *` must not hide Python's own.
__all__ = [
    "Check",
    "CheckError",
    "Comparison",
    "Control",
    "Mutant",
    "Rate",
    "Repetition",
    "Verdict",
    "compare",
    "get",
    "names",
    "repeat",
    "run",
    "run_all",
    "wilson",
]

"""Do the predictions hold? A prediction, a measurement and a control make a verdict."""

from lowcomplex.checks._check import Check
from lowcomplex.checks._registry import get, names, run
from lowcomplex.checks._runner import CheckError, run_all
from lowcomplex.checks._verdict import Comparison, Control, Verdict

__all__ = ["Check", "CheckError", "Comparison", "Control", "Verdict", "get", "names", "run", "run_all"]

"""Stubs of doors whose names are found: `python tests/helpers/stubs.py` writes them, a test compares them."""

from __future__ import annotations

import re
from pathlib import Path

from lowcomplex import measures, theorems

ROOT = Path(__file__).parents[2]
PREDICTIONS = ROOT / "lowcomplex" / "predictions" / "__init__.pyi"
MEASURES = ROOT / "lowcomplex" / "measures" / "__init__.pyi"


def predictions_stub() -> str:
    """What `lowcomplex.predictions` exports: what it imports itself, and the prediction of each theorem."""
    source = PREDICTIONS.with_suffix(".py").read_text(encoding="utf-8")
    imported = re.findall(r"^from lowcomplex\.(?:theorems|predictions)\..*$", source, re.MULTILINE)
    home = "from lowcomplex.theorems"
    found = [f"{home}.{name}.formula import {name} as {name}" for name in theorems.folders()]
    head = '"""Written by tests/helpers/stubs.py from the folders of lowcomplex/theorems."""'
    builtin = "import builtins"
    return "\n".join(
        (head, "", builtin, "", *imported, *found, "", "def __dir__() -> builtins.list[str]: ...", "")
    )


def measures_stub() -> str:
    """What `lowcomplex.measures` exports: the public names of its modules."""
    homes = sorted((getattr(measures, name).__module__, name) for name in measures.__all__)
    found = [f"from {home} import {name} as {name}" for home, name in homes]
    head = '"""Written by tests/helpers/stubs.py from the modules of lowcomplex/measures."""'
    home = "from lowcomplex.measures._list import list as list"
    return "\n".join((head, "", "import builtins", "", home, *found, "", "__all__: builtins.list[str]", ""))


def main() -> None:
    """Write the stubs."""
    PREDICTIONS.write_text(predictions_stub(), encoding="utf-8")
    MEASURES.write_text(measures_stub(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The studies, found in the table of grids of every family."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from experiments._study import Study
from lowcomplex._names import require_known


@cache
def studies() -> tuple[Study, ...]:
    """Every study, in order: the rows of `STUDIES` in each folder's `grids.py`.

    Raises:
        ValueError: Two studies have one name.
    """
    folder = Path(__file__).parent
    families = [
        module.name
        for module in pkgutil.iter_modules([str(folder)])
        if module.ispkg and (folder / module.name / "grids.py").is_file()
    ]
    rows: list[Study] = []
    for family in families:
        rows += importlib.import_module(f"experiments.{family}.grids").STUDIES
    names = [row.name for row in rows]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"name: expected one study per name, got several named {', '.join(repeated)}")
    return tuple(sorted(rows, key=lambda row: (row.order, row.name)))


def study(name: str) -> Study:
    """The study of that name.

    Raises:
        ValueError: There is none.
    """
    found = {each.name: each for each in studies()}
    require_known("study", name, found)
    return found[name]

"""Execute the notebooks: `python -m theory [NAME …]` writes NAME.ipynb, with outputs, from NAME.py.

`python -m theory --table` writes the tables of README.md and docs/theory.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jupytext
import nbclient
import nbformat

from lowcomplex._endings import ending_in_words
from lowcomplex._names import require_known
from theory import _table

FOLDER = Path(__file__).parent
TIMEOUT = 300


def names() -> tuple[str, ...]:
    """Stems of all notebooks."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")))


def is_slow(name: str) -> bool:
    """Whether the script's header holds `lowcomplex: {slow: true}`, and `make study` runs it."""
    metadata = jupytext.read(FOLDER / f"{name}.py").metadata
    return bool(metadata.get("lowcomplex", {}).get("slow", False))


def execute(name: str) -> nbformat.NotebookNode:
    """The notebook of that name, run from top to bottom.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell failed; the derivation's assertions are such cells.
    """
    notebook = jupytext.read(FOLDER / f"{name}.py")
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for index, cell in enumerate(notebook.cells):
        # Random identifiers would change the file at every run.
        cell["id"] = f"{name}-{index}"
    client = nbclient.NotebookClient(
        notebook, timeout=TIMEOUT, record_timing=False, coalesce_streams=True, kernel_name="python3"
    )
    client.execute()
    return notebook


@ending_in_words
def main() -> None:
    """Write the notebooks that are named, or all, or the table."""
    if sys.argv[1:] == ["--table"]:
        _table.README.write_text(_table.readme(), encoding="utf-8")
        _table.PAGE.write_text(_table.page(), encoding="utf-8")
        print("theory/README.md\ndocs/theory.md")
        return
    chosen = sys.argv[1:] or names()
    try:
        for name in chosen:
            require_known("notebook", name, names())
    except ValueError as error:
        sys.exit(str(error))
    for name in chosen:
        nbformat.write(execute(name), FOLDER / f"{name}.ipynb")
        print(f"theory/{name}.ipynb")


if __name__ == "__main__":
    main()

"""Execute the notebooks: `python -m theory [NAME …]` writes NAME.ipynb, with outputs, from NAME.py.

`python -m theory --table` writes the tables of README.md and docs/explanation/theory.md, and the catalogue of
predictions beside the latter.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import cyclopts
import jupytext
import nbclient
import nbformat
from jupyter_client.manager import KernelManager

from lowcomplex._endings import ending_in_words
from lowcomplex._names import require_known
from theory import _catalogue, _table

FOLDER = Path(__file__).parent
TIMEOUT = 300

app = cyclopts.App(name="python -m theory", help="Run the notebooks that derive the theorems.")


def names() -> tuple[str, ...]:
    """Stems of all notebooks."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")))


def is_slow(name: str) -> bool:
    """Whether the script's header holds `lowcomplex: {slow: true}`, and `make study` runs it."""
    metadata = jupytext.read(FOLDER / f"{name}.py").metadata
    return bool(metadata.get("lowcomplex", {}).get("slow", False))


def execute(name: str, kernel: KernelManager | None = None) -> nbformat.NotebookNode:
    """The notebook of that name, run from top to bottom.

    Args:
        name: Stem of the script.
        kernel: A running kernel, which forgets its names first and runs on afterwards; a new one if None.
            What it has imported is not imported again: half of a notebook's time.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell failed; the derivation's assertions are such cells.
    """
    notebook = jupytext.read(FOLDER / f"{name}.py")
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for index, cell in enumerate(notebook.cells):
        # Random identifiers would change the file at every run.
        cell["id"] = f"{name}-{index}"
    client = nbclient.NotebookClient(
        notebook,
        km=kernel,
        timeout=TIMEOUT,
        record_timing=False,
        coalesce_streams=True,
        kernel_name="python3",
    )
    if kernel is not None:
        forget = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%reset -f")])
        nbclient.NotebookClient(forget, km=kernel).execute()
    client.execute()
    return notebook


@app.default
@ending_in_words
def main(*notebooks: str, table: Annotated[bool, cyclopts.Parameter(negative="")] = False) -> int:
    """Run notebooks from their scripts and store them with their outputs.

    Parameters
    ----------
    notebooks
        Names of notebooks; all of them without a name.
    table
        Write the tables of theory/README.md and docs/explanation/theory.md, and the catalogue, instead.
    """
    if table:
        _table.README.write_text(_table.readme(), encoding="utf-8")
        _table.PAGE.write_text(_table.page(), encoding="utf-8")
        for path, page in _catalogue.pages().items():
            path.write_text(page, encoding="utf-8")
        print("theory/README.md\ndocs/explanation/theory.md\ndocs/explanation/predictions_*.md")
        return 0
    try:
        for name in notebooks:
            require_known("notebook", name, names())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for name in notebooks or names():
        nbformat.write(execute(name), FOLDER / f"{name}.ipynb")
        print(f"theory/{name}.ipynb")
    return 0


if __name__ == "__main__":
    sys.exit(app())

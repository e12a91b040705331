"""`python -m paper_figs`: draw figures from stored datasets, from a checkout."""

from __future__ import annotations

import sys
from pathlib import Path

import cyclopts

from experiments import RESULTS
from experiments._data import load
from lowcomplex.sweeps import DamagedCellError
from paper_figs import NAMES, figure

app = cyclopts.App(name="python -m paper_figs", help="Draw the figures; no training.")


@app.default
def main(*names: str, folder: Path = RESULTS, preset: str = "quick", out: Path | None = None) -> int:
    """Write each figure as PDF, PNG and SVG, and its plotted numbers as CSV.

    Parameters
    ----------
    names
        Figures; all of them without a name.
    folder
        Where runs are stored. A study without finished runs there is drawn from paper_figs/data/.
    preset
        Which of the studies' grids to draw.
    out
        Where figures go; FOLDER/figures unless given.
    """
    out = folder / "figures" if out is None else out
    try:
        chosen = [figure(name) for name in names or NAMES]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    status = 0
    for study in dict.fromkeys(item.study for item in chosen):
        try:
            dataset = load(study, preset, folder)
        except (FileNotFoundError, ValueError, DamagedCellError) as error:
            print(error, file=sys.stderr)
            status = 1
            continue
        print(f"{study}: {dataset.attrs['origin']}")
        for item in chosen:
            if item.study == study:
                item.save(dataset, out)
                print(f"  {out / item.name}.pdf, .png, .svg, .csv")
    return status


if __name__ == "__main__":
    sys.exit(app())

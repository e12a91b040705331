"""`python -m paper_figs`: draw figures from stored datasets, from a checkout."""

from __future__ import annotations

import sys
from pathlib import Path

import cyclopts
import xarray as xr

from experiments import RESULTS
from experiments._data import load
from lowcomplex._endings import ending_in_words
from lowcomplex.sweeps import DamagedCellError
from paper_figs import _found, _hypotheses, figure
from paper_figs import _papers as papers
from paper_figs._files import write

app = cyclopts.App(name="python -m paper_figs", help="Draw the figures; no training.")


@app.default
@ending_in_words
def main(*names: str, folder: Path = RESULTS, preset: str = "quick", out: Path | None = None) -> int:
    """Write each figure as PDF, PNG, SVG and its plotted numbers as CSV, and a page on the papers' claims.

    Parameters
    ----------
    names
        Figures; all of them without a name.
    folder
        Where runs are stored. A study without finished runs there is drawn from paper_figs/data/.
    preset
        Which of the studies' grids to draw.
    out
        Where figures go; FOLDER/figures unless given. The page, papers.html, goes beside that folder.
    """
    out = folder / "figures" if out is None else out
    try:
        chosen = [figure(name) for name in names or _found.names()]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    status = 0
    for study in dict.fromkeys(item.study for item in chosen):
        try:
            dataset = _dataset(study, preset, folder)
        except (FileNotFoundError, ValueError, DamagedCellError) as error:
            print(error, file=sys.stderr)
            status = 1
            continue
        print(f"{study}: {dataset.attrs['origin']}" if study else "no runs needed:")
        for item in chosen:
            if item.study == study:
                item.save(dataset, out)
                print(f"  {out / item.name}.pdf, .png, .svg, .csv")
    page = out.parent / "papers.html"
    write(page, papers.page(out).encode())
    print(f"The papers' claims and what was found: {page}")
    return status


def _dataset(study: str, preset: str, folder: Path) -> xr.Dataset:
    """What the figures of a study draw; "" is that of figures that need none."""
    if study == _hypotheses.NAME:
        return _hypotheses.load(preset, folder)
    return load(study, preset, folder) if study else xr.Dataset()


if __name__ == "__main__":
    sys.exit(app())

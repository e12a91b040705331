"""Write docs/explanation/papers.md: the papers' claims and the registered hypotheses, beside the findings.

Run as `make papers`; it takes some minutes, from the committed datasets.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import xarray as xr

from experiments._data import load
from lowcomplex import plots
from paper_figs import Figure, _hypotheses, figure, names
from paper_figs._papers import Entry, entries, introduction
from pngs import DOTS, png

HERE = Path(__file__).parent / "explanation"
PICTURES = HERE / "papers"
LARGEST = 100_000
RESOLUTIONS = (DOTS, 180, 150, 110, 75)
# Measure by measure the picture would be too large; the report shows it.
SHOWN = ("hypotheses_effects", "hypotheses_scatter")


def dataset(study: str) -> xr.Dataset | None:
    """The dataset that comes with the code; empty if none is needed, None if it is not there."""
    if not study:
        return xr.Dataset()
    with tempfile.TemporaryDirectory() as nowhere:
        try:
            return load(study, "full", Path(nowhere))
        except FileNotFoundError:
            return None


def draw(item: Figure, runs: xr.Dataset) -> None:
    """The picture, at the best resolution at which it is small."""
    with plots.style():
        picture = item.draw(runs)
        for dots in RESOLUTIONS:
            content = png(picture, dots)
            if len(content) < LARGEST:
                (PICTURES / f"{item.name}.png").write_bytes(content)
                return
    raise ValueError(f"{item.name}: over {LARGEST} bytes even at {RESOLUTIONS[-1]} dots per inch")


def section(entry: Entry, caption: str) -> str:
    """A figure's part of the page."""
    heading = f"{entry.row.paper}: {entry.row.shows}" if entry.row else entry.name.replace("_", " ")
    claimed = entry.claim.text if entry.claim else ""
    return (
        f"### {heading}\n\n**Claimed.** {claimed}\n\n**Found. {entry.word}:** {entry.text}\n\n"
        f"![{entry.name}](papers/{entry.name}.png)\n\n{caption}\n"
    )


def row(entry: Entry) -> str:
    """A figure's line of the table."""
    paper, shows = (
        (entry.row.paper, entry.row.shows) if entry.row else ("beyond", entry.name.replace("_", " "))
    )
    claimed = entry.claim.text if entry.claim else "–"
    why = f": {entry.text}" if entry.finding is None else ""
    return f"| {paper} | {shows} | {claimed} | {entry.word}{why} |"


def hypotheses() -> str:
    """The registered hypotheses with their outcomes, and their figures, which are drawn."""
    with tempfile.TemporaryDirectory() as nowhere:
        judged = _hypotheses.load("full", Path(nowhere))
    rows = [
        f"| {name} | {title} | {sentence} |"
        for name, title, sentence in zip(
            judged["hypothesis"].values, judged["title"].values, judged["sentence"].values, strict=True
        )
    ]
    pictures = []
    for item in map(figure, SHOWN):
        draw(item, judged)
        pictures.append(f"![{item.name}](papers/{item.name}.png)\n\n{item.caption(judged)}\n")
    return "\n".join([*rows, "", *pictures])


def main() -> None:
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir()
    items = [item for item in map(figure, names()) if item.claim]
    captions: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for study in dict.fromkeys(item.study for item in items):
            runs = dataset(study)
            if runs is None:
                continue
            for item in items:
                if item.study == study:
                    item.save(runs, Path(folder))
                    draw(item, runs)
                    captions[item.name] = item.caption(runs)
        listed = entries(Path(folder))
    drawn = [section(entry, captions[entry.name]) for entry in listed if entry.name in captions]
    page = PAGE.format(
        introduction=introduction(listed),
        table="\n".join(map(row, listed)),
        sections="\n".join(drawn),
        hypotheses=hypotheses(),
    )
    (HERE / "papers.md").write_text(page, encoding="utf-8")


PAGE = """# The two papers, figure by figure

This page is written by `make papers` from the datasets in `paper_figs/data/`; `make reproduce` writes the
same as `results/papers.html`, from its own runs where it made them.

{introduction}

| figure | shows | claimed | verdict |
| --- | --- | --- | --- |
{table}

## The registered hypotheses

They were written down in `experiments/hypotheses/hypotheses.toml` before the runs that test them were seen;
`python -m experiments hypotheses` lists every test.

| | expected | came out |
| --- | --- | --- |
{hypotheses}

## Claim and finding

{sections}"""

if __name__ == "__main__":
    main()

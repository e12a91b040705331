"""Page of the studies: what each asks, its runs, its figures, and how long it takes.

Run as `python docs/studies.py`, which is part of `make tables`; a test compares the page.
"""

from __future__ import annotations

from pathlib import Path

from experiments import Study, studies
from paper_figs import figure, names

PAGE = Path(__file__).parent / "explanation" / "studies.md"
WORKERS = 2
HEAD = (
    "| study | asks | runs, quick | runs, full | seconds per run | figures |",
    "| --- | --- | --- | --- | --- | --- |",
)


def page() -> str:
    """The page, from the studies and figures that are found."""
    quick = sum(_seconds(study, "quick") for study in studies() if study.routine)
    full = sum(_seconds(study, "full") for study in studies())
    return TEXT.format(
        rows="\n".join((*HEAD, *map(_row, studies()))),
        others=_list(_figures("")),
        hypotheses=_list(_figures("hypotheses")),
        quick=f"{quick / 60:.0f} minutes",
        full=f"{full / 3600:.1f} hours",
    )


def _seconds(study: Study, preset: str) -> float:
    """How long all runs of a preset train."""
    return study.seconds * len(study.sweep(preset).configs) / WORKERS


def _row(study: Study) -> str:
    quick, full = (len(study.sweep(preset).configs) for preset in ("quick", "full"))
    cells = (
        f"`{study.name}`",
        study.title,
        str(quick) if study.routine else "stored",
        str(full),
        f"{study.seconds:g}",
        _list(_figures(study.name)),
    )
    return f"| {' | '.join(cells)} |"


def _figures(study: str) -> list[str]:
    return [name for name in names() if figure(name).study == study]


def _list(found: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in found)


TEXT = """# Studies, figures and durations

This page is written by `make tables` from the studies and figures that are found.

`python -m experiments NAME --preset full` runs one study, `python -m paper_figs NAME` draws one figure.
A study whose quick runs are "stored" is not trained by `make reproduce` but drawn from its dataset in
`paper_figs/data/`.

{rows}

Figures of no study: {others}. Figures of the registered hypotheses: {hypotheses}.

## How long it takes

Durations are for two cores without a GPU: the seconds per run, times the runs, divided by two workers.

| command | trains for |
| --- | --- |
| `make reproduce` | {quick} |
| `make reproduce PRESET=full` | {full} |

Checks and figures come on top; `make reproduce` ends with a line that states how long it took. What is
finished is not computed again.
"""

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print("docs/explanation/studies.md")

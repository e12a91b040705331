"""A figure: what it draws, of which study, and the files that it becomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import xarray as xr
from matplotlib import figure as drawing

from lowcomplex.plots.page import style
from paper_figs import _sources
from paper_figs._files import write
from paper_figs._finding import Claim, Finding

SUFFIXES = (".pdf", ".png", ".svg", ".csv")
_DIGITS = "%.9g"
# Dates and program names would make equal pictures differ as files.
_METADATA: dict[str, dict[str, None]] = {
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
    ".png": {"Software": None},
}


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: The module's name, and the stem of its files.
        study: The study whose dataset it draws; "" if it needs none.
        caption: The caption, with numbers from the dataset.
        draw: The picture.
        numbers: The plotted numbers.
        claim: A paper's claim on its own figure of this, if there is one.
        finding: Judges that claim by the dataset; there is one if and only if there is a claim.
        order: Its place in the report, from small to large.
    """

    name: str
    study: str
    caption: Callable[[xr.Dataset], str]
    draw: Callable[[xr.Dataset], drawing.Figure]
    numbers: Callable[[xr.Dataset], pd.DataFrame]
    claim: Claim | None = None
    finding: Callable[[xr.Dataset], Finding] | None = None
    order: int = 0

    def __post_init__(self) -> None:
        if (self.claim is None) != (self.finding is None):
            raise ValueError(f"{self.name}: expected a claim and its finding, or neither")

    def save(self, dataset: xr.Dataset, folder: Path) -> tuple[Path, ...]:
        """Draw, and write NAME.pdf, .png (300 dots per inch), .svg and the plotted numbers as .csv.

        The same dataset gives the same bytes.

        Args:
            dataset: The study's reduced dataset.
            folder: Folder of the files; made if it is not there.

        Returns:
            The files.
        """
        table = self.numbers(dataset)
        with style(), mpl.rc_context({"svg.hashsalt": self.name}):
            picture = self.draw(dataset)
            # The layout is solved once, not again for each format.
            picture.draw_without_rendering()
            picture.set_layout_engine("none")
            for suffix, metadata in _METADATA.items():
                content = BytesIO()
                picture.savefig(content, format=suffix[1:], metadata=metadata)
                write(folder / f"{self.name}{suffix}", content.getvalue())
        text = table.to_csv(index=False, float_format=_DIGITS, lineterminator="\n")
        write(folder / f"{self.name}.csv", text.encode())
        stamp = {
            "digest": self.digest(dataset),
            "study": self.study,
            "caption": self.caption(dataset),
            "finding": None if self.finding is None else self.finding(dataset).to_dict(),
        }
        write(folder / f"{self.name}.json", json.dumps(stamp, indent=1).encode())
        return tuple(folder / f"{self.name}{suffix}" for suffix in SUFFIXES)

    def is_current(self, dataset: xr.Dataset, folder: Path) -> bool:
        """True if the files are there and were drawn from this dataset by this code."""
        stamp = folder / f"{self.name}.json"
        if not all((folder / f"{self.name}{suffix}").is_file() for suffix in (*SUFFIXES, ".json")):
            return False
        try:
            drawn = json.loads(stamp.read_text())["digest"]
        except (ValueError, KeyError):
            return False
        return bool(drawn == self.digest(dataset))

    def digest(self, dataset: xr.Dataset) -> str:
        """SHA-256 over the dataset's content, the figure's module and all that it imports to draw."""
        code = _sources.digest(f"paper_figs.figures.{self.name}")
        parts = (_content(dataset), code, *(version(name) for name in ("matplotlib", "seaborn", "pandas")))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _content(dataset: xr.Dataset) -> str:
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        variable = dataset[name]
        values = variable.values
        raw = values.astype(str).tobytes() if values.dtype.kind == "O" else values.tobytes()
        digest.update(f"{name} {variable.dims} {values.dtype} {values.shape}\n".encode() + raw)
    kept = {key: str(value) for key, value in dataset.attrs.items()}
    digest.update(json.dumps(kept, sort_keys=True).encode())
    return digest.hexdigest()

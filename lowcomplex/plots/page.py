"""Page sizes, fonts, and colors that color-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Color = tuple[float, float, float]

# Inches: the text widths of one and of two columns of a printed page.
SINGLE = 3.4
DOUBLE = 7.0

GAMMA_LABEL = "initialization rate γ"
MARKERS = ("o", "s", "^", "D", "v", "P")
_SMALLEST_FONT = 7
# Points per inch at which a notebook shows a figure; it is drawn with twice as many, for sharp screens.
_SCREEN_DPI = 110


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib settings for figures at print size, to draw and to save under.

    Yields:
        Nothing; what was set before returns when the context closes.

    Example:
        >>> with style():
        ...     figure = canvas(1, 2, height=2.0)
        >>> float(figure.get_figwidth())
        7.0
    """
    settings: Any = {
        **sns.axes_style("ticks"),
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 8,
        "axes.labelsize": 8,
        "axes.titlesize": 8,
        "xtick.labelsize": _SMALLEST_FONT,
        "ytick.labelsize": _SMALLEST_FONT,
        "legend.fontsize": _SMALLEST_FONT,
        "legend.title_fontsize": _SMALLEST_FONT,
        "legend.frameon": False,
        "legend.handlelength": 1.6,
        "axes.linewidth": 0.7,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "xtick.minor.size": 1.5,
        "ytick.minor.size": 1.5,
        "lines.linewidth": 1.3,
        "lines.markersize": 3.5,
        "savefig.dpi": 300,
        "figure.dpi": 150,
        "pdf.fonttype": 42,
        "svg.fonttype": "path",
        "image.interpolation": "nearest",
    }
    with mpl.rc_context(settings):
        yield


class Page(Figure):
    """A figure that a notebook shows as a picture, also if nothing imports pyplot.

    It is not registered with pyplot, so it is freed when it is no longer used.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        content = BytesIO()
        with style():
            self.savefig(content, format="png", dpi=2 * _SCREEN_DPI)
        width, height = (round(inches * _SCREEN_DPI) for inches in self.get_size_inches())
        return content.getvalue(), {"width": width, "height": height}


def canvas(rows: int, columns: int, *, width: float = DOUBLE, height: float, **layout: Any) -> Page:
    """A figure with a grid of axes, `figure.axes` in reading order.

    Args:
        rows: Rows of the grid.
        columns: Columns of the grid.
        width: In inches.
        height: In inches.
        **layout: Passed on to `Figure.subplots`.

    Returns:
        The figure.
    """
    figure = Page(figsize=(width, height), layout="constrained")
    figure.subplots(rows, columns, squeeze=False, **layout)
    return figure


def categorical(count: int) -> list[Color]:
    """Colors for names without an order: seaborn's "colorblind" palette, repeated if there are more names."""
    return list(sns.color_palette("colorblind", count))


def sequential(count: int) -> list[Color]:
    """Colors for ordered values, from dark to light; the palest, illegible on white, is left out."""
    return list(sns.color_palette("viridis", n_colors=count + 1))[:count] if count else []


def shortened(name: str, longest: int = 34) -> str:
    """The end of a long name of a matrix, which tells the matrices of one layer apart."""
    return name if len(name) <= longest else "…" + name[1 - longest :]


def panel_letters(axes: Sequence[Axes]) -> None:
    """Mark panels with a, b, c, … outside their upper left corners."""
    for axis, letter in zip(axes, "abcdefghijklmnopqrstuvwxyz", strict=False):
        axis.annotate(
            letter,
            xy=(0, 1),
            xycoords="axes fraction",
            xytext=(-6, 5),
            textcoords="offset points",
            fontweight="bold",
            ha="right",
            va="bottom",
        )


def shared_legend(figure: Figure, **layout: Any) -> None:
    """Draw one legend for all panels, each label once, in one row above them."""
    handles: dict[str, Any] = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(str(label), handle)
    options = {"loc": "outside upper center", "ncols": len(handles), **layout}
    figure.legend(list(handles.values()), list(handles), **options)

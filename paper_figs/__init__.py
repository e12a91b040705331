"""The figures: stored datasets in, pages' pictures and their numbers out."""

from paper_figs._figure import Figure
from paper_figs._registry import NAMES, figure

__all__ = ["NAMES", "Figure", "figure"]

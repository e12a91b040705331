"""The figures: stored datasets in, pages' pictures and their numbers out."""

from paper_figs._figure import Figure
from paper_figs._found import figure, names

__all__ = ["Figure", "figure", "names"]

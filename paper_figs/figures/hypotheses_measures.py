"""The registered hypotheses with a test a measure of complexity: which of the measures do it, if any?"""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figs._figure import Figure
from paper_figs._hypotheses import NAME, caption_of_effects, with_tests
from paper_figs.panels.hypotheses import effect_table, plot_effects


def of_many_tests(dataset: xr.Dataset) -> list[str]:
    """Hypotheses of more than eight tests."""
    return with_tests(dataset, least=9)


def caption(dataset: xr.Dataset) -> str:
    """Effects of the hypotheses with one test per measure, and how each came out."""
    return f"Measure by measure: {caption_of_effects(dataset, of_many_tests(dataset))}"


def draw(dataset: xr.Dataset) -> Canvas:
    """The forest plot."""
    return plot_effects(dataset, of_many_tests(dataset))


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """The drawn tests."""
    table = effect_table(dataset)
    return table[table["tested"].isin(of_many_tests(dataset))]


FIGURE = Figure("hypotheses_measures", NAME, caption, draw, numbers, order=350)

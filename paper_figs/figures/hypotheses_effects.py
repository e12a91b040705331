"""Every test of the registered hypotheses of few tests, with its effect, interval and threshold."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figs._figure import Figure
from paper_figs._hypotheses import NAME, caption_of_effects, with_tests
from paper_figs.panels.hypotheses import effect_table, plot_effects


def of_few_tests(dataset: xr.Dataset) -> list[str]:
    """Hypotheses of at most eight tests: one page holds them."""
    return with_tests(dataset, most=8)


def caption(dataset: xr.Dataset) -> str:
    """Effects of the hypotheses of few tests, and how each came out."""
    came_out = caption_of_effects(dataset, of_few_tests(dataset))
    return f"Hypotheses that were registered before their runs were seen: {came_out}"


def draw(dataset: xr.Dataset) -> Canvas:
    """The forest plot."""
    return plot_effects(dataset, of_few_tests(dataset))


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """All tests of all hypotheses."""
    return effect_table(dataset)


FIGURE = Figure("hypotheses_effects", NAME, caption, draw, numbers, order=340)

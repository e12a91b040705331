"""Drawings by `plot_checkpoint` of tables with few and with thousands of matrices."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from lowcomplex.plots import plot_checkpoint


def _table(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"name": [f"layer.{k}" for k in range(rows)], "gamma": np.linspace(0.3, 0.9, rows)})


@pytest.mark.parametrize(("rows", "named"), [(3, 3), (300, 300), (3000, 300)])
def test_a_page_holds_every_matrix_and_at_most_300_names(rows: int, named: int) -> None:
    figure = plot_checkpoint(_table(rows))
    (axis,) = figure.axes
    points, _ = axis.get_lines()
    assert len(points.get_xdata()) == rows
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert len(labels) == named
    for place, label in zip(axis.get_yticks(), labels, strict=True):
        assert label == f"layer.{place:.0f}"
    assert figure.get_figheight() < 50
    if rows == 3:
        figure.savefig(io.BytesIO())

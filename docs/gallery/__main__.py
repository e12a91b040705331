"""Draw the gallery: what each measure sees in networks from a large and from a small initialization.

Run as `python docs/gallery`, or with the names of the pictures to draw; all take about a minute, and need the
extras `nufft` and `curvature`. The pages docs/explanation/measures*.md are written in either case.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))
import page
from lowcomplex.plots import canvas, style
from networks import GAMMAS
from pngs import png


def main() -> None:
    runs: dict[object, list[object]] = {}
    for name in tqdm(sys.argv[1:] or page.names(), unit="picture"):
        picture = importlib.import_module(f"pictures.{name}")
        train = picture.NETWORK
        if train not in runs:
            runs[train] = [train(gamma) for gamma in GAMMAS]
        with style():
            figure = canvas(1, 2, width=6.0, height=2.1)
            for axis, gamma, run in zip(figure.axes, GAMMAS, runs[train], strict=True):
                axis.set_title(f"γ = {gamma:g}")
                picture.draw(axis, run)
            (page.HERE / f"{name}.png").write_bytes(png(figure))
    for path, text in page.pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Draw the gallery: what each measure sees in networks from a large and from a small initialization.

Run as `python docs/gallery`; it takes about a minute and needs the extras `nufft` and `curvature`.
"""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

import pictures
from lowcomplex.plots import canvas, style
from networks import GAMMAS, boolean, circle, curve, hinges, plane, teacher, tokens

HERE = Path(__file__).parent
PICTURES = {
    "ranks": (teacher, pictures.ranks),
    "products": (teacher, pictures.products),
    "covariance": (teacher, pictures.covariance),
    "trajectory": (teacher, pictures.trajectory),
    "cosines": (teacher, pictures.cosines),
    "condensed_directions": (teacher, pictures.condensed),
    "condensation_in_time": (teacher, pictures.followed),
    "cosine_moments": (teacher, pictures.moments),
    "orientation": (hinges, pictures.orientation),
    "fourier": (curve, pictures.fourier),
    "learning_time": (curve, pictures.learned),
    "decay": (curve, pictures.decay),
    "fourier_2d": (plane, pictures.fourier_2d),
    "scattered": (plane, pictures.scattered),
    "circle": (circle, pictures.circle),
    "projection": (teacher, pictures.projection),
    "low_high": (teacher, pictures.low_high),
    "lines": (teacher, pictures.lines),
    "token_maps": (tokens, pictures.token_maps),
    "representations": (tokens, pictures.representations),
    "boolean": (boolean, pictures.boolean),
    "boolean_sampling": (boolean, pictures.sampled),
    "kernel": (teacher, pictures.kernel),
    "curvature": (teacher, pictures.curvature),
    "regions": (hinges, pictures.regions),
    "jacobian": (teacher, pictures.jacobian),
}


def main() -> None:
    runs: dict[object, list[object]] = {}
    for name, (train, draw) in tqdm(PICTURES.items(), unit="picture"):
        if train not in runs:
            runs[train] = [train(gamma) for gamma in GAMMAS]
        with style():
            figure = canvas(1, 2, width=6.0, height=2.1)
            for axis, gamma, run in zip(figure.axes, GAMMAS, runs[train], strict=True):
                axis.set_title(f"γ = {gamma:g}")
                draw(axis, run)
            figure.savefig(HERE / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()

"""A sweep that is quick to compute, for the tests of sweeps; also run as a program."""

import sys
import time
from pathlib import Path

import numpy as np
import xarray as xr

from lowcomplex import sweeps


class Toy(sweeps.Config):
    gamma: float
    seed: int = 0
    seconds: float = 0.0
    fails: bool = False


def measure(config: Toy) -> xr.Dataset:
    time.sleep(config.seconds)
    if config.fails and config.seed == 1:
        raise RuntimeError("the second seed does not work")
    rng = np.random.default_rng([config.seed, int(1000 * config.gamma)])
    walk = rng.standard_normal(50).cumsum()
    phase = "small" if config.gamma > 0.5 else "large"
    return xr.Dataset(
        {"walk": ("step", walk), "phase": phase, "length": ("part", np.arange(config.seed + 1.0))},
        coords={"step": range(50), "part": range(config.seed + 1)},
    )


def sweep(**values) -> sweeps.Sweep:
    grid = sweeps.grid(Toy, **({"gamma": (0.3, 0.8), "seed": (0, 1, 2)} | values))
    return sweeps.Sweep("toy", measure, grid, ("gamma", "seed"))


if __name__ == "__main__":
    sweeps.run(sweep(seconds=float(sys.argv[2])), Path(sys.argv[1]), workers=int(sys.argv[3]), progress=False)

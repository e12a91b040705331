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


def measure_in_steps(config: Toy, checkpoint: Path) -> xr.Dataset:
    """A long cell: twenty steps, each of them kept in the checkpoint, and a log of all that were taken."""
    steps = np.load(checkpoint) if checkpoint.exists() else np.empty(0)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    while len(steps) < 20:
        time.sleep(config.seconds / 20)
        steps = np.append(steps, np.random.default_rng([config.seed, len(steps)]).standard_normal())
        temporary = checkpoint.with_suffix(".tmp.npy")
        np.save(temporary, steps)
        temporary.replace(checkpoint)
        with checkpoint.parent.with_name("steps.log").open("a") as log:
            log.write(f"{len(steps)}\n")
    return xr.Dataset({"walk": ("step", steps.cumsum())})


def sweep(**values) -> sweeps.Sweep:
    grid = sweeps.grid(Toy, **({"gamma": (0.3, 0.8), "seed": (0, 1, 2)} | values))
    return sweeps.Sweep("toy", measure, grid, ("gamma", "seed"))


if __name__ == "__main__":
    sweeps.run(sweep(seconds=float(sys.argv[2])), Path(sys.argv[1]), workers=int(sys.argv[3]), progress=False)

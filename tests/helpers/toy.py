"""Sweeps that are quick to compute, for the tests of sweeps; also run as a program."""

import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from lowcomplex import sweeps

STEPS = 50


class Toy(sweeps.Config):
    gamma: float
    seed: int = 0
    seconds: float = 0.0
    fails: bool = False


def measure(config: Toy) -> xr.Dataset:
    time.sleep(config.seconds)
    if config.fails and config.seed == 1:
        raise RuntimeError("the second seed does not work")
    return _dataset(config, _rng(config).standard_normal(STEPS))


def resumably(config: Toy, checkpoint: Path) -> xr.Dataset:
    """As `measure`, in steps, each of them saved."""
    return _walk_resumably((config,), checkpoint)[0]


def together(configs: Sequence[Toy]) -> list[xr.Dataset]:
    time.sleep(max(config.seconds for config in configs))
    return [_dataset(config, _rng(config).standard_normal(STEPS)) for config in configs]


def together_resumably(configs: Sequence[Toy], checkpoint: Path) -> list[xr.Dataset]:
    return _walk_resumably(configs, checkpoint)


def _walk_resumably(configs: Sequence[Toy], checkpoint: Path) -> list[xr.Dataset]:
    generators, steps = [_rng(config) for config in configs], [[] for _ in configs]
    if checkpoint.exists():
        saved = json.loads(checkpoint.read_text())
        steps = saved["steps"]
        for generator, state in zip(generators, saved["generators"], strict=True):
            generator.bit_generator.state = state
    while len(steps[0]) < STEPS:
        for generator, walk in zip(generators, steps, strict=True):
            walk.append(float(generator.standard_normal()))
        time.sleep(max(config.seconds for config in configs) / STEPS)
        states = [generator.bit_generator.state for generator in generators]
        checkpoint.parent.mkdir(exist_ok=True)
        temporary = checkpoint.with_suffix(".tmp")
        temporary.write_text(json.dumps({"steps": steps, "generators": states}))
        temporary.replace(checkpoint)
    return [_dataset(config, np.array(walk)) for config, walk in zip(configs, steps, strict=True)]


def fills_the_disk(config: Toy) -> xr.Dataset:
    """Leaves no room for the second seed's result, in the process that computes it."""
    if config.seed == 1:

        def no_room(*_: Any, **__: Any) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        xr.Dataset.to_netcdf = no_room
    return measure(config)


def kills_its_worker(config: Toy) -> xr.Dataset:
    if config.seed == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return measure(config)


def kills_its_worker_once(config: Toy) -> xr.Dataset:
    marker = Path(os.environ["TOY_MARKERS"]) / config.hash
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return measure(config)


def heed_interrupts() -> None:
    """As on a terminal, also where the tests themselves run in the background, deaf to SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _rng(config: Toy) -> np.random.Generator:
    return np.random.default_rng([config.seed, int(1000 * config.gamma)])


def _dataset(config: Toy, steps: np.ndarray) -> xr.Dataset:
    phase = "small" if config.gamma > 0.5 else "large"
    return xr.Dataset(
        {
            "walk": ("step", steps.cumsum()),
            "phase": phase,
            "length": ("part", np.arange(config.seed + 1.0)),
        },
        coords={"step": range(STEPS), "part": range(config.seed + 1)},
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


def sweep(measure: Callable[..., Any] = measure, **values: Any) -> sweeps.Sweep:
    grid = sweeps.grid(Toy, **({"gamma": (0.3, 0.8), "seed": (0, 1, 2)} | values))
    return sweeps.Sweep(
        "toy",
        measure,
        grid,
        ("gamma", "seed"),
        together=("gamma", "seed") if measure in (together, together_resumably) else (),
        batch=2,
        resumable=measure in (resumably, together_resumably),
        same_meaning=True,  # All of them compute the same values.
    )


def every_kind(seconds: float) -> dict[str, sweeps.Sweep]:
    """A sweep of each kind of cell, by the name of its folder."""
    kinds = (measure, resumably, together, together_resumably)
    return {kind.__name__: sweep(kind, seconds=seconds) for kind in kinds}


def serve(folder: Path, seconds: float) -> None:
    """At each line of input, compute every kind of sweep in a process; print its number, then its end."""
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            for name, toy in every_kind(seconds).items():
                sweeps.run(toy, folder / name, workers=0, progress=False)
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    heed_interrupts()
    if sys.argv[1] == "serve":
        serve(Path(sys.argv[2]), float(sys.argv[3]))
    else:
        folder, seconds, workers, kind = sys.argv[1:]
        sweeps.run(
            sweep(globals()[kind], seconds=float(seconds)),
            Path(folder),
            workers=int(workers),
            progress=False,
        )

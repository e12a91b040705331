"""Where the jobs of a sweep run: Slurm, or this machine, on which they outlive the command."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import submitit
from cyclopts import Parameter, Token

from lowcomplex._names import require_known
from lowcomplex.sweeps._workers import ATTEMPTS, THREAD_VARIABLES


def _account(_: Any, tokens: Sequence[Token]) -> dict[str, str]:
    """The only `#SBATCH` option that is also an option of the command line."""
    return {"account": tokens[0].value}


@dataclass(frozen=True)
class Cluster:
    """Where the jobs of a sweep run, and what each of them asks for.

    Every job computes with one thread, so that a cell's numbers are the same wherever it is computed. The
    fields become options of a command line if a function of its cyclopts app takes a cluster.

    Args:
        kind: Submit jobs instead of starting processes: "slurm" submits job arrays; "local" starts the same
            jobs on this machine, to try them out.
        partition: Slurm partition; the cluster's default if None.
        minutes: Time limit of a job. One that reaches it is queued again up to three times; a resumable
            cell continues from its checkpoint.
        cpus: CPUs per job.
        gpus: GPUs per job.
        memory_gb: Memory per job, in GB; the cluster's default if None.
        parallel: Largest number of jobs that run at once; if None, 256 on Slurm, one per CPU here.
        batches_per_job: Batches that one job computes in turn; more than one if a cell takes a few seconds.
        setup: Shell commands before Python starts, such as "module load cuda"; may be repeated.
        options: More `#SBATCH` options by name, such as {"account": "theory", "qos": "low"}.
        logs: Folder of the jobs' scripts and logs, which all machines must see; if None, `jobs` beside the
            cells.

    Raises:
        ValueError: A field has an impossible value.
    """

    kind: Annotated[Literal["slurm", "local"], Parameter(name="--cluster", show_default=False)] = "slurm"
    partition: str | None = None
    minutes: int = 60
    cpus: int = 1
    gpus: int = 0
    memory_gb: float | None = None
    parallel: int | None = None
    batches_per_job: Annotated[int, Parameter(name="--cells-per-job")] = 1
    setup: tuple[str, ...] = ()
    options: Annotated[
        dict[str, str],
        Parameter(
            name="--account",
            help="Slurm account.",
            n_tokens=1,
            accepts_keys=False,
            converter=_account,
            show_default=False,
        ),
    ] = field(default_factory=dict)
    logs: Path | None = None

    def __post_init__(self) -> None:
        require_known("cluster", self.kind, ("slurm", "local"))
        for name, least in (
            ("minutes", 1),
            ("cpus", 1),
            ("gpus", 0),
            ("parallel", 1),
            ("batches_per_job", 1),
        ):
            value = getattr(self, name)
            if not (name == "parallel" and value is None) and (not isinstance(value, int) or value < least):
                raise ValueError(f"{name}: expected a whole number of at least {least}, got {value!r}")
        if self.memory_gb is not None and not self.memory_gb > 0:
            raise ValueError(f"memory_gb: expected a positive amount, got {self.memory_gb!r}")
        if not isinstance(self.setup, tuple):
            raise ValueError(f"setup: expected a tuple of shell commands, got {self.setup!r}")

    def require(self) -> None:
        """Raise an error where jobs cannot be submitted.

        Raises:
            RuntimeError: Slurm's commands are missing.
        """
        missing = [c for c in ("sbatch", "srun") if self.kind == "slurm" and shutil.which(c) is None]
        if missing:
            raise RuntimeError(
                f"{' and '.join(missing)}: not found; start the sweep on a machine that submits to Slurm, or "
                "choose the cluster 'local'"
            )


def executor_of(cluster: Cluster, name: str, folder: Path) -> Any:
    """The submitit executor of a sweep's jobs, whose scripts and logs go to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"slurm_max_num_timeout": ATTEMPTS} if cluster.kind == "slurm" else {}
    executor = submitit.AutoExecutor(folder, cluster=cluster.kind, **options)
    exports = [f"export {variable}=1" for variable in THREAD_VARIABLES]
    executor.update_parameters(
        name=name,
        timeout_min=cluster.minutes,
        cpus_per_task=cluster.cpus,
        gpus_per_node=cluster.gpus or None,
        mem_gb=cluster.memory_gb,
        nodes=1,
        tasks_per_node=1,
        slurm_partition=cluster.partition,
        slurm_array_parallelism=cluster.parallel,
        slurm_setup=[*cluster.setup, *exports],
        slurm_additional_parameters=cluster.options or None,
        local_setup=list(cluster.setup) or None,
    )
    return executor

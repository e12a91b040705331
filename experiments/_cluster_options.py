"""The cluster options that the command lines share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lowcomplex import sweeps


@dataclass(frozen=True)
class ClusterOptions:
    """Run as jobs of a cluster.

    Attributes:
        cluster: Submit jobs instead of starting processes: slurm, or local to try it on this machine.
        partition: Slurm partition.
        minutes: Time limit of a job; one that reaches it is queued again and continues from its checkpoint.
        cpus: CPUs of a job.
        gpus: GPUs of a job.
        memory_gb: Memory of a job.
        parallel: Jobs that run at once.
        cells_per_job: Cells (or batches of cells) that one job computes in turn.
        setup: Shell command before Python starts; may be repeated.
        account: Slurm account.
    """

    cluster: str | None = None
    partition: str | None = None
    minutes: int = 60
    cpus: int = 1
    gpus: int = 0
    memory_gb: float | None = None
    parallel: int | None = None
    cells_per_job: int = 1
    setup: tuple[str, ...] = ()
    account: str | None = None

    def chosen(self) -> sweeps.Cluster | None:
        """The cluster, or None for processes of this machine.

        Raises:
            ValueError: An option has an impossible value, or is given without a cluster.
            RuntimeError: The cluster's commands are missing.
        """
        if self.cluster is None:
            if self != ClusterOptions():
                raise ValueError(
                    "cluster: expected --cluster slurm or --cluster local with the jobs' options"
                )
            return None
        kind: Any = self.cluster  # Text of the command line; checked below.
        cluster = sweeps.Cluster(
            kind=kind,
            partition=self.partition,
            minutes=self.minutes,
            cpus=self.cpus,
            gpus=self.gpus,
            memory_gb=self.memory_gb,
            parallel=self.parallel,
            batches_per_job=self.cells_per_job,
            setup=self.setup,
            options={} if self.account is None else {"account": self.account},
        )
        cluster.require()
        return cluster


PROCESSES = ClusterOptions()

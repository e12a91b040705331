from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

pytest.importorskip("lightning", reason="the extra `lightning` is not installed")
pytest.importorskip("transformers", reason="the extra `transformers` is not installed")
pytest.importorskip("accelerate", reason="the extra `transformers` is not installed")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_of_two_processes_one_records_what_one_alone_would(tmp_path: Path) -> None:
    import two_trainers
    from lowcomplex.integrations import lightning, transformers

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    # As torchrun sets them.
    common |= {"LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "0", "TORCHELASTIC_RUN_ID": "test"}
    running = [
        subprocess.Popen(
            [sys.executable, two_trainers.__file__, tmp_path],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in (0, 1)
    ]
    assert [process.wait(timeout=300) for process in running] == [0, 0]
    for name, callback, run in (
        ("lightning", lightning.TrackerCallback(), two_trainers.fit),
        ("transformers", transformers.TrackerCallback(), two_trainers.train),
    ):
        run(callback, tmp_path, 1)
        expected = callback.dataset().drop_vars("loss")
        assert abs(expected["stable_rank"][-1] - expected["stable_rank"][0]).max() > 1e-3
        found = xr.load_dataset(tmp_path / f"{name}.nc", engine="h5netcdf").drop_vars("loss")
        xr.testing.assert_allclose(found, expected, rtol=1e-5)

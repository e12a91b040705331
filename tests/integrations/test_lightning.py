from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
import xarray as xr
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import event_files
import killed
from lowcomplex import stable_rank

lightning = pytest.importorskip("lightning", reason="the extra `lightning` is not installed")


class _Module(lightning.LightningModule):  # type: ignore[misc,name-defined]
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, 3)
        self.seen: list[float] = []

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        loss: Tensor = self.layer(batch[0]).square().mean()
        self.seen.append(loss.item())
        return loss

    def test_step(self, batch: Tensor, index: int) -> None:
        self.layer(batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def _fit(
    module: nn.Module, callback: object, folder: Path, path: Path | None = None, **options: object
) -> object:
    data = DataLoader(TensorDataset(torch.randn(24, 4, generator=torch.Generator().manual_seed(1))), 4)
    trainer = lightning.Trainer(
        callbacks=callback,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        **{"max_epochs": 1, "logger": False, "enable_checkpointing": False, **options},
    )
    trainer.fit(module, data, ckpt_path=path)
    return trainer


@pytest.mark.filterwarnings("ignore")
def test_records_every_optimizer_step(tmp_path: Path) -> None:
    from lowcomplex.integrations.lightning import TrackerCallback

    module, callback = _Module(), TrackerCallback(("stable_rank",), every=2)
    start = float(stable_rank(module.layer.weight.detach()))
    with pytest.raises(RuntimeError, match="no training has started"):
        callback.dataset()
    _fit(module, callback, tmp_path)
    dataset = callback.dataset()
    assert dataset["step"].values.tolist() == [0, 2, 4, 6]
    assert dataset["layer"].values.tolist() == ["layer.weight"]
    assert float(dataset["stable_rank"][0, 0]) == pytest.approx(start)
    assert float(dataset["stable_rank"][-1, 0]) == pytest.approx(float(stable_rank(module.layer.weight)))
    assert dataset["loss"].notnull().values.tolist() == [True, True, True, False]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("options", "recorded"), [({}, [0, 1, 2]), ({"steps": (0, 2)}, [0, 2])])
def test_accumulated_batches_are_not_steps(
    options: dict[str, object], recorded: list[int], tmp_path: Path
) -> None:
    from lowcomplex.integrations.lightning import TrackerCallback

    callback = TrackerCallback(**options)
    _fit(_Module(), callback, tmp_path, accumulate_grad_batches=3)
    assert callback.dataset()["step"].values.tolist() == recorded


class _Pair(_Module):
    """Two optimizers, each of which steps once per batch."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.head = nn.Linear(3, 2)

    def training_step(self, batch: list[Tensor], index: int) -> None:
        for optimizer in self.optimizers():
            optimizer.zero_grad()
            loss = self.head(self.layer(batch[0])).square().mean()
            self.seen.append(loss.item())
            self.manual_backward(loss)
            optimizer.step()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return [torch.optim.SGD(part.parameters(), lr=0.1) for part in (self.layer, self.head)]


class _Lbfgs(_Module):
    """An optimizer that computes the loss several times per step."""

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.LBFGS(self.parameters(), lr=0.1, max_iter=3)


@pytest.mark.filterwarnings("ignore")
def test_a_record_has_the_loss_of_its_state(tmp_path: Path) -> None:
    from lightning.pytorch.plugins import MixedPrecision

    from lowcomplex.integrations.lightning import TrackerCallback

    scaled = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu"))
    for accumulated, plugins in ((1, []), (4, []), (2, [scaled])):
        module, callback = _Module(), TrackerCallback()
        _fit(module, callback, tmp_path, accumulate_grad_batches=accumulated, plugins=plugins)
        losses = callback.dataset()["loss"].values
        means = [part.mean().item() for part in torch.tensor(module.seen).split(accumulated)]
        assert losses[:-1].tolist() == pytest.approx(means)
        assert losses[-1] != losses[-1]


@pytest.mark.filterwarnings("ignore")
def test_each_step_of_two_optimizers_is_one(tmp_path: Path) -> None:
    from lowcomplex.integrations.lightning import TrackerCallback

    module = _Pair()
    callback = TrackerCallback({"sum": lambda W: W.sum((-2, -1))})
    trainer = _fit(module, callback, tmp_path)
    record = callback.dataset()
    assert trainer.global_step == 12
    assert record["step"].values.tolist() == list(range(13))
    assert record["loss"].values[:-1].tolist() == pytest.approx(module.seen)
    moves = abs(record["sum"].diff("step").values) > 0
    assert moves.tolist() == [[True, False], [False, True]] * 6


@pytest.mark.filterwarnings("ignore")
def test_an_optimizer_that_computes_the_loss_several_times(tmp_path: Path) -> None:
    from lowcomplex.integrations.lightning import TrackerCallback

    module, callback = _Lbfgs(), TrackerCallback()
    _fit(module, callback, tmp_path, max_steps=2)
    assert len(module.seen) > 2
    assert callback.dataset()["step"].values.tolist() == [0, 1, 2]
    assert float(callback.dataset()["loss"][0]) == pytest.approx(module.seen[0])


@pytest.mark.filterwarnings("ignore")
def test_a_record_continues_from_a_checkpoint(tmp_path: Path) -> None:
    from lowcomplex.integrations.lightning import TrackerCallback

    path, file = tmp_path / "run.ckpt", tmp_path / "record.nc"
    first = TrackerCallback(("stable_rank",), path=file)
    _fit(_Module(), first, tmp_path).save_checkpoint(path)
    torch.load(path, weights_only=True)
    with pytest.raises(ValueError, match=r"path: .*record\.nc holds an earlier training up to step 6"):
        _fit(_Module(), TrackerCallback(("stable_rank",), path=file), tmp_path)
    again = TrackerCallback(("stable_rank",), path=file)
    assert _fit(_Module(), again, tmp_path, path, max_epochs=2).global_step == 12
    whole = TrackerCallback(("stable_rank",))
    _fit(_Module(), whole, tmp_path, max_epochs=2)
    xr.testing.assert_identical(again.dataset(), whole.dataset())
    written = xr.load_dataset(file, engine="h5netcdf")
    xr.testing.assert_identical(written.drop_attrs(deep=False), whole.dataset().drop_attrs(deep=False))
    # Of a run that did not record: its steps were done before.
    other = TrackerCallback(("effective_rank",))
    _fit(_Module(), other, tmp_path, path, max_epochs=2)
    assert other.dataset()["step"].values.tolist() == list(range(6, 13))


class _Killed(lightning.Callback):  # type: ignore[misc,name-defined]
    def on_train_batch_end(self, trainer: lightning.Trainer, *args: object) -> None:
        if trainer.global_step == 8:
            killed.kill()


@pytest.mark.filterwarnings("ignore")
def test_a_killed_fit_ends_with_the_record_of_an_uninterrupted_one(tmp_path: Path) -> None:
    from lightning.pytorch.callbacks import ModelCheckpoint

    from lowcomplex.integrations.lightning import TrackerCallback

    def fit(folder: Path, *more: object, checkpoint: str | None = None) -> xr.Dataset:
        callback = TrackerCallback(path=folder / "record.nc")
        saved = ModelCheckpoint(folder, "{step}", save_top_k=-1)
        path = checkpoint and tmp_path / "cut" / checkpoint
        options = {"max_epochs": 3, "enable_checkpointing": True}
        _fit(_Module(), [callback, saved, *more], folder, path, **options)
        return callback.dataset()

    assert killed.kills(lambda: fit(tmp_path / "cut", _Killed()))
    left = xr.load_dataset(tmp_path / "cut" / "record.nc", engine="h5netcdf")
    assert left["step"].values.tolist() == list(range(8))
    resumed, whole = fit(tmp_path / "cut", checkpoint="step=6.ckpt"), fit(tmp_path / "whole")
    assert whole["step"].values.tolist() == list(range(19))
    xr.testing.assert_identical(resumed, whole)
    xr.testing.assert_identical(
        *(
            xr.load_dataset(tmp_path / name / "record.nc", engine="h5netcdf").drop_attrs(deep=False)
            for name in ("cut", "whole")
        )
    )
    # What a checkpoint after the kill holds is whole too.
    xr.testing.assert_identical(fit(tmp_path / "third", checkpoint="step=12.ckpt"), whole)


@pytest.mark.filterwarnings("ignore")
def test_a_second_fit_goes_on(tmp_path: Path) -> None:
    from lowcomplex.integrations.lightning import TrackerCallback

    module = _Module()
    callback = TrackerCallback(quantities={"bias": lambda: module.layer.bias[0].item()}, budget=0.9)
    trainer = _fit(module, callback, tmp_path)
    first = callback.dataset()
    assert first["step"].values[[0, -1]].tolist() == [0, 6]
    trainer.save_checkpoint(tmp_path / "run.ckpt")
    trainer.validate_loop.verbose = False
    trainer.test(module, DataLoader(torch.zeros(4, 4), 4), ckpt_path=tmp_path / "run.ckpt", verbose=False)
    _fit(module, callback, tmp_path)
    second = callback.dataset()
    assert second["step"].values[-1] == 12
    xr.testing.assert_identical(second.sel(step=first["step"][:-1]), first.isel(step=slice(-1)))
    assert float(second["bias"][-1]) == module.layer.bias[0].item()
    with pytest.raises(ValueError, match="record of another module, up to step 12"):
        _fit(_Module(), callback, tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_the_trainers_loggers_get_every_record(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

    from lowcomplex.integrations.lightning import TrackerCallback

    loggers = [CSVLogger(tmp_path), TensorBoardLogger(tmp_path / "events")]
    module = _Module()
    callback = TrackerCallback(every=2, quantities={"bias": lambda: module.layer.bias[0].item()})
    silent = TrackerCallback(("nuclear_rank",), log=False)
    _fit(module, [callback, silent], tmp_path, logger=loggers)
    record = callback.dataset()
    expected = {
        f"lowcomplex/{name}/layer.weight": record[name].squeeze("layer").to_series()
        for name in ("effective_rank", "stable_rank")
    }
    expected["lowcomplex/bias"] = record["bias"].to_series()
    rows = pd.read_csv(Path(loggers[0].log_dir) / "metrics.csv").set_index("step")
    written = {name: rows[name].dropna() for name in rows}
    for found, precision in ((written, "float64"), (event_files.scalars(tmp_path / "events"), "float32")):
        assert {name for name in found if "lowcomplex" in name} == set(expected)
        for name, values in expected.items():
            assert values.index.tolist() == [0, 2, 4, 6]
            assert found[name].to_dict() == values.astype(precision).to_dict()


def test_arguments_are_refused_when_they_are_given() -> None:
    from lowcomplex.integrations.lightning import TrackerCallback

    for wrong in ({"budget": 2}, {"every": 2, "budget": 0.1}, {"measures": "stable_rnk"}, {"steps": 5}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            TrackerCallback(**wrong)

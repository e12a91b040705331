from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import xarray as xr
from torch import Tensor, nn

import event_files
import killed
from lowcomplex import Tracker, stable_rank

transformers = pytest.importorskip("transformers", reason="the extra `transformers` is not installed")
pytest.importorskip("accelerate", reason="the extra `transformers` is not installed")


class _Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, 3)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.seen: list[float] = []

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        loss = self.layer(self.frozen(x)).square().mean()
        self.seen.append(loss.item())
        return {"loss": loss}


def _trainer(model: nn.Module, folder: Path, *callbacks: object, **options: object) -> object:
    generator = torch.Generator().manual_seed(1)
    data = [{"x": torch.randn(4, generator=generator)} for _ in range(24)]
    return transformers.Trainer(
        model,
        transformers.TrainingArguments(
            output_dir=str(folder),
            **{
                "max_steps": 6,
                "per_device_train_batch_size": 4,
                "use_cpu": True,
                "report_to": [],
                "save_steps": 3,
                "disable_tqdm": True,
                **options,
            },
        ),
        train_dataset=data,
        eval_dataset=data,
        callbacks=list(callbacks),
    )


class _Reported(transformers.TrainerCallback):  # type: ignore[misc,name-defined]
    """Keeps what the callbacks of TensorBoard, W&B and MLflow get to see."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, dict[str, float]]] = []

    def on_log(self, args: object, state: object, control: object, logs: dict, **kwargs: object) -> None:
        self.seen.append((state.global_step, dict(logs)))


@pytest.mark.filterwarnings("ignore")
def test_records_every_optimizer_step(tmp_path: Path) -> None:
    from lowcomplex.integrations.transformers import TrackerCallback

    model = _Model()
    callback = TrackerCallback(
        ("stable_rank",), every=2, quantities={"bias": lambda: model.layer.bias[0].item()}
    )
    start = float(stable_rank(model.layer.weight.detach()))
    with pytest.raises(RuntimeError, match="no training has started"):
        callback.dataset()
    # Two batches per step; the last step of an epoch of five batches has one.
    reported = _Reported()
    trainer = _trainer(
        model,
        tmp_path,
        reported,
        callback,
        per_device_train_batch_size=5,
        gradient_accumulation_steps=2,
        save_strategy="no",
    )
    trainer.train()
    dataset = callback.dataset()
    assert dataset["step"].values.tolist() == [0, 2, 4, 6]
    assert dataset["layer"].values.tolist() == ["layer.weight", "frozen.weight"]
    assert float(dataset["stable_rank"][0, 0]) == pytest.approx(start)
    assert float(dataset["stable_rank"][-1, 0]) == pytest.approx(float(stable_rank(model.layer.weight)))
    assert float(dataset["bias"][-1]) == model.layer.bias[0].item()
    batches = [(0, 1), (2, 3), (4,), (5, 6), (7, 8), (9,)]
    means = [sum(model.seen[i] for i in step) / len(step) for step in batches]
    assert dataset["loss"].values[:-1].tolist() == pytest.approx(means[::2])
    assert math.isnan(dataset["loss"][-1])
    logged = [entry for entry in trainer.state.log_history if "lowcomplex/bias" in entry]
    assert [entry["step"] for entry in logged] == [0, 2, 4, 6]
    for name, values in {
        "lowcomplex/stable_rank/layer.weight": dataset["stable_rank"].sel(layer="layer.weight"),
        "lowcomplex/stable_rank/frozen.weight": dataset["stable_rank"].sel(layer="frozen.weight"),
        "lowcomplex/bias": dataset["bias"],
    }.items():
        assert [entry[name] for entry in logged] == values.values.tolist()
        assert [step for step, logs in reported.seen if name in logs] == [0, 2, 4, 6]
    # A second training goes on: the last state of the first is the first of the second, and now has a loss.
    trainer.train()
    again = callback.dataset()
    assert again["step"].values.tolist() == [0, 2, 4, 6, 8, 10, 12]
    xr.testing.assert_identical(again.isel(step=slice(3)), dataset.isel(step=slice(3)))
    assert float(again["loss"].sel(step=6)) == pytest.approx((model.seen[10] + model.seen[11]) / 2)
    with pytest.raises(ValueError, match="record of another module, up to step 12"):
        _trainer(_Model(), tmp_path, callback).train()


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_gets_every_record(tmp_path: Path) -> None:
    from lowcomplex.integrations.transformers import TrackerCallback

    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    model = _Model()
    callback = TrackerCallback(every=2, quantities={"bias": lambda: model.layer.bias[0].item()})
    _trainer(model, tmp_path, callback, report_to=["tensorboard"], save_strategy="no").train()
    record, found = callback.dataset(), event_files.scalars(tmp_path)
    # The trainer puts `train/` before every name that it does not know.
    expected = {
        f"train/lowcomplex/{name}/{layer}": record[name].sel(layer=layer)
        for name in ("effective_rank", "stable_rank")
        for layer in ("layer.weight", "frozen.weight")
    }
    expected["train/lowcomplex/bias"] = record["bias"]
    assert {name for name in found if "lowcomplex" in name} == set(expected)
    for name, values in expected.items():
        assert found[name].index.tolist() == [0, 2, 4, 6]
        assert found[name].to_dict() == values.to_series().astype("float32").to_dict()


@pytest.mark.filterwarnings("ignore")
def test_a_record_continues_from_a_checkpoint(tmp_path: Path) -> None:
    from lowcomplex.integrations.transformers import TrackerCallback

    whole = TrackerCallback()
    _trainer(_Model(), tmp_path / "whole", whole).train()
    expected = whole.dataset()
    first = TrackerCallback(), TrackerCallback(("nuclear_rank",), steps=(1, 4))
    _trainer(_Model(), tmp_path, *first).train()
    for options in ({}, {"restore_callback_states_from_checkpoint": True}):
        other, again = TrackerCallback(("nuclear_rank",), every=2), TrackerCallback()
        trainer = _trainer(_Model(), tmp_path, other, again, **options)
        with pytest.warns(UserWarning, match=r"no record of .* these arguments; this one starts at step 3"):
            trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-3"))
        xr.testing.assert_identical(again.dataset(), expected)
        # Of arguments that were not used before: its steps were done before.
        assert other.dataset()["step"].values.tolist() == [4, 6]


class _Killed(transformers.TrainerCallback):  # type: ignore[misc,name-defined]
    def on_step_end(self, args: object, state: object, control: object, **kwargs: object) -> None:
        if state.global_step == 5:
            killed.kill()


@pytest.mark.filterwarnings("ignore")
def test_a_killed_training_ends_with_the_record_of_an_uninterrupted_one(tmp_path: Path) -> None:
    from lowcomplex.integrations.transformers import TrackerCallback

    def train(folder: Path, *more: object, checkpoint: str | None = None) -> xr.Dataset:
        callback = TrackerCallback(path=folder / "record.nc")
        path = checkpoint and str(tmp_path / "cut" / checkpoint)
        _trainer(_Model(), folder, callback, *more, max_steps=8).train(resume_from_checkpoint=path)
        return callback.dataset()

    assert killed.kills(lambda: train(tmp_path / "cut", _Killed()))
    left = xr.load_dataset(tmp_path / "cut" / "record.nc", engine="h5netcdf")
    assert left["step"].values.tolist() == list(range(5))
    resumed, whole = train(tmp_path / "cut", checkpoint="checkpoint-3"), train(tmp_path / "whole")
    assert whole["step"].values.tolist() == list(range(9))
    xr.testing.assert_identical(resumed, whole)
    xr.testing.assert_identical(
        *(
            xr.load_dataset(tmp_path / name / "record.nc", engine="h5netcdf").drop_attrs(deep=False)
            for name in ("cut", "whole")
        )
    )
    # What a checkpoint after the kill holds is whole too.
    xr.testing.assert_identical(train(tmp_path / "third", checkpoint="checkpoint-6"), whole)


@pytest.mark.filterwarnings("ignore")
def test_the_last_state_is_not_the_best_one_that_is_loaded_after_it(tmp_path: Path) -> None:
    from lowcomplex.integrations.transformers import TrackerCallback

    model, callback = _Model(), TrackerCallback({"sum": lambda W: W.sum((-2, -1))}, budget=0.5)
    trainer = _trainer(
        model,
        tmp_path,
        callback,
        max_steps=4,
        eval_strategy="steps",
        eval_steps=1,
        save_steps=1,
        load_best_model_at_end=True,
        metric_for_best_model="loss",
        greater_is_better=True,
        label_names=["x"],
    )
    trainer.train()
    best, last = (float(W.sum()) for W in (model.layer.weight, _weights(tmp_path / "checkpoint-4")))
    assert best != last
    assert int(callback.dataset()["step"][-1]) == 4
    assert float(callback.dataset()["sum"][-1, 0]) == pytest.approx(last)


def test_accelerates_checkpoints_hold_the_record(tmp_path: Path) -> None:
    import accelerate

    def train(steps: int, folder: Path | None = None) -> tuple[accelerate.Accelerator, Tracker]:
        accelerator = accelerate.Accelerator(cpu=True)
        model = _Model()
        model, optimizer = accelerator.prepare(model, torch.optim.SGD(model.layer.parameters(), lr=0.1))
        tracker = Tracker(model, main=accelerator.is_main_process)
        accelerator.register_for_checkpointing(tracker)
        if folder is not None:
            accelerator.load_state(folder)
        while tracker.next_step < steps:
            loss = model(torch.ones(2, 4) * tracker.next_step)["loss"]
            tracker.step(loss=loss)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
        return accelerator, tracker

    accelerator, _ = train(3)
    accelerator.save_state(tmp_path)
    _, resumed = train(6, tmp_path)
    _, whole = train(6)
    xr.testing.assert_identical(resumed.dataset(), whole.dataset())


def _weights(folder: Path) -> Tensor:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")["layer.weight"]

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lowcomplex import stable_rank

transformers = pytest.importorskip("transformers", reason="the extra `transformers` is not installed")
pytest.importorskip("accelerate", reason="the extra `transformers` is not installed")


class _Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"loss": self.layer(x).square().mean()}


def _train(model: nn.Module, callback: object, folder: Path, steps: int, path: str | None = None) -> None:
    generator = torch.Generator().manual_seed(1)
    transformers.Trainer(
        model,
        transformers.TrainingArguments(
            output_dir=str(folder),
            max_steps=steps,
            per_device_train_batch_size=4,
            use_cpu=True,
            report_to=[],
            save_steps=3,
            disable_tqdm=True,
        ),
        train_dataset=[{"x": torch.randn(4, generator=generator)} for _ in range(24)],
        callbacks=[callback],
    ).train(resume_from_checkpoint=path)


@pytest.mark.filterwarnings("ignore")
def test_a_record_starts_at_the_step_of_the_checkpoint(tmp_path: Path) -> None:
    from lowcomplex.integrations.transformers import TrackerCallback

    _train(_Model(), TrackerCallback(), tmp_path, 3)
    callback = TrackerCallback(every=2)
    _train(_Model(), callback, tmp_path, 6, str(tmp_path / "checkpoint-3"))
    assert callback.dataset()["step"].values.tolist() == [4, 6]


@pytest.mark.filterwarnings("ignore")
def test_records_every_optimizer_step(tmp_path: Path) -> None:
    from lowcomplex.integrations.transformers import TrackerCallback

    model, callback = _Model(), TrackerCallback(("stable_rank",), every=2)
    start = float(stable_rank(model.layer.weight.detach()))
    with pytest.raises(RuntimeError, match="no training has started"):
        callback.dataset()
    _train(model, callback, tmp_path, 6)
    dataset = callback.dataset()
    assert dataset["step"].values.tolist() == [0, 2, 4, 6]
    assert float(dataset["stable_rank"][0, 0]) == pytest.approx(start)
    assert float(dataset["stable_rank"][-1, 0]) == pytest.approx(float(stable_rank(model.layer.weight)))

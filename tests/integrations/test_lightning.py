from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lowcomplex import stable_rank

lightning = pytest.importorskip("lightning", reason="the extra `lightning` is not installed")


class _Module(lightning.LightningModule):  # type: ignore[misc,name-defined]
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, 3)

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        loss: Tensor = self.layer(batch[0]).square().mean()
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def _fit(module: nn.Module, callback: object, folder: Path, **options: object) -> None:
    data = DataLoader(TensorDataset(torch.randn(24, 4, generator=torch.Generator().manual_seed(1))), 4)
    lightning.Trainer(
        callbacks=[callback],
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        **options,
    ).fit(module, data)


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
    assert dataset["loss"][1:].notnull().all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("options", "recorded"), [({}, [0, 1, 2]), ({"steps": (0, 2)}, [0, 2])])
def test_accumulated_batches_are_not_steps(
    options: dict[str, object], recorded: list[int], tmp_path: Path
) -> None:
    from lowcomplex.integrations.lightning import TrackerCallback

    callback = TrackerCallback(**options)
    _fit(_Module(), callback, tmp_path, accumulate_grad_batches=3)
    assert callback.dataset()["step"].values.tolist() == recorded

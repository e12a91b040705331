"""What one of two processes trains with other libraries, tracked: `python two_trainers.py FOLDER`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import lightning
import torch
import transformers
import xarray as xr
from torch import Tensor, nn
from torch.utils.data import DataLoader, DistributedSampler

import two_processes
from lowcomplex.integrations import lightning as with_lightning
from lowcomplex.integrations import transformers as with_transformers

DATA = [{"x": x} for x in torch.randn(16, 3, generator=torch.Generator().manual_seed(1))]


class Module(lightning.LightningModule):
    """Trains the network of `two_processes`."""

    def __init__(self) -> None:
        super().__init__()
        self.network = two_processes.network()

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        return self(**batch)["loss"]

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"loss": self.network(x).square().mean()}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Model(nn.Module):
    """The same for Hugging Face."""

    def __init__(self) -> None:
        super().__init__()
        self.network = two_processes.network()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"loss": self.network(x).square().mean()}


def fit(callback: object, folder: Path, processes: int, strategy: object = "auto") -> None:
    """Train with Lightning; two processes see halves of each batch."""
    rank = int(os.environ.get("RANK", 0))
    own = DistributedSampler(DATA, processes, rank, shuffle=False)
    lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        devices=processes,
        strategy=strategy,
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,  # it would shuffle
        default_root_dir=folder,
    ).fit(Module(), DataLoader(DATA, 4 // processes, sampler=own))


def train(callback: object, folder: Path, processes: int) -> None:
    """Train with Hugging Face; two processes see halves of each batch."""
    arguments = transformers.TrainingArguments(
        output_dir=str(folder),
        max_steps=4,
        per_device_train_batch_size=4 // processes,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        ddp_backend="gloo" if processes > 1 else None,
        optim="sgd",
        learning_rate=0.1,
    )
    transformers.Trainer(Model(), arguments, train_dataset=DATA, callbacks=[callback]).train()


def main(folder: Path) -> None:
    """Train with both in this one of two processes."""
    rank = int(os.environ["RANK"])
    fitted = with_lightning.TrackerCallback(path=folder / "lightning.nc")
    fit(fitted, folder, 2, "ddp")
    trained = with_transformers.TrackerCallback(path=folder / "transformers.nc")
    train(trained, folder, 2)
    for callback in (fitted, trained):
        if rank:
            two_processes.refused(
                lambda callback=callback: callback.dataset(), "this process records nothing"
            )
        else:
            assert isinstance(callback.dataset(), xr.Dataset)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

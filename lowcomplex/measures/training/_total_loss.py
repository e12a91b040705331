"""The loss of several batches together, whose mean need not be the mean of the batches' losses."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn


class _Share(nn.Module):
    """Sum of a batch's terms, over the number of terms of all batches."""

    reduction = "sum"

    def __init__(self, summed: nn.Module, terms: float) -> None:
        super().__init__()
        self._summed, self._terms = summed, terms

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        loss: Tensor = self._summed(prediction, target)
        return loss / self._terms


@torch.no_grad()
def total_loss(loss: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> nn.Module:
    """A criterion whose values on the batches add up to the loss of all of them together.

    A mean is a sum over a number of terms: of entries, of labels that are not ignored, or of the labels'
    weights. Whatever a loss counts, that number is the sum of a batch over its mean.

    Args:
        loss: Criterion with a `reduction` of "mean" or "sum".
        batches: Pairs (predictions, targets).

    Returns:
        A criterion in float64. Its `reduction` is "sum", or "mean" if batches are to be weighted by their
        lengths: for a loss that is not one of PyTorch's and does not heed its `reduction`.

    Raises:
        ValueError: The loss has no reduction.
    """
    if getattr(loss, "reduction", None) not in ("mean", "sum"):
        raise ValueError(f"loss: expected a criterion with reduction mean or sum, got {loss!r}")
    mean, summed, single = (copy.deepcopy(loss).double().to(batches[0][0].device) for _ in range(3))
    if loss.reduction == "sum":
        return summed
    for criterion, reduction in ((summed, "sum"), (single, "none")):
        vars(criterion)["reduction"] = reduction
    if not type(loss).__module__.startswith("torch.nn.") and all(
        torch.equal(summed(*batch), mean(*batch)) for batch in batches
    ):
        return mean
    terms = 0.0
    for batch in batches:
        total, average = float(summed(*batch)), float(mean(*batch))
        if average == 0:
            # A perfect fit.
            terms += single(*batch).numel()
        elif not (math.isnan(average) and total == 0):
            # A batch in which every label is ignored has no terms, and 0 / 0 as its mean.
            terms += total / average
    return _Share(summed, terms)

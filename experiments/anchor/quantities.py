"""What is asked of a transformer on the anchor task while it trains: answers, token map, representations."""

from __future__ import annotations

from collections.abc import Callable

import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional

from experiments.anchor.schema import CLASSES, GROUPS
from experiments.anchor.token_map import TokenMap
from lowcomplex.matrices import weight_matrices
from lowcomplex.measures import cosine_gap, covariance_dimensions, covariance_spectrum, ordinality
from lowcomplex.networks import Transformer, trace
from lowcomplex.tasks import AnchorAnswers, AnchorBatch, AnchorProbe, AnchorTask
from lowcomplex.tasks.anchor import ALL_PAIRS, ANCHORS
from lowcomplex.tasks.anchor_functions import FIRST_KEY, FUNCTION_SETS, LAST_KEY

Quantity = Callable[[], "float | xr.DataArray"]

_PROBES = 500
_PER_PAIR = 24
# The keys of the paper's heat maps of representations.
_KEYS = slice(30 - FIRST_KEY, 41 - FIRST_KEY)
_POSITION = 3


class Quantities:
    """Fixed questions, drawn once, so that steps and runs can be compared.

    With more than two anchors, the pair is followed by anchor 1 wherever a quantity asks for pairs.
    """

    def __init__(self, model: Transformer, task: AnchorTask, evaluation: torch.Generator) -> None:
        self._model = model
        self._task = task
        self._probe = AnchorProbe(task, evaluation, samples=_PROBES)
        self._pairs = tuple(pair + (1,) * (task.anchors - 2) for pair in ALL_PAIRS)
        self._map = TokenMap(task, self._pairs, evaluation)
        batches = [task.sample(_PER_PAIR, evaluation, pairs=(word,)) for word in self._pairs]
        self._by_pair = AnchorBatch(*map(torch.cat, zip(*batches, strict=True)))
        grids = [task.key_grid(word, _POSITION, torch.Generator().manual_seed(0)) for word in self._pairs]
        few = AnchorBatch(*(torch.cat([part[_KEYS] for part in parts]) for parts in zip(*grids, strict=True)))
        self._represented = few.tokens
        effects = FUNCTION_SETS[task.functions]
        intermediate = [effects[a](grid.keys[_KEYS]) for (a, _), grid in zip(ALL_PAIRS, grids, strict=True)]
        pair = few.anchors[:, :2].sort(1).values
        self._classes = {
            "target": few.labels,
            "intermediate": torch.cat(intermediate),
            "unordered_pair": pair[:, 0] * (len(ANCHORS) + 1) + pair[:, 1],
        }
        self._matrices = {matrix.name: matrix.weight for matrix in weight_matrices(model)}
        self._start = {name: weight.detach().clone() for name, weight in self._matrices.items()}

    def answers(self) -> AnchorAnswers:
        """What the network answers now."""
        return self._probe(self._model.last)

    def coarse(self) -> dict[str, Quantity]:
        """What is recorded at a few fractions of training."""
        return {
            "accuracy": self._accuracy,
            "training_loss": self._training_loss,
            "pair_accuracy": self._pair_accuracy,
            "relative_displacement": self._relative_displacement,
            "embedding_dimension": self._embedding_dimension,
            "embedding_ordinality": self._ordinality,
            "embedding_covariance": self._embedding_covariance,
            "representation_gap": self._representation_gap,
            **self._map.quantities(self._model),
        }

    def fine(self) -> dict[str, Quantity]:
        """What is recorded more often."""
        return {"pair_accuracy_in_time": self._pair_accuracy, "weights": self._weights}

    def _accuracy(self) -> xr.DataArray:
        answers = self.answers()
        values = [getattr(answers, group) for group in GROUPS]
        return xr.DataArray(values, dims="group", coords={"group": list(GROUPS)})

    @torch.no_grad()
    def _training_loss(self) -> float:
        batch = self._probe.train
        return float(functional.cross_entropy(self._model.last(batch.tokens), batch.labels))

    @torch.no_grad()
    def _pair_accuracy(self) -> xr.DataArray:
        right = (self._model.last(self._by_pair.tokens).argmax(-1) == self._by_pair.labels).double()
        return _over_pairs(right.view(len(ALL_PAIRS), -1).mean(1))

    def _relative_displacement(self) -> xr.DataArray:
        values = [
            float((self._matrices[name].detach() - start).norm() / start.norm())
            for name, start in self._start.items()
        ]
        return xr.DataArray(values, dims="layer", coords={"layer": list(self._start)})

    def _embedding(self) -> Tensor:
        """Rows of the tokens that are keys."""
        return self._model.embedding.weight.detach()[FIRST_KEY : LAST_KEY + 1].double()

    def _embedding_dimension(self) -> float:
        return float(covariance_dimensions(self._embedding())["participation_ratio"])

    def _ordinality(self) -> float:
        values = torch.arange(FIRST_KEY, LAST_KEY + 1, dtype=torch.float64)
        return float(ordinality(self._embedding(), values))

    def _embedding_covariance(self) -> xr.DataArray:
        rows = self._embedding()
        variance = (rows - rows.mean(0)).square().sum() / (len(rows) - 1)
        return xr.DataArray((covariance_spectrum(rows) * variance).numpy(), dims="index")

    @torch.no_grad()
    def _representation_gap(self) -> xr.DataArray:
        """Of the attention output at the last token, by block and by what makes two samples alike."""
        blocks = trace(self._model, self._represented).blocks
        outputs = torch.stack([block.attention_output[:, -1] for block in blocks])
        gaps = [cosine_gap(outputs, self._classes[name]).gap for name in CLASSES]
        coords = {"block": range(1, len(outputs) + 1), "classes": list(CLASSES)}
        return xr.DataArray(torch.stack(gaps, 1).numpy(), dims=("block", "classes"), coords=coords)

    @torch.no_grad()
    def _weights(self) -> xr.DataArray:
        flat = torch.cat([weight.flatten() for weight in self._matrices.values()])
        return xr.DataArray(flat.numpy(), dims="parameter")


def _over_pairs(values: Tensor) -> xr.DataArray:
    coords = {"first_anchor": list(ANCHORS), "second_anchor": list(ANCHORS)}
    return xr.DataArray(values.view(len(ANCHORS), len(ANCHORS)).numpy(), dims=list(coords), coords=coords)

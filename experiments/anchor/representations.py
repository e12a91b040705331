"""What representations in a transformer on the anchor task stand for, at the papers' sites."""

from __future__ import annotations

import torch
import xarray as xr
from torch import Tensor

from experiments.anchor.mirror_coincidence import mirror_coincidence
from experiments.anchor.schema import SITES
from lowcomplex.measures import cosine_gap, cosine_similarity
from lowcomplex.networks import Transformer, trace
from lowcomplex.tasks import AnchorTask
from lowcomplex.tasks.anchor import ALL_PAIRS, ANCHORS
from lowcomplex.tasks.anchor_functions import FIRST_KEY, FUNCTION_SETS, LAST_KEY

# The keys of Zhang et al.'s heat maps; and of those for intermediate results, each reached by every anchor.
KEYS = range(30, 41)
RESULTS = range(30, 51)
DRAWN_KEYS = range(FIRST_KEY, LAST_KEY + 1, 10)
BLOCKS = (1, 2)
HEAT_MAP_BLOCK = 2
_PAIRS = torch.tensor(ALL_PAIRS)


class Representations:
    """Attention output at the last token and what stands at the first anchor, for all pairs and keys.

    Every position of the key at which the last token is no anchor has one background, the same for all pairs
    and keys. Scores are computed for each and averaged.
    """

    def __init__(self, model: Transformer, task: AnchorTask, generator: torch.Generator) -> None:
        contexts = []
        for position in task.positions[:-1]:
            background = generator.get_state()
            grids = []
            for pair in ALL_PAIRS:
                generator.set_state(background)
                grids.append(task.key_grid(pair, position, generator))
            contexts.append(_sites(model, torch.cat([grid.tokens for grid in grids]), position + 1))
        # (blocks, contexts, pairs, keys, features) and (blocks, contexts, first anchors, keys, features)
        self._last, *anchor = (torch.stack(site, 1) for site in zip(*contexts, strict=True))
        self._first = dict(zip(SITES, anchor, strict=True))
        self._keys = torch.arange(FIRST_KEY, LAST_KEY + 1)
        self._targets = torch.stack([task.function(pair)(self._keys) for pair in ALL_PAIRS])
        effects = FUNCTION_SETS[task.functions]
        self._results = torch.stack([effects[anchor](self._keys) for anchor in ANCHORS])

    def scores(self) -> xr.Dataset:
        """Clusters of mirrored pairs, and cosine gaps by target and by intermediate result."""
        pair = torch.arange(len(ALL_PAIRS))[:, None].expand(-1, len(self._keys))
        clusters = mirror_coincidence(self._last.flatten(2, 3).double(), _PAIRS[pair.flatten()])
        few = slice(KEYS[0] - FIRST_KEY, KEYS[-1] + 1 - FIRST_KEY)
        targets = self._targets[:, few].flatten()
        by_target = cosine_gap(
            self._last[:, :, :, few].flatten(2, 3).double(), targets, apart=pair[:, few].flatten()
        )
        samples, results, anchors = self._reached()
        by_result = [cosine_gap(samples[site], results, apart=anchors) for site in SITES]
        gaps = torch.stack([gap.gap.mean(-1) for gap in by_result], -1)
        variables = {
            "mirror_coincidence": ("block", clusters.mean(-1)),
            "same_target_cosine": ("block", by_target.within.mean(-1)),
            "other_target_cosine": ("block", by_target.between.mean(-1)),
            "intermediate_gap": (("block", "site"), gaps),
        }
        coords = {"block": range(1, len(clusters) + 1), "site": list(SITES)}
        return xr.Dataset({name: (dims, v.numpy()) for name, (dims, v) in variables.items()}, coords=coords)

    def heat_maps(self) -> xr.Dataset:
        """Cosines between pairs, between first anchors with their keys, and between intermediate results."""
        block = min(HEAT_MAP_BLOCK, len(self._last)) - 1
        few = slice(KEYS[0] - FIRST_KEY, KEYS[-1] + 1 - FIRST_KEY)
        pairs = self._last[block, :, :, few].transpose(1, 2).double()
        values = self._first["value"][block, :, :, few].flatten(1, 2).double()
        samples, results, anchors = self._reached()
        cosines = cosine_similarity(samples["value"][block]).mean(0)
        apart = (anchors[:, None] != anchors).double()
        member = (results == torch.tensor(RESULTS)[:, None]).double()
        by_result = (member @ (cosines * apart) @ member.mT) / (member @ apart @ member.mT)
        names = [f"{a}{b}" for a, b in ALL_PAIRS]
        states = [f"{key};{anchor}" for anchor in ANCHORS for key in KEYS]
        return xr.Dataset(
            {
                "pair_cosine": (("pair", "other_pair"), cosine_similarity(pairs).mean((0, 1)).numpy()),
                "value_cosine": (("state", "other_state"), cosine_similarity(values).mean(0).numpy()),
                "result_cosine": (("result", "other_result"), by_result.numpy()),
            },
            coords={
                "pair": names,
                "other_pair": names,
                "state": states,
                "other_state": states,
                "result": list(RESULTS),
                "other_result": list(RESULTS),
            },
        )

    def components(self) -> xr.Dataset:
        """The first two principal components of the attention output at the last token."""
        X = self._last[: len(BLOCKS)].double()
        centered = X.flatten(1, 3) - X.flatten(1, 3).mean(1, keepdim=True)
        left, singular, _ = torch.linalg.svd(centered, full_matrices=False)
        coordinates = (left[..., :2] * singular[:, None, :2]).view(*X.shape[:4], 2).transpose(1, 2)
        shares = singular.square()[:, :2] / singular.square().sum(1, keepdim=True)
        drawn = coordinates[..., :: DRAWN_KEYS.step, :].float()
        dims = ("drawn_block", "pair", "background", "key", "component")
        return xr.Dataset(
            {
                "coordinate": (dims, drawn.numpy()),
                "component_share": (("drawn_block", "component"), shares.numpy()),
            },
            coords={"drawn_block": list(BLOCKS[: len(X)]), "key": list(DRAWN_KEYS), "component": [1, 2]},
        )

    def _reached(self) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Samples at the first anchor whose intermediate result is one of `RESULTS`; it; and the anchor."""
        kept = (self._results >= RESULTS[0]) & (self._results <= RESULTS[-1])
        samples = {site: values[:, :, kept].double() for site, values in self._first.items()}
        anchors = torch.arange(len(ANCHORS))[:, None].expand_as(kept)
        return samples, self._results[kept], anchors[kept]


@torch.no_grad()
def _sites(model: Transformer, tokens: Tensor, anchor: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of all blocks: attention output at the last token; value vectors and stream at the first anchor."""
    blocks = trace(model, tokens).blocks

    def by_pair(sites: list[Tensor]) -> Tensor:
        stacked = torch.stack(sites)
        return stacked.view(len(blocks), len(ALL_PAIRS), -1, stacked.shape[-1])

    # What stands at the first anchor knows nothing of the second.
    alone = (_PAIRS[:, 1] == ANCHORS[0]).nonzero().squeeze(1)
    values = by_pair([block.values[:, anchor].flatten(1) for block in blocks])
    residual = by_pair([block.residual[:, anchor] for block in blocks])
    return by_pair([block.attention_output[:, -1] for block in blocks]), values[:, alone], residual[:, alone]

"""What representations encode

`cosine_gap`: how much more hidden states of one class point the same way than hidden states of two classes,
here by answer, key and shift. `ordinality`: how well the leading components of embeddings order a value, here
the height of the keys on their circle.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, tokens
from pictures._drawing import DARK, LIGHT, say

ORDER = 200
NETWORK = tokens
CAPTION = "Cosine gaps of the last hidden layer"


def draw(axis: Axes, run: Run) -> None:
    with torch.no_grad():
        hidden = torch.tanh(run.network.layers[1](torch.tanh(run.network.layers[0](run.grid))))
    key, shift = torch.cartesian_prod(torch.arange(20), torch.arange(4)).T
    answer = (key + 3 * shift + 1) % 20
    gaps = {
        name: float(measures.cosine_gap(hidden, classes).gap)
        for name, classes in {"answer": answer, "key": key, "shift": shift}.items()
    }
    axis.bar(range(3), list(gaps.values()), color=[DARK, LIGHT, LIGHT])
    axis.set_xticks(range(3), [f"same {name}" for name in gaps])
    axis.set(ylabel="cosine gap", ylim=(-0.1, 1))
    columns = run.network.layers[0].weight.detach().mT[:20]
    around = torch.cos(2 * torch.pi * torch.arange(20) / 20)
    say(axis, f"ordinality of keys {float(measures.ordinality(columns, around)):.2f}")

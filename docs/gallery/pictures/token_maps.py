"""Maps between tokens

`cyclic_spectrum` and `shift_equivariant_share` tell a shift, which composes, apart from a table of answers;
`expected_output` (dots) is the mean answer. Neither of these two networks has learned the shift.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes

from lowcomplex import measures
from networks import Run, tokens

ORDER = 190
NETWORK = tokens
CAPTION = "Answers over keys"


def draw(axis: Axes, run: Run) -> None:
    with torch.no_grad():
        logits = run.network(run.grid).view(20, 4, 20)
    found = measures.cyclic_spectrum(logits.transpose(0, 1))
    axis.imshow(logits[:, 2].softmax(-1), cmap="magma", vmin=0, vmax=1)
    expected = measures.expected_output(logits[:, 2])
    axis.plot(expected, range(20), ".", color="white", markersize=2)
    axis.set(xlabel="output token", ylabel="key")
    line = float(measures.shift_equivariant_share(logits[:, 2]))
    axis.set_title(
        f"{axis.get_title()}: shift share {float(found.shift_share.mean()):.2f}, {line:.2f} on the line"
    )

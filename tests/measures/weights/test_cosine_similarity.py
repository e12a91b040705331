from __future__ import annotations

import torch

import samples
from lowcomplex import measures
from lowcomplex.measures import cosine_similarity, display_order

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "cosine_similarity": lambda c: measures.cosine_similarity(c * samples.W),
    "display_order": lambda c: measures.display_order(c * samples.W),
}


def test_cosines_of_known_angles() -> None:
    W = torch.tensor([[1e-20, 0.0], [0.0, 1e20], [-3.0, 3.0], [0.0, 0.0]], dtype=torch.float64)
    cosines = cosine_similarity(W)
    half = 2**-0.5
    expected = torch.tensor([[1, 0, -half], [0, 1, half], [-half, half, 1]], dtype=torch.float64)
    torch.testing.assert_close(cosines[:3, :3], expected)
    assert torch.isnan(cosines[3]).all()
    assert torch.isnan(cosines[:, 3]).all()


def test_display_order_groups_planted_directions() -> None:
    centers = torch.linalg.qr(samples.random(0, 16, 16)).Q[:3]
    labels = torch.arange(3).repeat_interleave(40)
    W = centers[labels] * (0.1 + samples.random(1, 120, 1).abs())
    W = (W + 0.01 * W.norm(dim=1, keepdim=True) * samples.random(2, 120, 16))[torch.arange(120) * 7 % 120]
    order = display_order(W)
    assert sorted(order.tolist()) == list(range(len(W)))
    assert int((labels[torch.arange(120) * 7 % 120][order].diff() != 0).sum()) == 2

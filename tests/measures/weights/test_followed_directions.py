import pytest
import torch
from torch import Tensor

import samples
from lowcomplex import measures
from lowcomplex.measures import followed_directions

# Each function of something multiplied by c, brought back to what does not depend on c.
SCALED = {
    "followed_directions": lambda c: measures.followed_directions(c * samples.PATH, threshold=0.5).labels,
}


def _units(angles: list[float]) -> Tensor:
    """Unit vectors in a plane of R^24, where random directions hold no share of a cap."""
    angle = torch.tensor(angles, dtype=torch.float64)
    return torch.cat((angle.cos()[:, None], angle.sin()[:, None], torch.zeros(len(angles), 22)), 1)


def _path() -> Tensor:
    """Two groups turn by 40 degrees in five steps; a third appears at step 2 and merges at step 4."""
    steps = []
    for step in range(5):
        turn = 0.17 * step
        third = torch.eye(24, dtype=torch.float64)[4:]
        if step >= 2:
            third = _units([(1.2 if step < 4 else 2.2) + turn] * 20)
        steps.append(torch.cat((_units([turn] * 30 + [2.2 + turn] * 25), third)))
    return torch.stack(steps)


def test_directions_keep_their_identity_while_they_turn() -> None:
    found = followed_directions(_path(), threshold=0.98)
    assert found.shares.shape == (5, 3)
    assert (found.labels[:, :30] == 0).all()
    assert (found.labels[:, 30:55] == 1).all()
    # The third group is one new direction at steps 2 and 3, then part of the second.
    third = found.labels[:, 55:]
    assert (third[:2] == -1).all()
    assert (third[2:4] == 2).all()
    assert (third[4] == 1).all()
    assert found.counts.tolist() == [2, 2, 3, 3, 2]
    assert float(found.shares[4, 1]) == pytest.approx(45 / 75)
    assert (found.joined[:55] == 0).all()
    assert (found.joined[55:] == 2).all()
    assert found.exact.all()


def test_equivariant_under_permutation_and_scale() -> None:
    path = _path()
    order = torch.randperm(75, generator=torch.Generator().manual_seed(0))
    expected = followed_directions(path, threshold=0.98)
    for scale in (1e-12, 1e12):
        found = followed_directions(scale * path[:, order], threshold=0.98)
        assert torch.equal(found.labels, expected.labels[:, order])
        torch.testing.assert_close(found.shares, expected.shares)


def test_amplitudes_weigh() -> None:
    amplitude = torch.ones(5, 75)
    amplitude[:, :30] = 3.0
    found = followed_directions(_path(), threshold=0.98, amplitude=amplitude)
    assert float(found.shares[4, 0]) == pytest.approx(90 / 135)


def test_nothing_condensed_gives_no_identity() -> None:
    path = torch.randn(3, 200, 50, generator=torch.Generator().manual_seed(0))
    found = followed_directions(path)
    assert found.shares.shape == (3, 0)
    assert (found.joined == -1).all()


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"path: expected \(steps, m, d\)"):
        followed_directions(torch.ones(3, 2))
    with pytest.raises(ValueError, match="amplitude: expected shape"):
        followed_directions(torch.ones(3, 2, 2), amplitude=torch.ones(2))
    with pytest.raises(ValueError, match="path: holds NaN"):
        followed_directions(torch.full((3, 2, 2), torch.nan))

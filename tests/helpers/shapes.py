"""Run examples of the library with every annotated shape checked: `python tests/helpers/shapes.py`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable

import pytest
from jaxtyping import TypeCheckError, install_import_hook

# What states shapes: three rooms, and of training what trains networks; the rest takes parameters by name.
CHECKED = (
    "measures",
    "networks",
    "tasks",
    *(f"training.{name}" for name in ("displacement", "ensemble", "member_batches", "minibatch")),
)

with install_import_hook([f"lowcomplex.{name}" for name in CHECKED], "beartype.beartype"):
    import torch

    import examples
    from lowcomplex import measures, networks, tasks, training

KEYS = torch.arange(20, 24)
TOKENS = torch.zeros(3, 4, dtype=torch.long)
SQUARE, MATRIX = torch.eye(3), torch.ones(4, 3)


def transformer() -> networks.Transformer:
    """A small one."""
    return networks.Transformer(9, 4, width=6, heads=2, head_width=3, feedforward=8, depth=2)


def ensemble() -> training.Ensemble:
    """Two members."""
    return training.Ensemble([networks.MLP((3, 4, 2)) for _ in range(2)], learning_rate=0.1)


# Calls whose shapes or types must be refused.
WRONG: dict[str, Callable[[], object]] = {
    "a vector for a matrix": lambda: measures.effective_rank(torch.ones(3)),
    "integers": lambda: measures.numerical_rank(torch.ones(3, 3, dtype=torch.long)),
    "kernels of other sizes": lambda: measures.kernel_drift(SQUARE, MATRIX),
    "spectra of other lengths": lambda: measures.centroid_of(torch.ones(3), torch.ones(4)),
    "a batch of maps": lambda: measures.display_order(torch.ones(2, 3, 3)),
    "real tokens": lambda: transformer()(TOKENS.float()),
    "one sequence": lambda: transformer().last(TOKENS[0]),
    "integer inputs": lambda: networks.DeepLinear((3, 2))(TOKENS[:, :3]),
    "real edges": lambda: networks.trace(transformer(), TOKENS, masked_edges=torch.ones(3, 2, 4, 4)),
    "keys without anchors": lambda: tasks.AnchorTask().answers(KEYS, KEYS),
    "more keys than anchors": lambda: tasks.AnchorTask().answers(KEYS, torch.ones(3, 2, dtype=torch.long)),
    "integer positions": lambda: tasks.Curve().values(KEYS),
    "other lengths": lambda: tasks.answer_loss(torch.ones(3, 5, 9), TOKENS),
    "labels of other members": lambda: training.member_cross_entropy(torch.ones(2, 3, 9), TOKENS),
    "losses of samples": lambda: ensemble().step(torch.ones(2, 3)),
    "targets of outputs": lambda: training.displacement_at(MATRIX, MATRIX, 0.5, hidden=(4,)),
}


def run_tasks_and_networks() -> None:
    """What the examples leave out."""
    generator = torch.Generator().manual_seed(0)
    for functions in ("translations", "dihedral"):
        task = tasks.AnchorTask(functions=functions)
        batch = task.sample(5, generator)
        assert torch.equal(task.answers(batch.keys, batch.anchors), batch.labels)
        model = networks.Transformer(task.vocabulary, task.length, 6, 2, 3, 8, depth=2)
        tasks.AnchorProbe(task, generator, samples=4)(model.last)
        model.plain(batch.tokens)
        networks.trace(model, batch.tokens, masked_edges=[(0, 3, 1)])
    for listed in (tasks.AdditionTask(), tasks.ScanTask(most_actions=8), tasks.OntologyTask()):
        batch = listed.sample(5, generator)
        model = networks.Transformer(listed.vocabulary, listed.length, 6, 1, 6, 8, depth=1)
        tasks.answer_loss(model(batch.tokens), batch.labels)
        tasks.exact_answers(model(batch.tokens), batch.labels)
    networks.MLP((3, 4, 2))(MATRIX)
    training.displacement_at(MATRIX, MATRIX[:, 0], 0.5, hidden=(4,), max_evaluations=20)
    batches, members = training.MemberBatches(6, 4, (0, 1)), ensemble()
    inputs = torch.randn(6, 3, generator=generator)

    def loss(networks_: training.Ensemble) -> torch.Tensor:
        return networks_(inputs[batches.draw()], shared=False).square().mean((1, 2))

    members.train(loss, steps=2)
    members.step(loss(members))


def main() -> int:
    """Exit status of the examples, after calls whose shapes must be refused."""
    for name, call in WRONG.items():
        try:
            call()
        except TypeCheckError:
            continue
        raise AssertionError(f"{name}: was not refused")
    run_tasks_and_networks()
    for name, example in examples.SCALED.items():
        if name not in examples.NEEDS_CURVLINOPS or importlib.util.find_spec("curvlinops"):
            example(1.0)
    rooms = sorted({f"lowcomplex/{name.partition('.')[0]}" for name in CHECKED})
    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--no-header", *rooms])


if __name__ == "__main__":
    sys.exit(main())

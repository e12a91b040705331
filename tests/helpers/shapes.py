"""Run the examples of the measures with every annotated shape checked: `python tests/helpers/shapes.py`."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from jaxtyping import TypeCheckError, install_import_hook

with install_import_hook("lowcomplex.measures", "beartype.beartype"):
    import torch

    from lowcomplex import measures


def main() -> int:
    """Exit status of the examples, after calls whose shapes must be refused."""
    square, matrix = torch.eye(3), torch.ones(4, 3)
    for name, wrong in {
        "effective_rank": (torch.ones(3),),
        "numerical_rank": (torch.ones(3, 3, dtype=torch.long),),
        "kernel_drift": (square, matrix),
        "centroid_of": (torch.ones(3), torch.ones(4)),
        "display_order": (torch.ones(2, 3, 3),),
    }.items():
        with pytest.raises(TypeCheckError):
            getattr(measures, name)(*wrong)
    spec = importlib.util.spec_from_file_location("generic", "tests/measures/test_every_measure.py")
    generic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generic)
    for name, example in generic.SCALED.items():
        if name not in generic.NEEDS_CURVLINOPS or importlib.util.find_spec("curvlinops"):
            example(1.0)
    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--no-header", "lowcomplex/measures"])


if __name__ == "__main__":
    sys.exit(main())

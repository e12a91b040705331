"""Which weight matrices a module, a state dict or a file holds, and why other tensors are none.

Everything that measures or sets weights asks this room: what counts as a weight matrix, how it lies, its
d_in, with what it is tied, and which value is in use. It reads no file: a reader hands it `Entry` objects.
"""

from lowcomplex.matrices._entries import NO_VALUES, Entry
from lowcomplex.matrices._layouts import LAYOUTS, Layout
from lowcomplex.matrices._matrix import Skipped, WeightMatrix
from lowcomplex.matrices._modules import biases_of, matrix_parameters, of_module, weight_matrices
from lowcomplex.matrices._reasons import VECTOR
from lowcomplex.matrices._states import of_entries, of_state

__all__ = [
    "LAYOUTS",
    "NO_VALUES",
    "VECTOR",
    "Entry",
    "Layout",
    "Skipped",
    "WeightMatrix",
    "biases_of",
    "matrix_parameters",
    "of_entries",
    "of_module",
    "of_state",
    "weight_matrices",
]

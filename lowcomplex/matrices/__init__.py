"""The weight matrices of a module, a state dict or a file, and why each other tensor is none.

Everything that measures or sets weights uses this package. It decides what counts as a weight matrix, how
the matrix is stored, its d_in, its other names if it is tied, and which value is in use. It reads no file:
a reader passes `Entry` objects.
"""

from lowcomplex.matrices._entries import NO_VALUES, Entry
from lowcomplex.matrices._layouts import LAYOUTS, Layout
from lowcomplex.matrices._low_rank import bases
from lowcomplex.matrices._matrix import Skipped, WeightMatrix
from lowcomplex.matrices._modules import biases_of, matrix_parameters, of_module, weight_matrices
from lowcomplex.matrices._reasons import COMPANION, LEFT_OUT, PART, VECTOR
from lowcomplex.matrices._states import of_entries, of_state

__all__ = [
    "COMPANION",
    "LAYOUTS",
    "LEFT_OUT",
    "NO_VALUES",
    "PART",
    "VECTOR",
    "Entry",
    "Layout",
    "Skipped",
    "WeightMatrix",
    "bases",
    "biases_of",
    "matrix_parameters",
    "of_entries",
    "of_module",
    "of_state",
    "weight_matrices",
]

"""The numbers of a formula from its SymPy expression, which is then written only once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import sympy as sp


def closed_form(
    symbolic: Callable[[], Mapping[str, sp.Expr]], name: str, *symbols: str
) -> Callable[..., NDArray[np.float64]]:
    """A NumPy function of the expression `name`, with common subexpressions evaluated once.

    SymPy is imported, and the function compiled, at its first call.

    Args:
        symbolic: Builds the expressions by name, as `Prediction.symbolic` does.
        name: Which of them.
        symbols: Names of the symbols that become the function's arguments, in this order.

    Returns:
        The function: arrays that broadcast → array of float64.

    Raises:
        ValueError: At the first call: the expression has a symbol that is no argument.
    """

    def evaluate(*values: ArrayLike) -> NDArray[np.float64]:
        arrays = [np.asarray(value, dtype=float) for value in values]
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        # A constant expression compiles to a function that returns one number.
        return np.array(np.broadcast_to(_compiled(symbolic, name, symbols)(*arrays), shape), dtype=float)

    return evaluate


@cache
def _compiled(
    symbolic: Callable[[], Mapping[str, sp.Expr]], name: str, symbols: tuple[str, ...]
) -> Callable[..., NDArray[np.float64]]:
    import sympy as sp

    expression = symbolic()[name]
    found = {str(symbol): symbol for symbol in expression.free_symbols}
    if missing := set(found) - set(symbols):
        raise ValueError(f"symbols: {name!r} depends on {', '.join(sorted(missing))}, too")
    arguments = [found.get(symbol, sp.Symbol(symbol)) for symbol in symbols]
    compiled: Callable[..., NDArray[np.float64]] = sp.lambdify(arguments, expression, "numpy", cse=True)
    return compiled

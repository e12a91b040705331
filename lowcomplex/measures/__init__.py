"""How complex is a solution? Pure functions of tensors, batched over leading dimensions.

The measures are grouped by what they take: `weights`, `maps`, `representations`, `training`. This package
offers every public function and class of these groups under its own name; `measures.list()` shows all. The
stub beside this file, which type checkers and editors read, is written from what is found.
"""

from __future__ import annotations

import sys

from lowcomplex._found import public_names
from lowcomplex.measures._list import list as list

_found = public_names(sys.modules[__name__])
globals().update(_found)
# Without `list`: `from lowcomplex.measures import *` must not hide Python's own.
__all__ = sorted(_found)

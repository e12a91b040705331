"""All predictions as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lowcomplex import theorems
from lowcomplex._signatures import plain_arguments

if TYPE_CHECKING:
    from lowcomplex._listing import Listing


def list() -> Listing:
    """All predictions, one line each.

    Returns:
        Columns name, kind ("exact", "rate" or "null"), claim and arguments, in the order of the theory.

    Example:
        >>> list()["name"][0]
        'linear_stage'
    """
    from lowcomplex._listing import Listing

    laws = [theorems.formula(name) for name in theorems.names()]
    return Listing(
        [
            {
                "name": law.name,
                "kind": law.kind,
                "claim": law.summary,
                "arguments": plain_arguments(law.evaluate),
            }
            for law in laws
        ]
    )

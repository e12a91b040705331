"""All checks as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lowcomplex import theorems

if TYPE_CHECKING:
    from lowcomplex._listing import Listing


def list() -> Listing:
    """All checks, one line each.

    Returns:
        Columns name, expected ("holds" or "refuted"), controls and mutants (how many there are) and claim, in
        the order of the theory.

    Example:
        >>> set(list()["expected"])
        {'holds'}
    """
    from lowcomplex._listing import Listing

    found = [theorems.check(name) for name in theorems.names()]
    return Listing(
        [
            {
                "name": check.prediction.name,
                "expected": check.expected,
                "controls": len(check.controls),
                "mutants": len(check.mutants),
                "claim": check.prediction.summary,
            }
            for check in found
        ]
    )

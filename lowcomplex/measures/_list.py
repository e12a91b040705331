"""All measures as a table."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from lowcomplex._signatures import first_sentence, plain_arguments
from lowcomplex.measures.weight_measure import weight_measures

if TYPE_CHECKING:
    from lowcomplex._listing import Listing

_GROUPS = ("weights", "maps", "representations", "training")


def list() -> Listing:
    """All measures, one line each.

    Returns:
        Columns name, of (what is measured: weights, maps, representations or training), tracked (whether
        `Tracker` takes the measure by its name), what it is, and arguments.

    Example:
        >>> list()["name"][0]
        'effective_rank'
    """
    from lowcomplex import measures
    from lowcomplex._listing import Listing

    tracked = [*weight_measures()]
    found = {name: getattr(measures, name) for name in (*tracked, *measures.__all__)}
    groups = {name: inspect.unwrap(function).__module__.split(".")[2] for name, function in found.items()}
    return Listing(
        [
            {
                "name": name,
                "of": group,
                "tracked": "yes" if name in tracked else "",
                "what": first_sentence(function),
                "arguments": plain_arguments(function),
            }
            for group in _GROUPS
            for name, function in found.items()
            if groups[name] == group and not inspect.isclass(function)
        ]
    )

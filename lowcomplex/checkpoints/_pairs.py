"""Which matrices of two checkpoints are the same weight, though wrappers changed their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from lowcomplex._names import without_wrappers

# Prefixes of more parts than this are not tried.
_PARTS = 4


def renamed(before: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    """Names of the second checkpoint as the first one has them.

    Parts that wrappers insert anywhere, such as `_orig_mod`, make no difference. If then no name is in both,
    a prefix of one side is left out, such as "module." of distributed training or "model.": the one with
    which most names agree, unless two prefixes do equally well.

    Args:
        before: Names of the first checkpoint.
        after: Names of the second.

    Returns:
        The first checkpoint's name by the second's, where it differs.
    """
    of_before, of_after = _by_plain_name(before), _by_plain_name(after)
    pairs = {name: of_before[plain] for plain, name in of_after.items() if plain in of_before}
    if not pairs:
        prefix = _best_prefix(of_after, of_before)
        pairs = {
            name: of_before[plain.removeprefix(prefix)]
            for plain, name in of_after.items()
            if prefix and plain.removeprefix(prefix) in of_before
        }
    if not pairs:
        prefix = _best_prefix(of_before, of_after)
        pairs = {
            of_after[plain.removeprefix(prefix)]: name
            for plain, name in of_before.items()
            if prefix and plain.removeprefix(prefix) in of_after
        }
    return {name: other for name, other in pairs.items() if name != other}


def _by_plain_name(names: Iterable[str]) -> dict[str, str]:
    plain = [(without_wrappers(name), name) for name in names]
    counts = Counter(key for key, _ in plain)
    return {key: name for key, name in plain if counts[key] == 1}


def _best_prefix(longer: Iterable[str], shorter: Iterable[str]) -> str:
    """The prefix without which most of the longer names are among the shorter; "" if none is the best."""
    known = set(shorter)
    counts: Counter[str] = Counter()
    for name in longer:
        parts = name.split(".")
        for end in range(1, min(len(parts), _PARTS + 1)):
            if ".".join(parts[end:]) in known:
                counts[".".join(parts[:end]) + "."] += 1
    best = counts.most_common(2)
    if not best or (len(best) > 1 and best[0][1] == best[1][1]):
        return ""
    return best[0][0]

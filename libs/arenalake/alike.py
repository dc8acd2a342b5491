"""Names that look alike and count as different, told in a line."""

import unicodedata
from collections.abc import Mapping

# So many groups of names are listed.
_LISTED = 5


def look_alikes(names: Mapping[str, int]) -> list[str]:
    """Groups of names that differ only in case, in width, in normal form, or in spaces and signs of no width.

    Args:
        names: name to the number of its rows.

    Returns:
        A text per group, such as `'Llama-3' (120), 'llama-3' (4)`.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_skeleton(name), []).append(name)
    alike = [sorted(group, key=lambda name: (-names[name], name)) for group in groups.values() if len(group) > 1]
    return [", ".join(f"{name!r} ({names[name]:,})" for name in group) for group in sorted(alike)]


def _skeleton(name: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(sign for sign in folded if unicodedata.category(sign) not in ("Cf", "Cc", "Zs", "Zl", "Zp"))


def look_alike_lines(source: str, column: str, names: Mapping[str, int]) -> list[str]:
    """One line that tells of names of one column that look alike; none where all differ."""
    groups = look_alikes(names)
    if not groups:
        return []
    others = f" and {len(groups) - _LISTED} further groups" if len(groups) > _LISTED else ""
    told = "; ".join(groups[:_LISTED]) + others
    return [f"{source}: {column} has names that differ only in case, width or spaces; they count as different: {told}"]

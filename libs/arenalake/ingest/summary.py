"""What a person is told about an ingested source: reasons of quarantine, what is not kept, names that look alike."""

import unicodedata
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

# So many reasons and groups of names are listed; and so many characters of a reason, which may quote the record.
_LISTED, _WIDTH = 5, 240


def count_sentences(rows: DataFrame, column: str) -> list[tuple[str, int]]:
    """The most frequent sentences of a column of arrays and how many rows have each.

    Of those that are as frequent, what stands first in its array comes first: the cause before what follows from it.
    There is one more than is listed, so that `list_sentences` can say that there are others.
    """
    sentences = rows.select(F.posexplode(column).alias("place", "text")).groupBy("text")
    counted = sentences.agg(F.count("*").alias("n"), F.min("place").alias("place"))
    found: list[Row] = counted.orderBy(F.desc("n"), "place", "text").limit(_LISTED + 1).collect()
    return [(row["text"], row["n"]) for row in found]


def list_sentences(what: str, counted: Sequence[tuple[str, int]]) -> list[str]:
    """A line per sentence, and one that tells of others."""
    lines = [f"{what}: {n:,} × {_shortened(text)}" for text, n in counted[:_LISTED]]
    return lines + ([f"{what}: further ones, see the table quarantine"] if len(counted) > _LISTED else [])


def _shortened(text: str) -> str:
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return plain if len(plain) <= _WIDTH else plain[: _WIDTH - 1] + "…"


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
    return [f"{source}: {column} has names that differ only in case, width or spaces, and count as different: {told}"]

"""What the labels of votes and the names of models mean, without Spark: for the configuration and for `rate`."""

import re
from collections.abc import Iterable
from typing import Any

WINNERS = ("model_a", "model_b", "tie", "tie (bothbad)")
TIES = ("tie", "tie (bothbad)")
# Every label of the published releases; anything else is unknown, and never a tie.
PUBLISHED_LABELS = {
    **{winner: winner for winner in WINNERS},
    "bothbad": "tie (bothbad)",
    "both_bad": "tie (bothbad)",
    "tie (both bad)": "tie (bothbad)",
    "tie (inconsistent)": "tie",
}
# Those that say more than the outcome they stand for; `battles.winner_label` keeps them.
TELLING_LABELS = ("tie (inconsistent)",)

# What surrounds a name and is no part of it: all that Unicode calls white space, line ends among them, the sign of no
# character, and signs of no width, the soft hyphen and the mark of byte order among them.
_OUTER_CODES = (
    *(0, *range(9, 14), *range(28, 33), 133, 160, 173, 5760),
    *(*range(8192, 8208), 8232, 8233, 8239, 8287, 8288, 12288, 65279),
)
OUTER = "".join(map(chr, _OUTER_CODES))
# What a number that is none is called in small letters: by Python, pandas, JSON and Spark.
NO_NUMBERS = ("nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity")
WHOLE = r"^(-?[0-9]+)\.0+$"
# A number as languages write one that is large. Without a point or a sign it could be the start of a checksum.
LARGE = r"^-?\d(\.\d+[eE]\+?|[eE]\+)\d+$"


def clean_name(text: str) -> str:
    """What `name_of` makes of a text, for labels of the configuration and headers."""
    name = text.strip(OUTER)
    whole = re.search(WHOLE, name)
    return whole[1] if whole else name


def clean_labels(labels: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """What labels stand for, by their clean names.

    Raises:
        ValueError: two are the same label and stand for different outcomes.
    """
    cleaned: dict[str, Any] = {}
    for label, outcome in labels:
        name = clean_name(label)
        if cleaned.setdefault(name, outcome) != outcome:
            raise ValueError(f"the label {name!r} stands for {cleaned[name]} and for {outcome}")
    return cleaned


def text_name(text: str) -> str | None:
    """What `sources.names.name_of` makes of a text: `clean_name`; None where it names nothing, as `nan` does not."""
    name = clean_name(text)
    if re.search(LARGE, name) and float(name).is_integer() and abs(float(name)) < 2.0**63:
        name = str(int(float(name)))
    if not name or name.lower() in NO_NUMBERS:
        return None
    return "0" if name == "-0" else name

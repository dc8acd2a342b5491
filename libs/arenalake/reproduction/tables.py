"""The gold table that puts published figures beside ours."""

from arenalake.entities.columns import SOURCE
from arenalake.lake.table import Column, Table

REPRODUCTION = Table(
    name="reproduction",
    layer="gold",
    kind="statistics",
    comment="Published figures of the data sets, each beside what these tables give.",
    columns=(
        SOURCE,
        Column("place", "int", "place of the figure in the ledger, from 0", required=True),
        Column("figure", "string", "what was published", required=True),
        Column("unit", "string", "what is counted; with (mean) or (sd) behind it, or %, where it is no count", True),
        Column("citation", "string", "where it was published", required=True),
        Column("published", "double", "the published value", required=True),
        Column("ours", "double", "the value that these tables give; null where there is none"),
        Column("definition", "string", "how it is counted", required=True),
        Column("tolerance", "double", "greatest difference of a match: a rounding, 0 for counts", required=True),
        Column("verdict", "string", "match, differs or cannot be recomputed", required=True),
        Column("reason", "string", "why it cannot be recomputed, or what may explain a difference"),
    ),
    key=("source", "figure", "citation"),
    checks={"known_verdict": "verdict IN ('match', 'differs', 'cannot be recomputed')"},
)

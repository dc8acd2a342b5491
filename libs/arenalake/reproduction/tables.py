"""The gold table that puts published figures beside ours."""

from arenalake.entities.columns import SOURCE
from arenalake.lake.table import Column, Table

REPRODUCTION = Table(
    name="reproduction",
    layer="gold",
    kind="statistics",
    comment="Published figures of the data sets, each beside our figure from these tables.",
    columns=(
        SOURCE,
        Column("place", "int", "place of the figure in the ledger, from 0", required=True),
        Column("figure", "string", "name of the figure", required=True),
        Column("unit", "string", "what is counted; for other figures followed by (mean) or (sd), or %", True),
        Column("citation", "string", "where it was published", required=True),
        Column("published", "double", "the published value", required=True),
        Column("ours", "double", "value from these tables; null where there is none"),
        Column("definition", "string", "how it is counted", required=True),
        Column(
            "tolerance",
            "double",
            "maximum difference of a match: the rounding of the published figure, 0 for counts",
            required=True,
        ),
        Column("verdict", "string", "match, differs or cannot be recomputed", required=True),
        Column("reason", "string", "why it cannot be recomputed, or a possible explanation of the difference"),
    ),
    key=("source", "figure", "citation"),
    checks={"known_verdict": "verdict IN ('match', 'differs', 'cannot be recomputed')"},
)

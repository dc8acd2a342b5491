"""Columns that tables of several subjects share."""

from arenalake.lake.table import Column

# Who writes in conversation trees.
PROMPTER, ASSISTANT = "prompter", "assistant"

SOURCE = Column("source", "string", "name of the source in the configuration", required=True)
MODEL = Column("model", "string", "model; null where the row is not about one model")
LANGUAGE = Column(
    "language", "string", "language as published, else as detected; null where there is neither or it is about all"
)
ROLE = Column("role", "string", "user or assistant; battle where a tag is about a battle as a whole", required=True)
GROUPING = Column(
    "grouping", "string", "what the row is about: all, or the columns that are set, joined by commas", required=True
)
WINNER = Column("winner", "string", "model_a, model_b, tie or tie (bothbad)", required=True)
JUDGE_KIND = Column("judge_kind", "string", "human or model", required=True)

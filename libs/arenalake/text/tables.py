"""What counted the tokens."""

from arenalake.lake.table import Column, Table

TOKENIZERS = Table(
    name="tokenizers",
    layer="silver",
    kind="statistics",
    comment="File of each tokenizer that messages are counted with; no row for a tokenizer known by name.",
    columns=(
        Column("tokenizer", "string", "name of the tokenizer in the tables", required=True),
        Column("digest", "string", "SHA-256 of its file", required=True),
    ),
    key=("tokenizer",),
)

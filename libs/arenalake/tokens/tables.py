"""Tables of tokens: lengths as counts that add up, and the statistics that people read."""

from arenalake.entities.columns import GROUPING, LANGUAGE, MODEL, ROLE, SOURCE
from arenalake.lake.table import Column, Table

_TOKENIZER = Column("tokenizer", "string", "tokenizer that counted", required=True)

MESSAGE_TOKENS, CONVERSATION_TOKENS, TURNS = "message_tokens", "conversation_tokens", "turns"

LENGTH_COUNTS = Table(
    name="length_counts",
    layer="gold",
    kind="counts",
    comment="Messages and conversations by length, a histogram per group. Counts of disjoint parts add up.",
    columns=(
        SOURCE,
        Column(
            "measure",
            "string",
            "what is counted and measured: message_tokens (messages), conversation_tokens or turns (conversations)",
            required=True,
        ),
        Column("model", "string", "model of the conversation", required=True),
        LANGUAGE,
        Column("role", "string", "user or assistant; null for conversations"),
        Column("turn", "int", "turn the messages belong to, from 1; null for conversations"),
        Column("month", "string", "month as 2023-04; null where the source has no time, and for conversations"),
        Column("tokenizer", "string", "tokenizer that counted; null for turns"),
        Column("n", "bigint", "messages or conversations", required=True),
        Column("n_chars", "bigint", "Unicode code points in these messages; 0 for conversations", required=True),
        Column("total", "bigint", "sum of the lengths", required=True),
        Column("lengths", "array<bigint>", "lengths that occur, ascending", required=True),
        Column("counts", "array<bigint>", "messages or conversations of each of these lengths", required=True),
    ),
    key=("source", "measure", "model", "language", "role", "turn", "month", "tokenizer"),
    stats_columns=("source",),
    checks={"positive": "n > 0"},
    sums=("n", "n_chars", "total"),
    cell="lengths",
)

TOKEN_STATS = Table(
    name="token_stats",
    layer="gold",
    kind="statistics",
    comment="Message length in tokens by model, language, role, turn and month; quantiles are exact (inverted_cdf).",
    columns=(
        SOURCE,
        GROUPING,
        MODEL,
        LANGUAGE,
        Column("turn", "int", "turn of the messages, from 1; null where the row is about all turns"),
        Column("month", "string", "month as 2023-04; null where there is no time or the row is about all months"),
        ROLE,
        _TOKENIZER,
        Column("n_conversations", "bigint", "conversations with at least one message of this group", required=True),
        Column("n_messages", "bigint", "messages", required=True),
        Column("total", "bigint", "tokens in all messages", required=True),
        Column("mean", "double", "tokens per message", required=True),
        Column("sd", "double", "sample standard deviation; null for one message"),
        Column("min", "int", "fewest tokens", required=True),
        Column("max", "int", "most tokens", required=True),
        *(Column(f"p{p}", "int", f"exact {p} % quantile", required=True) for p in (1, 5, 25, 50, 75, 95, 99)),
        Column("n_chars", "bigint", "Unicode code points in all messages"),
        Column(
            "tokens_per_char",
            "double",
            "total / n_chars, which compares the cost of languages; null without characters",
        ),
    ),
    key=("source", "grouping", "model", "language", "turn", "month", "role", "tokenizer"),
)

CONVERSATION_TOKEN_STATS = Table(
    name="conversation_token_stats",
    layer="gold",
    kind="statistics",
    comment="Turns and tokens per conversation; quantiles are exact (inverted_cdf).",
    columns=(
        SOURCE,
        GROUPING,
        MODEL,
        LANGUAGE,
        Column("measure", "string", "turns or tokens", required=True),
        _TOKENIZER,
        Column("n_conversations", "bigint", "conversations", required=True),
        Column("total", "bigint", "sum over conversations", required=True),
        Column("mean", "double", "per conversation", required=True),
        Column("sd", "double", "sample standard deviation; null for one conversation"),
        Column("min", "bigint", "minimum", required=True),
        Column("max", "bigint", "maximum", required=True),
        *(Column(f"p{p}", "bigint", f"exact {p} % quantile", required=True) for p in (1, 5, 25, 50, 75, 95, 99)),
    ),
    key=("source", "grouping", "model", "language", "measure", "tokenizer"),
)

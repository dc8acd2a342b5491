"""Tables of tokens: lengths as counts that add up, and the statistics that people read."""

from arenalake.entities.columns import GROUPING, LANGUAGE, MODEL, ROLE, SOURCE
from arenalake.lake.table import Column, Table

_TOKENIZER = Column("tokenizer", "string", "tokenizer that counted", required=True)

TOKEN_COUNTS = Table(
    name="token_counts",
    layer="gold",
    kind="counts",
    comment="Number of messages by length in tokens. Counts of two halves add up to the counts of the whole.",
    columns=(
        SOURCE,
        Column("model", "string", "model of the conversation", required=True),
        LANGUAGE,
        ROLE,
        Column("turn", "int", "turn the message belongs to, from 1", required=True),
        Column("month", "string", "month as 2023-04; null where the source has no time"),
        _TOKENIZER,
        Column("n_tokens", "int", "length in tokens", required=True),
        Column("n_messages", "bigint", "messages of that length", required=True),
        Column("n_chars", "bigint", "Unicode code points in these messages", required=True),
    ),
    key=("source", "model", "language", "role", "turn", "month", "tokenizer", "n_tokens"),
    stats_columns=("source",),
    checks={"positive": "n_messages > 0 AND n_tokens >= 0"},
    sums=("n_messages", "n_chars"),
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
        Column("n_conversations", "bigint", "conversations with at least one such message", required=True),
        Column("n_messages", "bigint", "messages", required=True),
        Column("total", "bigint", "tokens in all messages", required=True),
        Column("mean", "double", "tokens per message", required=True),
        Column("sd", "double", "sample standard deviation; null for one message"),
        Column("min", "int", "fewest tokens", required=True),
        Column("max", "int", "most tokens", required=True),
        *(Column(f"p{p}", "int", f"exact {p} % quantile", required=True) for p in (1, 5, 25, 50, 75, 95, 99)),
    ),
    key=("source", "grouping", "model", "language", "turn", "month", "role", "tokenizer"),
)

CONVERSATION_TOKEN_COUNTS = Table(
    name="conversation_token_counts",
    layer="gold",
    kind="counts",
    comment="Number of conversations by turns and by length in tokens.",
    columns=(
        SOURCE,
        MODEL,
        LANGUAGE,
        _TOKENIZER,
        Column("turns", "int", "turns of the conversation", required=True),
        Column("n_tokens", "bigint", "tokens of all its messages", required=True),
        Column("n_conversations", "bigint", "conversations", required=True),
    ),
    key=("source", "model", "language", "tokenizer", "turns", "n_tokens"),
    stats_columns=("source",),
    checks={"positive": "n_conversations > 0"},
    sums=("n_conversations",),
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
        Column("min", "bigint", "least", required=True),
        Column("max", "bigint", "most", required=True),
        *(Column(f"p{p}", "bigint", f"exact {p} % quantile", required=True) for p in (1, 5, 25, 50, 75, 95, 99)),
    ),
    key=("source", "grouping", "model", "language", "measure", "tokenizer"),
)

LANGUAGE_COSTS = Table(
    name="language_costs",
    layer="gold",
    kind="statistics",
    comment="What a language costs: tokens per character, by role and tokenizer.",
    columns=(
        SOURCE,
        LANGUAGE,
        ROLE,
        _TOKENIZER,
        Column("n_messages", "bigint", "messages", required=True),
        Column("n_chars", "bigint", "Unicode code points in all messages", required=True),
        Column("n_tokens", "bigint", "tokens in all messages", required=True),
        Column("tokens_per_char", "double", "n_tokens / n_chars; null where there are no characters"),
    ),
    key=("source", "language", "role", "tokenizer"),
)

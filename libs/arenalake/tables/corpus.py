"""Gold tables of the corpus beyond lengths and flag rates: conversations as a whole, costs, and flags seen together."""

from arenalake.tables.table import Column, Table, interval_columns

_SOURCE = Column("source", "string", "name of the source in the configuration", required=True)
_MODEL = Column("model", "string", "model; null where the row is not about one model")
_LANGUAGE = Column(
    "language", "string", "language as published, else as detected; null where there is neither or it is about all"
)
_GROUPING = Column(
    "grouping", "string", "what the row is about: all, or the columns that are set, joined by commas", required=True
)
_ROLE = Column("role", "string", "user or assistant; battle where a tag is about a battle as a whole", required=True)
_CATEGORY = Column("category", "string", "moderation category as published, or any", required=True)
_TOKENIZER = Column("tokenizer", "string", "tokenizer that counted", required=True)

CONVERSATION_TOKEN_COUNTS = Table(
    name="conversation_token_counts",
    layer="gold",
    kind="counts",
    comment="Number of conversations by turns and by length in tokens.",
    columns=(
        _SOURCE,
        _MODEL,
        _LANGUAGE,
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
        _SOURCE,
        _GROUPING,
        _MODEL,
        _LANGUAGE,
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
        _SOURCE,
        _LANGUAGE,
        _ROLE,
        _TOKENIZER,
        Column("n_messages", "bigint", "messages", required=True),
        Column("n_chars", "bigint", "Unicode code points in all messages", required=True),
        Column("n_tokens", "bigint", "tokens in all messages", required=True),
        Column("tokens_per_char", "double", "n_tokens / n_chars; null where there are no characters"),
    ),
    key=("source", "language", "role", "tokenizer"),
)

MODERATION_COVERAGE = Table(
    name="moderation_coverage",
    layer="gold",
    kind="statistics",
    comment="How many messages have a flag, and which kind of gap the others have.",
    columns=(
        _SOURCE,
        _ROLE,
        _CATEGORY,
        Column("n", "bigint", "messages", required=True),
        Column("n_labelled", "bigint", "messages with this flag, true or false", required=True),
        Column("n_without_category", "bigint", "messages with other flags but not this one", required=True),
        Column("n_without_moderation", "bigint", "messages without any flag", required=True),
    ),
    key=("source", "role", "category"),
)

MODERATION_TURNS = Table(
    name="moderation_turns",
    layer="gold",
    kind="statistics",
    comment="Flag rates by turn; a role has one message a turn, so each message of a row is of another conversation.",
    columns=(
        _SOURCE,
        _ROLE,
        Column("turn", "int", "turn of the messages, from 1; 0 for a battle as a whole", required=True),
        _CATEGORY,
        Column("n", "bigint", "messages with the flag, true or false", required=True),
        Column("n_missing", "bigint", "messages without the flag", required=True),
        Column("n_flagged", "bigint", "messages flagged", required=True),
        Column("rate", "double", "n_flagged / n; null where n is 0"),
        *interval_columns("Wilson's"),
    ),
    key=("source", "role", "turn", "category"),
)

MODERATION_COOCCURRENCE = Table(
    name="moderation_cooccurrence",
    layer="gold",
    kind="statistics",
    comment="Pairs of categories on the same message, over the messages that have both flags, true or false.",
    columns=(
        _SOURCE,
        _ROLE,
        Column("category_a", "string", "category as published, the one that is published first", required=True),
        Column("category_b", "string", "another category", required=True),
        Column("n", "bigint", "messages that have both flags, true or false", required=True),
        Column("n_a", "bigint", "of these, flagged as category_a", required=True),
        Column("n_b", "bigint", "of these, flagged as category_b", required=True),
        Column("n_both", "bigint", "of these, flagged as both", required=True),
        Column("jaccard", "double", "n_both / (n_a + n_b - n_both); null where no message is flagged as either"),
        Column("lift", "double", "n_both * n / (n_a * n_b), 1 if independent; null where n_a or n_b is 0"),
    ),
    key=("source", "role", "category_a", "category_b"),
)

MODERATION_ANSWERS = Table(
    name="moderation_answers",
    layer="gold",
    kind="statistics",
    comment="Attempt and answer: conversations with a flagged user message, and what the model answered to it.",
    columns=(
        _SOURCE,
        _GROUPING,
        _MODEL,
        _LANGUAGE,
        _CATEGORY,
        Column("n_conversations", "bigint", "conversations with this flag on a message of the user", required=True),
        Column("n_user_flagged", "bigint", "conversations in which a message of the user is flagged", required=True),
        Column("n_answer_flagged", "bigint", "conversations in which an answer is flagged", required=True),
        Column("n_attempts", "bigint", "conversations in which a flagged message has an answer with this flag", True),
        Column("n_answered", "bigint", "of the attempts, those in which such an answer is flagged", required=True),
        Column("answered_rate", "double", "n_answered / n_attempts; null where there is no attempt"),
        *interval_columns("Wilson's"),
    ),
    key=("source", "grouping", "model", "language", "category"),
)

MODERATION_CONVERSATIONS = Table(
    name="moderation_conversations",
    layer="gold",
    kind="statistics",
    comment="Conversations flagged per category on any message, with sub-categories folded into their parent.",
    columns=(
        _SOURCE,
        _GROUPING,
        _MODEL,
        _LANGUAGE,
        Column("unit", "string", "conversation, or battle where the tag is about a battle as a whole", required=True),
        Column("category", "string", "any, or a category without its sub-category", required=True),
        Column("n", "bigint", "units with a flag of the category, true or false", required=True),
        Column("n_missing", "bigint", "units without one", required=True),
        Column("n_flagged", "bigint", "units with a flagged message", required=True),
        Column("rate", "double", "n_flagged / n; null where n is 0"),
        *interval_columns("Wilson's"),
    ),
    key=("source", "grouping", "model", "language", "unit", "category"),
)

TOXICITY_AGREEMENT = Table(
    name="toxicity_agreement",
    layer="gold",
    kind="statistics",
    comment="Agreement of the toxicity tags of battles with the moderation flag of the same battle.",
    columns=(
        _SOURCE,
        Column("tagger", "string", "roberta_large or t5_large", required=True),
        Column("n_battles", "bigint", "battles", required=True),
        Column("n", "bigint", "battles that both have judged", required=True),
        Column("n_missing_tag", "bigint", "battles without the tag", required=True),
        Column("n_missing_moderation", "bigint", "battles without the moderation flag", required=True),
        Column("n_both", "bigint", "flagged by both", required=True),
        Column("n_tagger_only", "bigint", "flagged by the tagger only", required=True),
        Column("n_moderation_only", "bigint", "flagged by moderation only", required=True),
        Column("n_neither", "bigint", "flagged by neither", required=True),
        Column("agreement", "double", "(n_both + n_neither) / n; null where n is 0"),
        Column("kappa", "double", "Cohen's kappa; null where chance alone would always agree"),
    ),
    key=("source", "tagger"),
)

CORPUS_TABLES = (
    CONVERSATION_TOKEN_COUNTS,
    CONVERSATION_TOKEN_STATS,
    LANGUAGE_COSTS,
    MODERATION_COVERAGE,
    MODERATION_TURNS,
    MODERATION_COOCCURRENCE,
    MODERATION_ANSWERS,
    MODERATION_CONVERSATIONS,
    TOXICITY_AGREEMENT,
)

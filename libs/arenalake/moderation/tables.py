"""Tables of moderation: scores and flags as counts that add up, and the statistics that people read."""

from arenalake.entities.columns import GROUPING, LANGUAGE, MODEL, ROLE, SOURCE
from arenalake.entities.moderation import DETOXIFY
from arenalake.lake.table import Column, Table, interval_columns

_CATEGORY = Column(
    "category",
    "string",
    f"moderation category as published, or any; of Detoxify `{DETOXIFY}` and its name",
    required=True,
)

# The number of the bin of all scores below 1e-9.
UNDERFLOW_BIN = -901

SCORE_COUNTS = Table(
    name="score_counts",
    layer="gold",
    kind="counts",
    comment="Messages by moderation score, a histogram per group; logarithmic bins, 100 per decade from 1e-9 to 1.",
    columns=(
        SOURCE,
        MODEL,
        LANGUAGE,
        ROLE,
        _CATEGORY,
        Column("n", "bigint", "messages; of a category of Detoxify those with a score", required=True),
        Column("n_labelled", "bigint", "messages that have the flag (true or false)", required=True),
        Column("n_flagged", "bigint", "messages whose flag is true", required=True),
        Column("n_scored", "bigint", "messages that have a score", required=True),
        Column("sum_score", "decimal(38,18)", "sum of the scores", required=True),
        Column("score_bins", "array<int>", "bins that occur, ascending: floor(100 log10 score), -901 below 1e-9", True),
        Column("counts", "array<bigint>", "messages in each of these bins", required=True),
    ),
    key=("source", "model", "language", "role", "category"),
    stats_columns=("source",),
    checks={"positive": "n > 0"},
    sums=("n", "n_labelled", "n_flagged", "n_scored", "sum_score"),
    cell="score_bins",
)

MODERATION_PATTERNS = Table(
    name="moderation_patterns",
    layer="gold",
    kind="counts",
    comment="Conversations by the flags of their messages, in order. Counts of disjoint parts add up.",
    columns=(
        SOURCE,
        MODEL,
        LANGUAGE,
        Column(
            "pattern",
            "array<int>",
            "one number per message: role (0 user, 1 assistant, 2 battle as a whole) times 2^24, plus a bit from 2^12 "
            "up for each category that has a flag, plus a bit from 2^0 up for each that is flagged; any is the first "
            "category, the others follow as published",
            required=True,
        ),
        Column("n", "bigint", "conversations; battles where the tag is about a battle as a whole", required=True),
    ),
    key=("source", "model", "language", "pattern"),
    checks={"positive": "n > 0"},
    sums=("n",),
)

MODERATION_STATS = Table(
    name="moderation_stats",
    layer="gold",
    kind="statistics",
    comment="Flag rates with 95 % intervals and score quantiles; a quantile's relative error is at most 1.2 %.",
    columns=(
        SOURCE,
        GROUPING,
        MODEL,
        LANGUAGE,
        ROLE,
        _CATEGORY,
        Column("unit", "string", "message or conversation", required=True),
        Column("n", "bigint", "units with a flag, true or false", required=True),
        Column("n_missing", "bigint", "messages without the flag; null for conversations"),
        Column("n_flagged", "bigint", "units flagged", required=True),
        Column("rate", "double", "n_flagged / n; null where n is 0"),
        *interval_columns(
            "Wilson's; for messages at an effective size, as messages of one conversation are correlated"
        ),
        Column("n_scored", "bigint", "messages with a score; null for conversations"),
        Column("mean_score", "double", "mean score; null where there is none"),
        *(
            Column(name, "double", f"{text} % quantile of the score, middle of its bin; null where there is none")
            for name, text in (("p50", "50"), ("p90", "90"), ("p99", "99"), ("p99_9", "99.9"))
        ),
    ),
    key=("source", "grouping", "model", "language", "role", "category", "unit"),
)

MODERATION_CURVES = Table(
    name="moderation_curves",
    layer="gold",
    kind="statistics",
    comment="Share of messages with a score at or above a threshold. Thresholds are edges of bins: shares are exact.",
    columns=(
        SOURCE,
        GROUPING,
        MODEL,
        ROLE,
        _CATEGORY,
        Column("threshold", "double", "score", required=True),
        Column("n", "bigint", "messages with a score", required=True),
        Column("n_above", "bigint", "messages at or above the threshold", required=True),
        Column("share", "double", "n_above / n", required=True),
    ),
    key=("source", "grouping", "model", "role", "category", "threshold"),
)

MODERATION_TURNS = Table(
    name="moderation_turns",
    layer="gold",
    kind="statistics",
    comment="Flag rates by turn. A role has one message per turn: messages of a row are from different conversations.",
    columns=(
        SOURCE,
        ROLE,
        Column("turn", "int", "turn of the messages, from 1; 0 for a battle as a whole", required=True),
        _CATEGORY,
        Column("n", "bigint", "messages with the flag, true or false", required=True),
        Column("n_missing", "bigint", "messages without the flag", required=True),
        Column(
            "n_without_moderation",
            "bigint",
            "missing messages that have no flag at all; the others lack only this flag",
        ),
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
        SOURCE,
        ROLE,
        Column(
            "category_a", "string", "category as published; of the two, the first in the published order", required=True
        ),
        Column("category_b", "string", "another category", required=True),
        Column("n", "bigint", "messages that have both flags, true or false", required=True),
        Column("n_a", "bigint", "messages among these that are flagged as category_a", required=True),
        Column("n_b", "bigint", "messages among these that are flagged as category_b", required=True),
        Column("n_both", "bigint", "messages among these that are flagged as both", required=True),
        Column("jaccard", "double", "n_both / (n_a + n_b - n_both); null where no message is flagged as either"),
        Column("lift", "double", "n_both * n / (n_a * n_b), 1 if independent; null where n_a or n_b is 0"),
    ),
    key=("source", "role", "category_a", "category_b"),
)

MODERATION_ANSWERS = Table(
    name="moderation_answers",
    layer="gold",
    kind="statistics",
    comment="Attempts and answers: conversations with a flagged user message, and whether the answer to it is flagged.",
    columns=(
        SOURCE,
        GROUPING,
        MODEL,
        LANGUAGE,
        _CATEGORY,
        Column("n_conversations", "bigint", "conversations with this flag on a message of the user", required=True),
        Column("n_user_flagged", "bigint", "conversations in which a message of the user is flagged", required=True),
        Column("n_answer_flagged", "bigint", "conversations in which an answer is flagged", required=True),
        Column("n_attempts", "bigint", "conversations in which a flagged message has an answer with this flag", True),
        Column("n_answered", "bigint", "attempts in which such an answer is flagged", required=True),
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
        SOURCE,
        GROUPING,
        MODEL,
        LANGUAGE,
        Column("unit", "string", "conversation, or battle where the tag is about a battle as a whole", required=True),
        Column("category", "string", "any, or a category without its sub-category", required=True),
        Column("n", "bigint", "units with a flag of the category, true or false", required=True),
        Column("n_missing", "bigint", "units without such a flag", required=True),
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
        SOURCE,
        Column("tagger", "string", "roberta_large or t5_large", required=True),
        Column("n_battles", "bigint", "battles", required=True),
        Column("n", "bigint", "battles with both the tag and the moderation flag", required=True),
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

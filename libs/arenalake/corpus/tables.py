"""Tables of the corpus as a whole: conversations by kind, voters, and published languages against detected ones."""

from arenalake.entities.columns import JUDGE_KIND, SOURCE
from arenalake.lake.table import Column, Table

_N_CONVERSATIONS = Column("n_conversations", "bigint", "conversations; a battle has two", required=True)

CORPUS_SHAPE = Table(
    name="corpus_shape",
    layer="gold",
    kind="statistics",
    comment="What a corpus consists of: as a whole, and by model, language, turns, month and day.",
    columns=(
        SOURCE,
        Column("grouping", "string", "what the row is about: all, or the column that is set", required=True),
        Column("model", "string", "model; null where the row is not about one model"),
        Column(
            "language",
            "string",
            "published language, else the detected one; null where there is neither or the row is about all",
        ),
        Column("turns", "int", "turns; null where the source does not say or the row is about all"),
        Column("month", "string", "month as 2023-04; null where there is no time or the row is about all"),
        Column("day", "date", "day (UTC); null where there is no time or the row is about all"),
        _N_CONVERSATIONS,
        Column("share", "double", "n_conversations / all conversations of the source", required=True),
        Column("mean_turns", "double", "turns per conversation, where they are known"),
        Column("n_redaction_known", "bigint", "conversations whose source says whether they were redacted", True),
        Column("n_redacted", "bigint", "redacted conversations among these", required=True),
        Column("redacted_rate", "double", "n_redacted / n_redaction_known; null where n_redaction_known is 0"),
        Column("n_models", "bigint", "different models", required=True),
        Column("n_languages", "bigint", "different languages, not counting unknown", required=True),
        Column(
            "n_prompts", "bigint", "first messages; the two sides of a battle count once; null unless grouping is all"
        ),
        Column(
            "n_distinct_prompts", "bigint", "distinct first messages, compared exactly; null unless grouping is all"
        ),
        Column(
            "n_repeated_prompts",
            "bigint",
            "first messages whose text occurs more than once; null unless grouping is all",
        ),
        Column("max_repeats", "bigint", "occurrences of the most frequent first message; null unless grouping is all"),
    ),
    key=("source", "grouping", "model", "language", "turns", "month", "day"),
)

VOTER_STATS = Table(
    name="voter_stats",
    layer="gold",
    kind="statistics",
    comment="Number of voters, and votes per voter; quantiles are exact (inverted_cdf). No ids.",
    columns=(
        SOURCE,
        JUDGE_KIND,
        Column("n_battles", "bigint", "battles", required=True),
        Column("n_anonymous", "bigint", "battles whose source does not say who voted", required=True),
        Column("n_voters", "bigint", "different voters", required=True),
        Column("mean", "double", "votes per voter; null without voters"),
        Column("sd", "double", "sample standard deviation of votes per voter; null for fewer than two voters"),
        Column("min", "bigint", "minimum of votes per voter; null without voters"),
        Column("max", "bigint", "maximum of votes per voter; null without voters"),
        *(
            Column(f"p{p}", "bigint", f"exact {p} % quantile of votes per voter; null without voters")
            for p in (1, 5, 25, 50, 75, 95, 99)
        ),
    ),
    key=("source", "judge_kind"),
)

LANGUAGE_AUDIT = Table(
    name="language_audit",
    layer="gold",
    kind="statistics",
    comment="Published and detected languages: conversations with each pair of them, and the detector's confidence.",
    columns=(
        SOURCE,
        Column("detector", "string", "detector", required=True),
        Column("language", "string", "language as published; null where the source has none"),
        Column("detected_language", "string", "language as detected, or unknown", required=True),
        Column("script", "string", "script that most letters are in; null without letters"),
        Column("reason", "string", "why the language is unknown; null where it is known"),
        Column("n", "bigint", "conversations with this published and this detected language", required=True),
        Column("mean_confidence", "double", "mean confidence of the detector, 0 to 1; null where unknown"),
        Column("median_letters", "double", "median number of letters that the detector had", required=True),
        Column("n_checked", "bigint", "conversations with this published language that were detected", required=True),
        Column(
            "n_confirmed", "bigint", "checked conversations in which the published language was detected", required=True
        ),
        Column("n_published", "bigint", "all conversations of the source with this published language", required=True),
    ),
    key=("source", "detector", "language", "detected_language", "script", "reason"),
)

"""Tables of battles: votes that are not rated, counts that add up, and the statistics that people read."""

from arenalake.entities.columns import JUDGE_KIND, SOURCE, WINNER
from arenalake.lake.table import Column, Table, interval_columns

REMOVED_VOTES = Table(
    name="removed_votes",
    layer="silver",
    comment="Battles that are not rated, by the rules of the configuration. They stay in `battles`.",
    columns=(
        SOURCE,
        Column("battle_id", "string", "battle", required=True),
        Column(
            "rule", "string", "first rule that removes the battle, in the order in which rules apply", required=True
        ),
    ),
    key=("source", "battle_id"),
    stats_columns=("source", "rule"),
)

BATTLE_COUNTS = Table(
    name="battle_counts",
    layer="gold",
    kind="counts",
    comment="Number of battles by outcome. All statistics that need no judge, order or text are computed from it.",
    columns=(
        SOURCE,
        JUDGE_KIND,
        Column("language", "string", "language as published; null where the source has none"),
        Column("category", "string", "category of the question; null where the source has none"),
        Column(
            "category_tags", "array<string>", "further categories of the question; null where the source has no tags"
        ),
        Column("turn", "int", "number of turns; null where the source does not say"),
        Column("anony", "boolean", "model names were hidden; null where the source does not say"),
        Column("month", "string", "month as 2023-04; null where the source has no time"),
        Column("removed_by", "string", "rule that removes these battles from the ratings; null for rated battles"),
        Column("model_a", "string", "model shown first", required=True),
        Column("model_b", "string", "model shown second", required=True),
        WINNER,
        Column("n", "bigint", "battles", required=True),
    ),
    key=(
        "source",
        "judge_kind",
        "language",
        "category",
        "category_tags",
        "turn",
        "anony",
        "month",
        "removed_by",
        "model_a",
        "model_b",
        "winner",
    ),
    checks={"positive": "n > 0"},
)

CLEANING_STATS = Table(
    name="cleaning_stats",
    layer="gold",
    kind="statistics",
    comment="What each rule removes from the battles before they are rated, in the order the rules apply.",
    columns=(
        SOURCE,
        Column("step", "int", "position of the rule in the order, from 1", required=True),
        Column("rule", "string", "the rule's key in the configuration", required=True),
        Column("n_before", "bigint", "battles that earlier rules kept", required=True),
        Column("n_removed", "bigint", "battles that this rule removes", required=True),
        Column("n_after", "bigint", "battles that this rule keeps", required=True),
        Column("parameters", "string", "its settings", required=True),
    ),
    key=("source", "step"),
)

PAIR_STATS = Table(
    name="pair_stats",
    layer="gold",
    kind="statistics",
    comment="Results of each pair of models over all battles. model_a is the first model by code point, not by side.",
    columns=(
        SOURCE,
        JUDGE_KIND,
        Column("model_a", "string", "first model by code point", required=True),
        Column("model_b", "string", "second model by code point", required=True),
        Column("wins_a", "bigint", "battles that model_a won", required=True),
        Column("wins_b", "bigint", "battles that model_b won", required=True),
        Column("ties", "bigint", "ties, without tie (bothbad)", required=True),
        Column("bothbad", "bigint", "tie (bothbad)", required=True),
        Column("n", "bigint", "all battles of the pair", required=True),
        Column("win_rate_a", "double", "(wins_a + half of all ties) / n", required=True),
        *interval_columns("Tango's score interval for wins, ties and losses"),
    ),
    key=("source", "judge_kind", "model_a", "model_b"),
)

POSITION_STATS = Table(
    name="position_stats",
    layer="gold",
    kind="statistics",
    comment="How often each side wins, over all battles and for each model.",
    columns=(
        SOURCE,
        JUDGE_KIND,
        Column("model", "string", "model; null for all battles"),
        Column("side", "string", "side on which the model was shown, a or b; a for all battles", required=True),
        Column("n", "bigint", "battles", required=True),
        Column("ties", "bigint", "ties of both kinds", required=True),
        Column("wins", "bigint", "battles that this side won", required=True),
        Column("win_rate", "double", "wins / battles that were not a tie; null where all were ties"),
        *interval_columns("Wilson's"),
    ),
    key=("source", "judge_kind", "model", "side"),
)

VOLUME_STATS = Table(
    name="volume_stats",
    layer="gold",
    kind="statistics",
    comment="Battles per day (UTC).",
    columns=(
        SOURCE,
        Column("day", "date", "day; null where the source has no time"),
        Column("n_battles", "bigint", "battles", required=True),
    ),
    key=("source", "day"),
)

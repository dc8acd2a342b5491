"""Tables of judges: how far they agree, what they lean to, the rankings they give, and the grades they use."""

from arenalake.entities.columns import GROUPING, JUDGE_KIND
from arenalake.lake.table import Column, Table, interval_columns

_SOURCE = Column("source", "string", "name of the source, or of the set of sources that are matched", required=True)
_TURN = Column("turn", "int", "turns the votes are about; null where the row is about all or the source has none")
_CATEGORY = Column(
    "category", "string", "category of the questions; null where the row is about all or the source has none"
)
_LEVEL = Column("level", "string", "group or judge: what the names of judges stand for", required=True)

AGREEMENT_STATS = Table(
    name="agreement_stats",
    layer="gold",
    kind="statistics",
    comment="How far judges agree on the same question, pair of models and turn (an item), whichever was shown first.",
    columns=(
        _SOURCE,
        _LEVEL,
        Column("judge_a", "string", "group of judges, or a judge", required=True),
        Column("judge_b", "string", "the other; the same as judge_a for agreement within a group", required=True),
        GROUPING,
        _TURN,
        _CATEGORY,
        Column("model_a", "string", "first model by code point; null where the row is about all pairs"),
        Column("model_b", "string", "second model by code point; null where the row is about all pairs"),
        Column("setup", "string", "with_ties, or without_ties: votes for a tie are left out", required=True),
        Column(
            "measure",
            "string",
            "agreement (of pairs of votes), chance_agreement (of the same if independent), majority_agreement (of the "
            "votes of judge_a with the majority of judge_b, equal tops split), cohen_kappa, fleiss_kappa, "
            "alpha_nominal, alpha_ordinal, score_correlation (Pearson's, of mean scores by item), "
            "spearman and kendall (of the rankings by win rate, ties half)",
            required=True,
        ),
        Column("n_questions", "bigint", "questions with an item on which both voted", required=True),
        Column("n_items", "bigint", "such items", required=True),
        Column(
            "n",
            "bigint",
            "what the measure is taken over: pairs of votes; votes (majority_agreement, alpha); items (fleiss_kappa, "
            "score_correlation); models (spearman, kendall)",
            required=True,
        ),
        Column(
            "n_agree", "double", "pairs of votes, or votes, that agree; null where the measure is another than a share"
        ),
        Column("value", "double", "the measure; null where it has none, as kappa where all votes are the same"),
        *interval_columns("percentile: of a bootstrap over questions"),
        Column("random_value", "double", "what a judge who votes at random gets; null for chance_agreement", False),
        Column("is_basis", "boolean", "there are enough questions for inference", required=True),
    ),
    key=(
        "source",
        "level",
        "judge_a",
        "judge_b",
        "grouping",
        "turn",
        "category",
        "model_a",
        "model_b",
        "setup",
        "measure",
    ),
    stats_columns=("source", "level"),
)

JUDGE_WIN_RATES = Table(
    name="judge_win_rates",
    layer="gold",
    kind="statistics",
    comment="How often each model wins by the votes of each group of judges, as a mean over its opponents.",
    columns=(
        _SOURCE,
        Column("judge_group", "string", "group of judges; human and model are all of their kind", required=True),
        GROUPING,
        _TURN,
        _CATEGORY,
        Column("model", "string", "model", required=True),
        Column("n", "bigint", "votes on the model", required=True),
        Column("wins", "bigint", "votes that it won", required=True),
        Column("ties", "bigint", "ties of both kinds", required=True),
        Column("opponents", "bigint", "models it has met", required=True),
        Column("win_rate", "double", "mean over opponents of wins / votes: a tie is no win", required=True),
        Column("half_win_rate", "double", "mean over opponents of (wins + ties / 2) / votes", required=True),
    ),
    key=("source", "judge_group", "grouping", "turn", "category", "model"),
)

JUDGE_BIAS = Table(
    name="judge_bias",
    layer="gold",
    kind="statistics",
    comment="What judges lean to: a side, ties, long answers, own family; and whether they contradict themselves.",
    columns=(
        _SOURCE,
        _LEVEL,
        Column("judge", "string", "group of judges, or a judge", required=True),
        Column(
            "measure",
            "string",
            "share of ties (tie); of votes that are no tie, of wins of the answer shown first (first_wins) or of the "
            "longer one (longer_wins); of pairs of votes of one judge on both orders, those that are the same "
            "(consistent), and those that lean to what is shown first or second (prefers_first, prefers_second); of "
            "judges with several votes on an item, those who contradict themselves (contradicts; each of them has a "
            "row, whether single judges are asked for or not); of votes between kin "
            "and others, the share of kin (own_family) and how much more it is than by all other judges on the same "
            "items (own_family_favour); log odds of a win per 100 tokens that an answer is longer "
            "(length_log_odds), and of the answer shown first at equal length (first_log_odds)",
            required=True,
        ),
        Column("n", "bigint", "votes, or what else the share is of", required=True),
        Column("k", "bigint", "those that have the property; null where the measure is no share"),
        Column("value", "double", "the measure; null where it has none"),
        *interval_columns("Wilson's for shares, Wald's for log odds, percentiles over questions for a favour"),
        Column("p_value", "double", "of the exact binomial test that the share is 1/2; null where that is no question"),
    ),
    key=("source", "level", "judge", "measure"),
    stats_columns=("source", "level"),
)

GRADE_COUNTS = Table(
    name="grade_counts",
    layer="gold",
    kind="statistics",
    comment="How often judges give each grade of a Likert scale, on which low grades are for the answer shown first.",
    columns=(
        _SOURCE,
        JUDGE_KIND,
        _LEVEL,
        Column("judge", "string", "group of judges, or a judge", required=True),
        _CATEGORY,
        Column("grade", "int", "grade as given", required=True),
        Column("n", "bigint", "votes", required=True),
    ),
    key=("source", "judge_kind", "level", "judge", "category", "grade"),
    stats_columns=("source", "level"),
)

"""Tables of judges: how far they agree, what they lean to, the rankings they give, and the grades they use."""

from arenalake.entities.columns import GROUPING, JUDGE_KIND
from arenalake.lake.table import Column, Table, interval_columns

_SOURCE = Column("source", "string", "name of the source, or of the set of matched sources", required=True)
_TURN = Column(
    "turn", "int", "number of turns that the votes are about; null where the row is about all or the source has none"
)
_CATEGORY = Column(
    "category", "string", "category of the questions; null where the row is about all or the source has none"
)
_LEVEL = Column(
    "level", "string", "group or judge: whether the names are those of groups or of single judges", required=True
)

AGREEMENT_STATS = Table(
    name="agreement_stats",
    layer="gold",
    kind="statistics",
    comment="Agreement of judges on items: the same question, pair of models (in either order) and turn.",
    columns=(
        _SOURCE,
        _LEVEL,
        Column("judge_a", "string", "group of judges, or a judge", required=True),
        Column(
            "judge_b",
            "string",
            "the other group or judge; the same as judge_a for agreement within a group",
            required=True,
        ),
        GROUPING,
        _TURN,
        _CATEGORY,
        Column("model_a", "string", "first model by code point; null where the row is about all pairs"),
        Column("model_b", "string", "second model by code point; null where the row is about all pairs"),
        Column("setup", "string", "with_ties, or without_ties: votes for a tie are left out", required=True),
        Column(
            "measure",
            "string",
            "agreement (of pairs of votes), chance_agreement (of the same pairs if judges voted independently), "
            "majority_agreement (of the votes of judge_a with the majority of judge_b, shared between equal "
            "majorities), cohen_kappa, fleiss_kappa, alpha_nominal, alpha_ordinal, score_correlation (Pearson's, of "
            "mean scores by item), spearman and kendall (of the rankings by win rate; a tie is half a win)",
            required=True,
        ),
        Column("n_questions", "bigint", "questions with at least one item on which both voted", required=True),
        Column("n_items", "bigint", "items on which both voted", required=True),
        Column(
            "n",
            "bigint",
            "size of what the measure is computed over: pairs of votes; votes (majority_agreement, alpha); items "
            "(fleiss_kappa, score_correlation); models (spearman, kendall)",
            required=True,
        ),
        Column("n_agree", "double", "pairs of votes, or votes, that agree; null where the measure is not a share"),
        Column(
            "value", "double", "value of the measure; null where undefined, such as kappa where all votes are the same"
        ),
        *interval_columns("percentile: of a bootstrap over questions"),
        Column("random_value", "double", "value for a judge who votes at random; null for chance_agreement", False),
        Column("is_basis", "boolean", "whether there are enough questions for inference", required=True),
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
    comment="Win rate of each model by the votes of each group of judges, as a mean over its opponents.",
    columns=(
        _SOURCE,
        Column("judge_group", "string", "group of judges; human is all people, model is all models", required=True),
        GROUPING,
        _TURN,
        _CATEGORY,
        Column("model", "string", "model", required=True),
        Column("n", "bigint", "votes on the model", required=True),
        Column("wins", "bigint", "votes that the model won", required=True),
        Column("ties", "bigint", "ties of both kinds", required=True),
        Column("opponents", "bigint", "models that it was compared with", required=True),
        Column("win_rate", "double", "mean over opponents of wins / votes: a tie is not a win", required=True),
        Column("half_win_rate", "double", "mean over opponents of (wins + ties / 2) / votes", required=True),
    ),
    key=("source", "judge_group", "grouping", "turn", "category", "model"),
)

JUDGE_BIAS = Table(
    name="judge_bias",
    layer="gold",
    kind="statistics",
    comment="Biases of judges: side, ties, longer answers, own family; and whether judges contradict themselves.",
    columns=(
        _SOURCE,
        _LEVEL,
        Column("judge", "string", "group of judges, or a judge", required=True),
        Column(
            "measure",
            "string",
            "tie: share of votes for a tie; first_wins, longer_wins: share of decided votes for the answer shown "
            "first, for the longer answer; consistent: share of pairs of votes of one judge on both orders with the "
            "same outcome; prefers_first, prefers_second: share of these pairs that favour the side shown first, "
            "second; contradicts: share of judges with several votes on an item who contradict themselves (each of "
            "them also has a row); own_family: share of decided votes between related and other models that a related "
            "model won; own_family_favour: how much larger this share is than that of all other judges on the same "
            "items, a tie being half a win; "
            "length_log_odds: log odds of a win per 100 tokens that an answer is longer; first_log_odds: log odds of "
            "the answer shown first at equal length",
            required=True,
        ),
        Column("n", "bigint", "denominator of the share: votes, pairs of votes, or judges", required=True),
        Column("k", "bigint", "numerator of the share; null where the measure is not a share"),
        Column("value", "double", "value of the measure; null where undefined"),
        *interval_columns(
            "Wilson's for shares, Wald's for log odds, bootstrap percentiles over questions for own_family_favour"
        ),
        Column(
            "p_value",
            "double",
            "p value of the exact binomial test that the share is 1/2; null where this is not tested",
        ),
    ),
    key=("source", "level", "judge", "measure"),
    stats_columns=("source", "level"),
)

GRADE_COUNTS = Table(
    name="grade_counts",
    layer="gold",
    kind="statistics",
    comment="How often judges give each grade: ratings, of which low ones favour the answer shown first, and scores.",
    columns=(
        _SOURCE,
        JUDGE_KIND,
        _LEVEL,
        Column("judge", "string", "group of judges, or a judge", required=True),
        _CATEGORY,
        Column(
            "side",
            "string",
            "answer that a score is about: a was shown first, b second; null for a rating, which compares both",
        ),
        Column("grade", "double", "rating or score as given", required=True),
        Column("n", "bigint", "votes", required=True),
    ),
    key=("source", "judge_kind", "level", "judge", "category", "side", "grade"),
    stats_columns=("source", "level"),
)

"""Tables of preferences: properties and judgments as counts that add up, fitted weights, and what people read."""

from arenalake.entities.columns import GROUPING, SOURCE
from arenalake.lake.table import Column, Table, interval_columns

_GROUP = Column("scenario_group", "string", "group of scenarios", required=True)
_PROPERTY = Column("property", "string", "property, as the published weights name it", required=True)
_ERROR_TYPE = Column("error_type", "string", "type of the counted errors; null where the row is about all types")
_SCOPE = Column(
    "scope", "string", "pairs that the row is about: all, a scenario group, or a case of queries", required=True
)
_FIT_GROUPING = Column("grouping", "string", "kind of the scope: all, scenario_group or case", required=True)
_PAIR = (
    Column("judge_a", "string", "first judge by name", required=True),
    Column("judge_b", "string", "second judge by name", required=True),
)
_OF_PROPERTIES = "in the order of the published weights"

PROPERTY_COUNTS = Table(
    name="property_counts",
    layer="gold",
    kind="counts",
    comment="Responses by the value of a property, a histogram per group. Counts of disjoint parts add up.",
    columns=(
        SOURCE,
        _GROUP,
        Column("response", "string", "response_1 or response_2", required=True),
        Column("model", "string", "model of the response", required=True),
        _PROPERTY,
        _ERROR_TYPE,
        Column("n", "bigint", "responses with a value", required=True),
        Column("total", "bigint", "sum of the values", required=True),
        Column(
            "values",
            "array<bigint>",
            "values that occur, ascending; values of properties that only some queries ask for are multiplied by "
            "27720, so that means over up to 12 items are whole numbers",
            required=True,
        ),
        Column("counts", "array<bigint>", "responses with each of these values", required=True),
    ),
    key=("source", "scenario_group", "response", "model", "property", "error_type"),
    stats_columns=("source",),
    checks={"positive": "n > 0"},
    sums=("n", "total"),
    cell="values",
)

CASE_COUNTS = Table(
    name="case_counts",
    layer="gold",
    kind="counts",
    comment="Pairs by scenario group and case of the query.",
    columns=(
        SOURCE,
        _GROUP,
        Column("case", "string", "case of queries as in preference_fits, or all; cases overlap", required=True),
        Column("n_pairs", "bigint", "pairs", required=True),
    ),
    key=("source", "scenario_group", "case"),
    sums=("n_pairs",),
)

PROPERTY_PRODUCTS = Table(
    name="property_products",
    layer="gold",
    kind="counts",
    comment="Sums and sums of products of the differences between the two responses, by two properties.",
    columns=(
        SOURCE,
        _GROUP,
        Column("measure", "string", "difference (of values, scaled as in property_counts) or sign", required=True),
        Column("property_a", "string", "property, the same as or before property_b in the published order", True),
        Column("property_b", "string", "property", required=True),
        Column("n", "bigint", "pairs that have a difference in both", required=True),
        *(Column(f"sum_{of}", "bigint", f"sum of {of}, a and b being the differences", True) for of in "ab"),
        *(Column(f"sum_{of}", "bigint", f"sum of {of[0]} times {of[1]}", True) for of in ("aa", "bb", "ab")),
    ),
    key=("source", "scenario_group", "measure", "property_a", "property_b"),
    sums=("n", "sum_a", "sum_b", "sum_aa", "sum_bb", "sum_ab"),
)

JUDGE_COUNTS = Table(
    name="judge_counts",
    layer="gold",
    kind="counts",
    comment="Pairs that two judges both judged, by scenario group.",
    columns=(
        SOURCE,
        _GROUP,
        *_PAIR,
        Column("n_pairs", "bigint", "pairs that both judged", required=True),
        Column("n_agree", "bigint", "pairs on which both prefer the same response", required=True),
        Column("n_first_by_a", "bigint", "pairs where judge_a prefers the first model by code point", True),
        Column("n_first_by_b", "bigint", "pairs where judge_b prefers the first model by code point", True),
    ),
    key=("source", "scenario_group", "judge_a", "judge_b"),
    sums=("n_pairs", "n_agree", "n_first_by_a", "n_first_by_b"),
)

PROPERTY_STATS = Table(
    name="property_stats",
    layer="gold",
    kind="statistics",
    comment="Mean of each property over responses: over all, and by scenario group, response and model.",
    columns=(
        SOURCE,
        GROUPING,
        Column("scenario_group", "string", "group of scenarios; null where the row is about all"),
        Column("response", "string", "response_1 or response_2; null where the row is about both"),
        Column("model", "string", "model of the response; null where the row is about all"),
        _PROPERTY,
        _ERROR_TYPE,
        Column("n", "bigint", "responses with a value", required=True),
        Column(
            "mean",
            "double",
            "mean of grades 0 to 3 (stances -2 to 2), errors per response, or words; for properties that only some "
            "queries ask for, over responses to these queries",
            required=True,
        ),
        Column("sd", "double", "sample standard deviation; null for one response"),
    ),
    key=("source", "grouping", "scenario_group", "response", "model", "property", "error_type"),
)

PROPERTY_CORRELATIONS = Table(
    name="property_correlations",
    layer="gold",
    kind="statistics",
    comment="Pearson's r of the differences between the two responses, for each pair of properties.",
    columns=(
        SOURCE,
        GROUPING,
        Column("scenario_group", "string", "group of scenarios; null where the row is about all"),
        Column("property_a", "string", "property", required=True),
        Column("property_b", "string", "property; each pair has a row in both orders", required=True),
        Column("n_pairs", "bigint", "pairs that have a difference in both", required=True),
        Column("difference_r", "double", "r of the differences; null where one of them does not vary"),
        Column("sign_r", "double", "r of the signs that the fits use; null where one of them does not vary"),
    ),
    key=("source", "grouping", "scenario_group", "property_a", "property_b"),
)

PREFERENCE_FITS = Table(
    name="preference_fits",
    layer="gold",
    kind="statistics",
    comment="One row per fit: a judge in a scenario group, in a case of queries, or in all pairs. Arrays are "
    f"{_OF_PROPERTIES}.",
    columns=(
        SOURCE,
        _FIT_GROUPING,
        _SCOPE,
        Column("judge", "string", "judge whose preferences are fitted", required=True),
        Column("n_pairs", "bigint", "fitted pairs", required=True),
        Column(
            "n_left_out", "bigint", "pairs left out because the errors of a response are not applicable", required=True
        ),
        Column("n_first", "bigint", "fitted pairs where the judge prefers response 1", required=True),
        Column(
            "accuracy",
            "double",
            "share of pairs that a fit to the other folds predicts correctly; a pair without differences counts as one "
            "half; null with fewer pairs than folds",
        ),
        Column("iterations", "int", "passes over the data", required=True),
        Column("converged", "boolean", "whether the means converged", required=True),
        Column("weights", "array<double>", "posterior means", required=True),
        Column("sds", "array<double>", "posterior standard deviations", required=True),
        Column("lower_ends", "array<double>", "lower ends of the central 95 % posterior intervals", required=True),
        Column("upper_ends", "array<double>", "upper ends", required=True),
        Column(
            "fold_weights",
            "array<double>",
            "posterior means, averaged over fits that leave out one fold each, as the authors publish; null with fewer "
            "pairs than folds",
        ),
    ),
    key=("source", "grouping", "scope", "judge"),
)

PREFERENCE_WEIGHTS = Table(
    name="preference_weights",
    layer="gold",
    kind="statistics",
    comment="Weight of each property for a judge: log odds gained by the response with more of it, all else equal.",
    columns=(
        SOURCE,
        _FIT_GROUPING,
        _SCOPE,
        Column("judge", "string", "judge whose preferences are fitted", required=True),
        Column("place", "int", "place of the property in the published order, from 0", required=True),
        _PROPERTY,
        Column("n_pairs", "bigint", "fitted pairs", required=True),
        Column("weight", "double", "posterior mean", required=True),
        Column("sd", "double", "posterior standard deviation", required=True),
        *interval_columns("posterior: central"),
        Column(
            "fold_weight", "double", "mean over fits without one fold each, as the authors publish; null without folds"
        ),
        Column(
            "probability",
            "double",
            "probability that the judge prefers the response that is better in this property only",
            required=True,
        ),
    ),
    key=("source", "grouping", "scope", "judge", "property"),
)

JUDGE_PAIRS = Table(
    name="judge_pairs",
    layer="gold",
    kind="statistics",
    comment="Similarity of two judges by their weights, and their agreement on the pairs that both judged.",
    columns=(
        SOURCE,
        _FIT_GROUPING,
        _SCOPE,
        *_PAIR,
        Column(
            "similarity",
            "double",
            "Pearson's r of fold_weight; for all pairs, the mean of this r over scenario groups; null where a judge "
            "has no such fit",
        ),
        Column("n_pairs", "bigint", "pairs that both judged", required=True),
        Column("n_agree", "bigint", "pairs on which both prefer the same response", required=True),
        Column("agreement", "double", "n_agree / n_pairs; null without such pairs"),
        *interval_columns("Wilson's, for the agreement"),
        Column(
            "kappa",
            "double",
            "Cohen's kappa, as in agreement_stats; null without such pairs, or where chance alone would agree on all",
        ),
    ),
    key=("source", "grouping", "scope", "judge_a", "judge_b"),
)

JUDGE_RANKS = Table(
    name="judge_ranks",
    layer="gold",
    kind="statistics",
    comment="Judges by how often they agree with people.",
    columns=(
        SOURCE,
        _FIT_GROUPING,
        _SCOPE,
        Column("judge", "string", "judge; people are not ranked", required=True),
        Column("rank", "int", "1 + number of judges who agree with people more often; null without shared pairs"),
        Column("n_pairs", "bigint", "pairs that people judged too", required=True),
        Column(
            "agreement",
            "double",
            "share of pairs on which the judge prefers the same response as people; null without pairs",
        ),
        *interval_columns("Wilson's, for the agreement"),
        Column("similarity", "double", "similarity to people, as in judge_pairs"),
    ),
    key=("source", "grouping", "scope", "judge"),
)

JUDGE_ORDER = Table(
    name="judge_order",
    layer="gold",
    kind="statistics",
    comment="Order that puts similar judges next to each other: the leaves of a hierarchical clustering by "
    "similarity over all scenario groups.",
    columns=(
        SOURCE,
        Column("judge", "string", "judge", required=True),
        Column("place", "int", "place in the order, from 0; judges without a similarity come last", required=True),
    ),
    key=("source", "judge"),
)

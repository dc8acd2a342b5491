"""Means and correlations of properties, weights and likeness of judges, as functions of counts and fits."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from arenalake.entities.properties import PROPERTIES
from arenalake.numbers.agreement import cohen_kappa, observed_agreement
from arenalake.numbers.correlation import SUMS, pearson
from arenalake.numbers.groupings import by_groupings
from arenalake.numbers.histograms import cells_of
from arenalake.numbers.proportions import wilson_bounds
from arenalake.preferences.counts import scale_of
from arenalake.preferences.features import signs_of
from arenalake.preferences.model import contributions, preference_probability
from arenalake.preferences.similarity import Floats, hierarchical_order, mean_similarity, similarity
from arenalake.preferences.tables import (
    JUDGE_ORDER,
    JUDGE_PAIRS,
    JUDGE_RANKS,
    PREFERENCE_WEIGHTS,
    PROPERTY_COUNTS,
    PROPERTY_STATS,
)

# The judge whose preferences are those of people.
HUMAN = "human"
_GROUPINGS = ("all", "scenario_group", "response", "model", "scenario_group,response", "scenario_group,model")


def summarise_properties(property_counts: pl.DataFrame) -> pl.DataFrame:
    """Mean and spread of each property.

    Args:
        property_counts: columns of the table `property_counts`.

    Returns:
        Columns of the table `property_stats`.
    """
    keys = list(PROPERTY_COUNTS.key)
    cells = cells_of(property_counts, keys=keys, cell="values")
    views = by_groupings(cells, _GROUPINGS)
    scale = pl.col("property").replace_strict({name: scale_of(name) for name in PROPERTIES}, return_dtype=pl.Int64)
    n, value = pl.col("n"), pl.col("values")
    # Whole numbers, so that the order of rows changes no bit.
    sums = views.group_by("grouping", *keys).agg(
        n.sum(), total=(n * value).sum(), squares=(n.cast(pl.Int128) * value.cast(pl.Int128) ** 2).sum()
    )
    total = pl.col("total").cast(pl.Int128)
    deviations = (pl.col("squares") * n - total * total).cast(pl.Float64) / n
    stats = sums.with_columns(
        mean=pl.col("total") / n / scale,
        sd=pl.when(n > 1).then((deviations / (n - 1)).sqrt() / scale),
    )
    return stats.select(PROPERTY_STATS.column_names)


def correlate_properties(property_products: pl.DataFrame) -> pl.DataFrame:
    """Pearson's r of differences and of their signs, in all and by scenario group.

    Args:
        property_products: columns of the table `property_products`.

    Returns:
        Columns of the table `property_correlations`.
    """
    keys = ["source", "grouping", "scenario_group", "measure", "property_a", "property_b"]
    views = by_groupings(property_products, ("all", "scenario_group"))
    sums = views.group_by(keys).agg(pl.col(SUMS).sum())
    of_measure = sums.select(*keys, n_pairs="n", r=pearson())
    sides = [of_measure.filter(pl.col("measure") == measure).drop("measure") for measure in ("difference", "sign")]
    on = [key for key in keys if key != "measure"]
    both = (
        sides[0]
        .rename({"r": "difference_r"})
        .join(sides[1].select(*on, sign_r="r"), on=on, nulls_equal=True, how="left")
    )
    turned = both.filter(pl.col("property_a") != pl.col("property_b")).rename(
        {"property_a": "property_b", "property_b": "property_a"}
    )
    return pl.concat([both, turned.select(both.columns)])


def list_weights(preference_fits: pl.DataFrame) -> pl.DataFrame:
    """The fits as a row per judge, scope and property, as the table `preference_weights`."""
    arrays = {"weights": "weight", "sds": "sd", "lower_ends": "ci_lower", "upper_ends": "ci_upper"}
    no_folds = pl.lit([None] * len(PROPERTIES), pl.List(pl.Float64))
    fits = preference_fits.with_columns(
        pl.lit(list(PROPERTIES), pl.List(pl.String)).alias("property"),
        pl.lit(list(range(len(PROPERTIES))), pl.List(pl.Int32)).alias("place"),
        pl.col("fold_weights").fill_null(no_folds).alias("fold_weight"),
    ).rename(arrays)
    rows = fits.explode("property", "place", "fold_weight", *arrays.values())
    probability = pl.Series("probability", preference_probability(rows["weight"].to_numpy()))
    return rows.with_columns(probability).select(PREFERENCE_WEIGHTS.column_names)


def compare_judges(judge_counts: pl.DataFrame, preference_fits: pl.DataFrame) -> pl.DataFrame:
    """How alike each two judges are, in all and by scenario group.

    Args:
        judge_counts: columns of the table `judge_counts`.
        preference_fits: columns of the table `preference_fits`.

    Returns:
        Columns of the table `judge_pairs`.
    """
    sums = ["n_pairs", "n_agree", "n_first_by_a", "n_first_by_b"]
    views = by_groupings(judge_counts, ("all", "scenario_group"))
    views = views.with_columns(scope=pl.col("scenario_group").fill_null("all"))
    keys = ["source", "grouping", "scope", "judge_a", "judge_b"]
    counts = views.group_by(keys).agg(pl.col(sums).sum())
    votes = _vote_pairs(*counts.select(sums).to_numpy().astype(np.float64).T)
    lower, upper = wilson_bounds(pl.col("n_agree"), pl.col("n_pairs"))
    compared = counts.with_columns(
        agreement=pl.Series(observed_agreement(votes)).fill_nan(None),
        ci_lower=lower,
        ci_upper=upper,
        kappa=pl.Series(cohen_kappa(votes)).fill_nan(None),
    )
    joined = compared.join(_similarities(preference_fits), on=keys, how="left")
    return joined.select(JUDGE_PAIRS.column_names)


def _vote_pairs(n: Floats, agree: Floats, first_a: Floats, first_b: Floats) -> Floats:
    """Pairs of votes by outcome, the first model or the second, of judge_a and of judge_b, [..., 2, 2]."""
    both = (agree + first_a + first_b - n) / 2
    return np.stack([np.stack([both, first_a - both], -1), np.stack([first_b - both, agree - both], -1)], -2)


def _similarities(fits: pl.DataFrame) -> pl.DataFrame:
    schema = dict.fromkeys(("source", "grouping", "scope", "judge_a", "judge_b"), pl.String)
    rows: list[tuple[object, ...]] = []
    for (source,), of_source in fits.group_by("source"):
        judges, groups = _weights_by_group(of_source)
        if not groups:
            continue
        found = {("scenario_group", group): similarity(weights) for group, weights in groups.items()}
        found[("all", "all")] = mean_similarity(groups)
        for key, matrix in found.items():
            for a, b in zip(*np.triu_indices(len(judges), 1), strict=True):
                r = float(matrix[a, b])
                rows.append((source, *key, judges[a], judges[b], None if np.isnan(r) else r))
    return pl.DataFrame(rows, {**schema, "similarity": pl.Float64}, orient="row")


def _weights_by_group(fits: pl.DataFrame) -> tuple[list[str], dict[str, Floats]]:
    """The judges of a source, by name, and their weights in each scenario group; NaN where one has no fit."""
    judges = sorted(set(fits["judge"]))
    place = {judge: i for i, judge in enumerate(judges)}
    groups: dict[str, Floats] = {}
    of_groups = fits.filter((pl.col("grouping") == "scenario_group") & pl.col("fold_weights").is_not_null())
    for scope, judge, weights in of_groups.sort("scope", "judge").select("scope", "judge", "fold_weights").iter_rows():
        groups.setdefault(scope, np.full((len(judges), len(PROPERTIES)), np.nan))[place[judge]] = weights
    return judges, groups


def rank_judges(judge_pairs: pl.DataFrame) -> pl.DataFrame:
    """Judges by their agreement with people, as the table `judge_ranks`; none where no pair was judged by people."""
    is_human = [pl.col(name) == HUMAN for name in ("judge_a", "judge_b")]
    with_people = judge_pairs.filter(is_human[0] | is_human[1])
    judge = pl.when(is_human[0]).then("judge_b").otherwise("judge_a")
    rank = pl.col("agreement").rank("min", descending=True).over("source", "grouping", "scope").cast(pl.Int32)
    return with_people.with_columns(judge=judge, rank=rank).select(JUDGE_RANKS.column_names)


def order_judges(preference_fits: pl.DataFrame) -> pl.DataFrame:
    """Judges in the hierarchical order of their similarities, as the table `judge_order`."""
    rows: list[tuple[object, ...]] = []
    for (source,), of_source in preference_fits.group_by("source"):
        judges, groups = _weights_by_group(of_source)
        order: Iterable[int] = hierarchical_order(mean_similarity(groups)) if groups else range(len(judges))
        rows += [(source, judges[i], place) for place, i in enumerate(order)]
    return pl.DataFrame(rows, JUDGE_ORDER.no_rows.schema, orient="row")


def explain_pair(
    pairs: pl.DataFrame, preference_weights: pl.DataFrame, *, pair_id: str, judge: str, scope: str = "all"
) -> pl.DataFrame:
    """What would change a verdict: how much each property of a pair moves a judge to response 1.

    Args:
        pairs: pair_id, properties_a and properties_b as in `preference_pairs`, of one source.
        preference_weights: columns of the table, of the same source.
        pair_id: the pair.
        judge: whose weights.
        scope: those of all pairs, of a scenario group, or of a case.

    Returns:
        property, sign (1 where response 1 has more of it), weight, contribution (to the log odds that response 1 is
        preferred: their sum), the largest contribution in size first.

    Raises:
        ValueError: there is no such pair, or no such fit.
    """
    pair = pairs.filter(pl.col("pair_id") == pair_id)
    weights = preference_weights.filter((pl.col("judge") == judge) & (pl.col("scope") == scope)).sort("place")
    if pair.is_empty():
        raise ValueError(f"there is no pair {pair_id!r}; give a pair_id of the table preference_pairs")
    if weights.is_empty():
        known = ", ".join(sorted(set(preference_weights["judge"])))
        raise ValueError(f"there is no fit for the judge {judge!r} in the scope {scope!r}; judges: {known}")
    signs = signs_of(pair.head(1)).row(0)
    explained = weights.select("property", sign=pl.Series(signs, dtype=pl.Int8), weight="weight")
    moved = contributions(explained["sign"].to_numpy(), explained["weight"].to_numpy())
    explained = explained.with_columns(contribution=pl.Series(moved))
    return explained.sort(pl.col("contribution").abs(), "property", descending=[True, False])

"""How ratings move when a language, a month or a judge is left out: all leave-outs of a slice are fitted together.

A leave-out is one more set of votes, all less those left out, so it is fitted as the rounds of a bootstrap are. A task
holds the votes per pair of every value that is left out of a slice: for judges at most as many rows as they cast votes.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from arenalake.ratings.model.estimates import rate, rate_rounds
from arenalake.ratings.model.rounds import one_thread
from arenalake.ratings.model.votes import Floats, Ints, PairVotes
from arenalake.ratings.options import RatingsConfig
from arenalake.ratings.spark.spread import VOTES, conform, counted_methods, read_votes, slice_rows, sum_votes
from arenalake.ratings.tables import RATING_INFLUENCE

JUDGE = "judge"
# Of the changes over judges, what is told instead of a row per judge.
QUANTILES = {"lowest": 0.0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "highest": 1.0}
_KEYS = ["source", "slice"]
_LEFT_OUT = [*_KEYS, "left_out", "value"]


def count_left_out(rows: DataFrame, votes: DataFrame, *, left_out: Sequence[str], ratings: RatingsConfig) -> DataFrame:
    """Votes of each value of some columns, per slice and pair of models.

    Args:
        rows: battles, or counts of them with `n`, that are rated.
        votes: as `count_votes` gives them; only slices that are in it are counted.
        left_out: columns of `rows`; a null is no value.
        ratings: slices, judge kinds, `min_left_out`.

    Returns:
        source, slice, left_out (the column), value, model_a, model_b, wins_a, wins_b, ties; of values with at least
        `min_left_out` votes that are not the whole slice.
    """
    rows = slice_rows(rows if "n" in rows.columns else rows.withColumn("n", F.lit(1)), ratings=ratings)
    values = F.array(*[F.struct(F.lit(name).alias("left_out"), F.col(name).alias("value")) for name in left_out])
    rows = rows.select("*", F.inline(values)).where(F.col("value").isNotNull())
    n = F.col("wins_a") + F.col("wins_b") + F.col("ties")
    sums = sum_votes(rows, _LEFT_OUT).withColumn("n", F.sum(n).over(Window.partitionBy(*_LEFT_OUT)))
    sizes = votes.groupBy(*_KEYS).agg(F.sum(n).alias("n_slice"))
    large = sums.join(sizes, _KEYS).where((F.col("n") >= ratings.min_left_out) & (F.col("n") < F.col("n_slice")))
    return large.select(*_LEFT_OUT, "model_a", "model_b", *VOTES)


def summarise_influence(votes: DataFrame, left_out: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """Ratings without a language, a month or a judge, as the table `rating_influence`.

    Languages and months have a row each. A row about a judge would be about a person, so of judges there are quantiles
    of the changes of each model; a change that is null (the model is not comparable without that judge) is in none.

    Args:
        votes: as `count_votes` gives them.
        left_out: as `count_left_out` gives it.
        ratings: methods, scale, center, anchor.
    """
    methods = counted_methods(ratings)

    def run(key: tuple[Any, ...], rows: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
        source, slice_, kind = key
        with one_thread():
            counted = read_votes(rows, ratings=ratings)
            tables = [influence_rows(counted, parts, method, ratings).assign(method=method) for method in methods]
        found = pd.concat(tables, ignore_index=True)
        if kind == JUDGE:
            found = judge_rows(found)
        found = found.assign(source=source, slice=slice_, left_out=kind, min_left_out=ratings.min_left_out)
        return conform(found, RATING_INFLUENCE)

    keys = [*_KEYS, "left_out"]
    # The aliases make columns of their own: otherwise both sides of the cogroup would hold the same ones.
    own = left_out.select(*[F.col(name).alias(name) for name in left_out.columns])
    kinds = left_out.select(*keys).distinct()
    sides = votes.join(kinds, _KEYS).groupBy(*keys).cogroup(own.groupBy(*keys))
    return sides.applyInPandas(run, RATING_INFLUENCE.ddl).select(*RATING_INFLUENCE.column_names)


def influence_rows(votes: PairVotes, parts: pd.DataFrame, method: str, ratings: RatingsConfig) -> pd.DataFrame:
    """The ratings of one method without each value.

    Args:
        votes: all votes.
        parts: value, model_a, model_b, wins_a, wins_b, ties of each value, in any order.
        method: one of `COUNTED`.
        ratings: scale, base, center, anchor.

    Returns:
        value, n_left_out, model, n_battles (of the model, those that are left), rating, change (both null where the
        votes that are left do not say), note.
    """
    values, resample = leave_out(votes, parts)
    everything = rate(votes, method, ratings)
    without = rate_rounds(votes, method, resample, range(len(values)), ratings)
    value, left_out = pd.Index(values).get_indexer(pd.Index(parts["value"])), parts[list(VOTES)].sum(axis=1)
    n_left_out = np.bincount(value, left_out, len(values)).astype(np.int64)
    n_battles = np.repeat(everything.n_battles[:, None], len(values), axis=1)
    for side in ("model_a", "model_b"):
        np.subtract.at(n_battles, (pd.Index(votes.models).get_indexer(pd.Index(parts[side])), value), left_out)
    finite = np.where(np.isfinite(without), without, np.nan)
    n_models = len(votes.models)
    return pd.DataFrame(
        {
            "value": np.repeat(np.array(values, dtype=object), n_models),
            "n_left_out": np.repeat(n_left_out, n_models),
            "model": np.tile(np.array(votes.models, dtype=object), len(values)),
            "n_battles": n_battles.T.ravel(),
            "rating": finite.T.ravel(),
            "change": (finite - everything.rating[:, None]).T.ravel(),
            "note": _notes(without, n_battles, ~np.isnan(everything.rating)).T.ravel(),
        }
    )


def leave_out(votes: PairVotes, parts: pd.DataFrame) -> tuple[list[str], Callable[[range], Ints]]:
    """The values in order, and all votes less those of each, as rounds; beyond the last value, all votes."""
    values = sorted(set(parts["value"]))
    value = pd.Index(values).get_indexer(pd.Index(parts["value"]))
    models = pd.Index(votes.models)
    a, b = (models.get_indexer(pd.Index(parts[name])) for name in ("model_a", "model_b"))
    pair = np.searchsorted(votes.a * len(models) + votes.b, a * len(models) + b)
    outcomes = parts[list(VOTES)].to_numpy(dtype=np.int64)

    def resample(rounds: range) -> Ints:
        counts = np.repeat(votes.counts.astype(np.int64)[:, :, None], len(rounds), axis=2)
        inside = (value >= rounds.start) & (value < rounds.stop)
        for outcome in range(len(VOTES)):
            np.subtract.at(counts[outcome], (pair[inside], value[inside] - rounds.start), outcomes[inside, outcome])
        return counts

    return values, resample


def _notes(without: Floats, n_battles: Ints, rated: Any) -> Any:
    """Why a model that has a rating has none without the votes that are left out."""
    notes = np.full(without.shape, None, dtype=object)
    notes[np.isnan(without)] = "not comparable with the others"
    notes[without == np.inf] = "never below the others"
    notes[without == -np.inf] = "never above the others"
    notes[n_battles == 0] = "no votes left"
    notes[~rated] = "no estimate from all votes"
    return notes


def judge_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows per judge and model as quantiles over the judges: value, model, method, change, n_values, note."""
    n_judges = rows["value"].nunique()
    tables = []
    for (method, model), part in rows.groupby(["method", "model"], sort=True):
        changes = part["change"].dropna().to_numpy(dtype=np.float64)
        lost = len(part) - len(changes)
        points = np.quantile(changes, list(QUANTILES.values()), method="inverted_cdf") if len(changes) else np.nan
        note = f"no rating without some of the judges: {lost}" if lost else None
        tables.append(
            pd.DataFrame({"value": list(QUANTILES), "change": points, "note": note}).assign(
                method=str(method), model=str(model)
            )
        )
    return pd.concat(tables, ignore_index=True).assign(n_values=n_judges)

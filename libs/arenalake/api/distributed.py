"""The same for votes in a Spark DataFrame: Spark counts them and runs the rounds, and no vote reaches the driver."""

from collections.abc import Mapping, Sequence
from functools import reduce

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.api.result import PAIR_COLUMNS, RATING_COLUMNS, REPLICATE_COLUMNS, Frames, Ratings, sort_rows, typed
from arenalake.api.votes import (
    VoteColumns,
    check_columns,
    known_labels,
    require_known,
    require_no_missing,
    require_sides,
    same_model,
)
from arenalake.errors import VotesError
from arenalake.hints import did_you_mean
from arenalake.lake.holding import hold
from arenalake.ratings.options import BootstrapConfig, RatingsConfig
from arenalake.ratings.spark import elo as spread_elo
from arenalake.ratings.spark import judges as spread_judges
from arenalake.ratings.spark import spread
from arenalake.sources.names import filled_name, name_of
from arenalake.sources.source import winner_of


def rate_on_spark(
    votes: DataFrame, columns: VoteColumns, ratings: RatingsConfig, bootstrap: BootstrapConfig, *, order: str | None
) -> Ratings:
    """Rate a Spark DataFrame; ratings, pairs and rounds come back as pandas frames, votes never do.

    Raises:
        VotesError: as for other tables; or online Elo has no column by which the votes are in order.
    """
    check_columns(votes.columns, columns)
    counts = _check(votes, columns)
    if "elo" in ratings.methods:
        _require_order(votes, order)
    # Names of our own for the columns of slices: the caller's may be those of other columns here.
    by = {f"by_{number}": name for number, name in enumerate(columns.by)}
    ratings = ratings.model_copy(update={"slices": ["all", *by]})
    # What is read several times is computed once: a vote's names take longer to clean than all that follows.
    battles = hold(_battles_of(votes, columns, by, order))
    counted = hold(spread.count_votes(battles, ratings=ratings))
    ballots = None
    if bootstrap.unit == "judge" and spread.counted_methods(ratings):
        ballots = hold(spread_judges.count_ballots(battles, counted, ratings=ratings))
    packed = hold(spread_elo.pack_battles(battles, counted, ratings=ratings)) if "elo" in ratings.methods else None

    parts = []
    if ballots is not None:
        parts.append(spread_judges.bootstrap_judges(ballots, counted, ratings=ratings, bootstrap=bootstrap))
    elif spread.counted_methods(ratings):
        parts.append(spread.bootstrap_ratings(counted, ratings=ratings, bootstrap=bootstrap))
    if packed is not None:
        parts.append(spread_elo.bootstrap_elo(packed, ratings=ratings, bootstrap=bootstrap))
    # Rounds grow with models and slices alone, and are needed three times.
    rounds = reduce(DataFrame.unionByName, parts).toArrow()
    replicates = votes.sparkSession.createDataFrame(rounds)

    def rating_parts() -> list[DataFrame]:
        parts = []
        if spread.counted_methods(ratings):
            parts.append(spread.summarise_ratings(counted, replicates, ratings=ratings))
        if ballots is not None:
            parts.append(spread_judges.summarise_judges(ballots, counted, ratings=ratings))
        if packed is not None:
            parts.append(spread_elo.summarise_elo(packed, replicates, ratings=ratings))
        return parts

    def pair_parts() -> list[DataFrame]:
        parts = []
        if spread.counted_methods(ratings):
            parts.append(spread.summarise_pairs(counted, replicates, ratings=ratings))
        if packed is not None:
            parts.append(spread_elo.summarise_elo_pairs(packed, replicates, ratings=ratings))
        return parts

    sizes = _slices_of(battles, by, ratings)

    def finish(frames: list[pd.DataFrame], kinds: Mapping[str, str], keys: Sequence[str]) -> pd.DataFrame:
        named = [frame.assign(slice=_named(frame["slice"], by)) for frame in frames]
        return sort_rows(typed(named, kinds), sizes["slice"].tolist(), ratings.methods, keys)

    frames = Frames(
        ratings=finish([part.toPandas() for part in rating_parts()], RATING_COLUMNS, ["interval", "model"]),
        slices=sizes,
        make_replicates=lambda: finish([rounds.to_pandas()], REPLICATE_COLUMNS, ["round", "model"]),
        make_pairs=lambda: finish([part.toPandas() for part in pair_parts()], PAIR_COLUMNS, ["model_a", "model_b"]),
    )
    n_models = len({*counts["model_a"], *counts["model_b"]})
    return Ratings(frames, kind="pandas", methods=ratings.methods, n_votes=int(counts["n"].sum()), n_models=n_models)


def _column(name: str) -> Column:
    return F.col("`" + name.replace("`", "``") + "`")


def _names(columns: VoteColumns) -> dict[str, Column]:
    """What every vote has, as names."""
    return {role: name_of(filled_name(_column(name).cast("string"))) for role, name in columns.roles.items()}


def _check(votes: DataFrame, columns: VoteColumns) -> pd.DataFrame:
    """Votes by model_a, model_b and label, in this order, once they are known to be sound."""
    names = _names(columns)
    judge = names.pop("judge", F.lit(""))
    rows = votes.select(*[value.alias(role) for role, value in names.items()], judge.alias("judge"))
    counts = rows.groupBy(*names).agg(F.count("*").alias("n"), F.count_if(F.col("judge").isNull()).alias("without"))
    found = counts.toPandas().sort_values(list(names), ignore_index=True)
    if found.empty:
        raise VotesError("votes: the table has no rows")
    n_votes = int(found["n"].sum())
    for role in names:
        require_no_missing(role, columns.roles[role], int(found.loc[found[role].isna(), "n"].sum()), n_votes)
    require_no_missing("judge", columns.judge or "", int(found["without"].sum()), n_votes)
    labels = {str(label): int(n) for label, n in found.groupby("winner")["n"].sum().items()}
    known = known_labels(columns.labels)
    require_sides(labels, {*found["model_a"], *found["model_b"]}, known, columns.winner)
    require_known(labels, known, columns.winner)
    own = found[found["model_a"] == found["model_b"]]
    if len(own):
        raise same_model(int(own["n"].sum()), own["model_a"].iloc[0])
    return found


def _require_order(votes: DataFrame, order: str | None) -> None:
    """Check that a column puts the votes in order.

    Raises:
        VotesError: there is none, or two votes share a place in it.
    """
    if order is None:
        raise VotesError("order: rows of a Spark DataFrame have no order; name the column that orders votes for elo")
    if order not in votes.columns:
        hint = did_you_mean(order, votes.columns)
        raise VotesError(f"order: the table has no column {order!r}{hint}; it has {', '.join(votes.columns)}")
    told = votes.agg(F.count("*").alias("n"), F.count_distinct(_column(order)).alias("places")).toArrow().to_pylist()[0]
    if told["places"] < told["n"]:
        raise VotesError(
            f"order: {told['n']:,} votes have only {told['places']:,} different values in column {order!r}, so it does "
            "not determine their order"
        )


def _battles_of(votes: DataFrame, columns: VoteColumns, by: Mapping[str, str], order: str | None) -> DataFrame:
    """The votes as rows of `battles`, as far as ratings read it, with the columns of slices and `n`."""
    names = _names(columns)
    made = {
        "source": F.lit("votes"),
        "judge_kind": F.lit("human"),
        "file": F.lit(""),
        "battle_id": F.lit(""),
        "model_a": names["model_a"],
        "model_b": names["model_b"],
        "winner": winner_of(names["winner"], known_labels(columns.labels)),
        "score": F.lit(None).cast("double"),
        "judge": names.get("judge", F.lit(None).cast("string")),
        "month": F.lit(None).cast("string"),
        "sequence": _column(order) if order else F.lit(0),
        "n": F.lit(1),
        **{own: name_of(filled_name(_column(name).cast("string"))) for own, name in by.items()},
    }
    return votes.select(*[value.alias(name) for name, value in made.items()])


def _slices_of(battles: DataFrame, by: Mapping[str, str], ratings: RatingsConfig) -> pd.DataFrame:
    """Every slice with its size: all votes first, then by column and value."""
    sizes = spread.count_slices(battles, ratings=ratings).drop("source").toPandas()
    own, _, value = (sizes["slice"].str.partition("=")[part] for part in range(3))
    plain = value.str.replace(r"\\(.)", r"\1", regex=True)
    order = sizes.assign(column=own.map({"all": -1, **{name: at for at, name in enumerate(by)}}), value=plain)
    order = order.sort_values(["column", "value"], ignore_index=True)
    named = order.assign(slice=_named(order["slice"], by))[["slice", "n_battles", "min_battles", "rated"]]
    return named.astype({"n_battles": "int64", "min_battles": "int64"})


def _named(slices: pd.Series, by: Mapping[str, str]) -> pd.Series:
    """The names of slices with the caller's names of columns."""
    named = {text: text for text in slices.unique()}
    for text in named:
        own, equals, value = text.partition("=")
        if equals:
            named[text] = f"{by[own]}={value}"
    return slices.map(named)

"""Rate the models of each source and slice: bootstrap rounds first, then intervals, ranks, pairs and fits."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, reduce
from threading import Lock

import pandas as pd
import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.battles.rules import rated_counts, without_removed
from arenalake.battles.tables import BATTLE_COUNTS, REMOVED_VOTES
from arenalake.entities.tables import BATTLES, MESSAGES
from arenalake.errors import CallerError, ConfigError
from arenalake.lake import Derivation, Lake, derive
from arenalake.lake.table import Table
from arenalake.ratings.board import leaderboard_lines
from arenalake.ratings.calibration import summarise_calibration
from arenalake.ratings.options import BootstrapConfig, RatingsConfig
from arenalake.ratings.spark import elo as spread_elo
from arenalake.ratings.spark import influence as spread_influence
from arenalake.ratings.spark import judges as spread_judges
from arenalake.ratings.spark import spread
from arenalake.ratings.spark import style as spread_style
from arenalake.ratings.spark.lengths import add_length
from arenalake.ratings.spark.style_parts import LargeSlice, large_slices
from arenalake.ratings.tables import (
    RATING_CALIBRATION,
    RATING_FITS,
    RATING_INFLUENCE,
    RATING_PAIRS,
    RATING_REPLICATES,
    RATING_SLICES,
    RATINGS,
    STYLE_COEFFICIENTS,
    STYLE_REPLICATES,
)
from arenalake.step import Context, StepResult
from arenalake.text.tokenizers import tokenizer_keys

Frames = dict[str, DataFrame]
"""DataFrames by the names of their tables."""

_SHOWN = ["component", "rank", "model", "rating", "ci_lower", "ci_upper", "n_battles", "note"]


def run(context: Context) -> StepResult:
    """Write the tables of ratings and print a leaderboard for each source, or why it has none.

    Reads `battle_counts` only; `battles` and `removed_votes` where scores, the order of the battles (elo) or their
    judges matter; for slices by length and style control `messages` too. Style control adds
    `style_replicates` and `style_coefficients`, leave-outs add `rating_influence`.

    Raises:
        ConfigError: the anchored model has no votes at all, or style control wants tokens that nobody counted.
        CallerError: `battle_stats` has to run first, as there are other battles than were counted.
    """
    lake, ratings, bootstrap = context.lake, context.config.ratings, context.config.bootstrap
    _require_anchor(context)
    context.config.ratings.require_tokenizers(tokenizer_keys(context.config.tokens.tokenizers))
    plan = RatingPlan(ratings, bootstrap)
    is_empty = lake.load(BATTLE_COUNTS).is_empty()
    if plan.needs_battles or is_empty:
        _require_counts_of_these_battles(lake)
    derivations = plan.derivations()
    if is_empty:  # else Spark plans, fits and draws at length for tables without rows
        derivations = [replace(one, build=partial(_no_rows, lake, one.table)) for one in derivations]
    made = {derivation.table for derivation in derivations}
    for table in (RATING_INFLUENCE, STYLE_REPLICATES, STYLE_COEFFICIENTS):
        if table not in made and lake.exists(table):  # what an earlier run was asked for is out of date
            derivations.append(Derivation(table, [], partial(_no_rows, lake, table)))
    derive(lake, derivations)
    return _show(context)


class RatingPlan:
    """What each table is made of, for the configured methods and unit."""

    def __init__(self, ratings: RatingsConfig, bootstrap: BootstrapConfig) -> None:
        self._ratings, self._bootstrap = ratings, bootstrap
        self._length = ratings.by_length
        # Neither lengths nor scores are among the counts.
        self._one_by_one = self._length or ratings.outcome == "score"
        self._of_battles = [BATTLES, REMOVED_VOTES, *([MESSAGES] if self._length else [])]
        self._counted = bool(spread.counted_methods(ratings))
        self._judges = self._counted and bootstrap.unit == "judge"
        self._elo = "elo" in ratings.methods
        self._style = spread_style.METHOD in ratings.methods
        self._large_slices: list[LargeSlice] | None = None
        self._alone = Lock()

    @property
    def needs_battles(self) -> bool:
        """Whether battles are read one by one, beside their counts."""
        one_by_one = self._one_by_one or self._judges or self._elo or self._style
        return one_by_one or spread_influence.JUDGE in self._ratings.leave_out

    def derivations(self) -> list[Derivation]:
        """In an order in which each stands after what it needs."""
        of_leave_outs = {"leave_out", "min_left_out"}
        settings = {
            "ratings": self._ratings.model_dump(mode="json", exclude=of_leave_outs),
            "bootstrap": self._bootstrap.model_dump(mode="json"),
        }
        left_out = {"left_out": self._ratings.model_dump(mode="json", include=of_leave_outs)}
        counts = [BATTLE_COUNTS, *(self._of_battles if self._one_by_one else [])]
        battles = self._of_battles if self._judges or self._elo or self._style else []
        styled = [*self._of_battles, MESSAGES]
        votes = [*counts, *battles, *([MESSAGES, STYLE_REPLICATES] if self._style else [])]
        fits = [*counts, *(styled if self._style else [])]
        builds: list[tuple[Table, list[Table], Callable[[Frames], DataFrame]]] = [
            (RATING_REPLICATES, votes, self.replicates),
            (RATING_FITS, fits, self.fits),
            (RATING_SLICES, counts, self.slices),
            (RATINGS, [RATING_REPLICATES, *votes], self.ratings),
            (RATING_PAIRS, [RATING_REPLICATES, *votes], self.pairs),
            (RATING_CALIBRATION, [RATING_PAIRS], self.calibration),
        ]
        if self._ratings.leave_out:
            judges = self._of_battles if spread_influence.JUDGE in self._ratings.leave_out else []
            builds.append((RATING_INFLUENCE, [*counts, *judges], self.influence))
        if self._style:
            builds.insert(0, (STYLE_REPLICATES, styled, self.style_replicates))
            builds.append((STYLE_COEFFICIENTS, [STYLE_REPLICATES, *styled], self.coefficients))
        once = [(table, list(dict.fromkeys(inputs)), build) for table, inputs, build in builds]
        return [
            Derivation(
                table,
                inputs,
                _by_name(inputs, build),
                {**settings, **left_out} if table is RATING_INFLUENCE else settings,
            )
            for table, inputs, build in once
        ]

    def replicates(self, frames: Frames) -> DataFrame:
        """Rows of `rating_replicates`."""
        ratings, bootstrap = self._ratings, self._bootstrap
        votes, parts = self.votes(frames), []
        if self._judges:
            ballots = self._ballots(frames)
            parts.append(spread_judges.bootstrap_judges(ballots, votes, ratings=ratings, bootstrap=bootstrap))
        elif self._counted:
            parts.append(spread.bootstrap_ratings(votes, ratings=ratings, bootstrap=bootstrap))
        if self._elo:
            packed = self._packed(frames)
            parts.append(spread_elo.bootstrap_elo(packed, ratings=ratings, bootstrap=bootstrap))
        if self._style:
            parts.append(spread_style.style_rounds(frames["style_replicates"]))
        return reduce(DataFrame.unionByName, parts)

    def ratings(self, frames: Frames) -> DataFrame:
        """Rows of `ratings`."""
        ratings, rounds = self._ratings, frames["rating_replicates"]
        votes, parts = self.votes(frames), []
        if self._counted:
            parts.append(spread.summarise_ratings(votes, rounds, ratings=ratings))
        if self._judges:
            ballots = self._ballots(frames)
            parts.append(spread_judges.summarise_judges(ballots, votes, ratings=ratings))
        if self._elo:
            packed = self._packed(frames)
            parts.append(spread_elo.summarise_elo(packed, rounds, ratings=ratings))
        if self._style:
            fitted = self._fitted(frames)
            parts.append(spread_style.summarise_style(fitted, frames["style_replicates"], ratings=ratings))
        return reduce(DataFrame.unionByName, parts)

    def pairs(self, frames: Frames) -> DataFrame:
        """Rows of `rating_pairs`."""
        ratings, rounds = self._ratings, frames["rating_replicates"]
        votes, parts = self.votes(frames), []
        if self._counted:
            parts.append(spread.summarise_pairs(votes, rounds, ratings=ratings))
        if self._elo:
            packed = self._packed(frames)
            parts.append(spread_elo.summarise_elo_pairs(packed, rounds, ratings=ratings))
        if self._style:
            fitted = self._fitted(frames)
            parts.append(spread_style.summarise_style_pairs(fitted, frames["style_replicates"], ratings=ratings))
        return reduce(DataFrame.unionByName, parts)

    def calibration(self, frames: Frames) -> DataFrame:
        """Rows of `rating_calibration`."""
        return summarise_calibration(frames["rating_pairs"])

    def fits(self, frames: Frames) -> DataFrame:
        """Rows of `rating_fits`."""
        fits = spread.summarise_fits(self.votes(frames), ratings=self._ratings)
        if not self._style:
            return fits
        return fits.unionByName(spread_style.summarise_style_fits(self._fitted(frames), ratings=self._ratings))

    def style_replicates(self, frames: Frames) -> DataFrame:
        """Rows of `style_replicates`."""
        rounds = spread_style.bootstrap_style(self._styled(frames), ratings=self._ratings, bootstrap=self._bootstrap)
        return reduce(DataFrame.unionByName, [large.replicates(rounds) for large in self._large(frames)], rounds)

    def coefficients(self, frames: Frames) -> DataFrame:
        """Rows of `style_coefficients`."""
        fitted = self._fitted(frames)
        return spread_style.summarise_coefficients(fitted, frames["style_replicates"], ratings=self._ratings)

    def slices(self, frames: Frames) -> DataFrame:
        """Rows of `rating_slices`."""
        return spread.count_slices(self._counts(frames), ratings=self._ratings)

    def influence(self, frames: Frames) -> DataFrame:
        """Rows of `rating_influence`."""
        ratings, votes = self._ratings, self.votes(frames)
        counted = [name for name in ratings.leave_out if name != spread_influence.JUDGE]
        rows: list[tuple[DataFrame, Sequence[str]]] = [(self._counts(frames), counted)] if counted else []
        if len(counted) < len(ratings.leave_out):
            rows.append((self._battles(frames), [spread_influence.JUDGE]))
        parts = [spread_influence.count_left_out(some, votes, left_out=names, ratings=ratings) for some, names in rows]
        return spread_influence.summarise_influence(votes, reduce(DataFrame.unionByName, parts), ratings=ratings)

    def _counts(self, frames: Frames) -> DataFrame:
        """What is rated, as rows with `n`: counts where they know every column of a slice, else battles."""
        if self._one_by_one:
            return self._battles(frames).withColumn("n", F.lit(1))
        return rated_counts(frames["battle_counts"])

    def votes(self, frames: Frames) -> DataFrame:
        """What is rated, counted by slice and pair, as `spread.count_votes` gives it."""
        return spread.count_votes(self._counts(frames), ratings=self._ratings)

    def _battles(self, frames: Frames) -> DataFrame:
        battles, length = without_removed(frames["battles"], frames["removed_votes"]), self._ratings.length
        if not self._length:
            return battles
        return add_length(battles, frames["messages"], tokenizer=length.tokenizer, threshold=length.threshold)

    def _ballots(self, frames: Frames) -> DataFrame:
        return spread_judges.count_ballots(self._battles(frames), self.votes(frames), ratings=self._ratings)

    def _packed(self, frames: Frames) -> DataFrame:
        return spread_elo.pack_battles(self._battles(frames), self.votes(frames), ratings=self._ratings)

    def _styled(self, frames: Frames) -> DataFrame:
        """The slices that fit one task."""
        rows = spread_style.styled_rows(self._battles(frames), frames["messages"], ratings=self._ratings)
        for large in self._large(frames):
            rows = rows.where(~large.holds())
        return spread_style.pack_styled(rows, ratings=self._ratings)

    def _fitted(self, frames: Frames) -> DataFrame:
        fitted = spread_style.fit_styled(self._styled(frames), ratings=self._ratings, bootstrap=self._bootstrap)
        return reduce(DataFrame.unionByName, [large.fitted(fitted) for large in self._large(frames)], fitted)

    def _large(self, frames: Frames) -> list[LargeSlice]:
        """The slices that do not, fitted once; the tables may be built at the same time."""
        with self._alone:
            if self._large_slices is None:
                battles = self._battles(frames)
                rows = spread_style.styled_rows(battles, frames["messages"], ratings=self._ratings)
                sizes = large_slices(spread.slice_rows(battles, ratings=self._ratings), ratings=self._ratings)
                self._large_slices = [LargeSlice(rows, *size, self._ratings, self._bootstrap) for size in sizes]
            return self._large_slices


def _no_rows(lake: Lake, table: Table, *_: DataFrame) -> DataFrame:
    return lake.spark.createDataFrame([], table.ddl)


def _by_name(inputs: list[Table], build: Callable[[Frames], DataFrame]) -> Callable[..., DataFrame]:
    names = [table.name for table in inputs]
    return lambda *frames: build(dict(zip(names, frames, strict=True)))


def _require_anchor(context: Context) -> None:
    anchor = context.config.ratings.anchor
    if anchor is None:
        return
    everything = context.config.ratings.model_copy(update={"slices": ["all"], "outcome": "winner"})
    votes = spread.count_votes(rated_counts(context.lake.read(BATTLE_COUNTS)), ratings=everything)
    names = votes.select(F.explode(F.array("model_a", "model_b")).alias("model"))
    if names.where(F.col("model") == anchor.model).isEmpty():
        raise ConfigError(
            f"ratings.anchor.model: {anchor.model!r} has no rated votes; give the name of a model as spelt in the "
            "table `battles`, or leave `ratings.anchor` out"
        )


def _require_counts_of_these_battles(lake: Lake) -> None:
    counted = lake.load(BATTLE_COUNTS)["n"].sum()
    n_battles = lake.count_values([BATTLES], ["source"])["n"].sum()
    if counted != n_battles:
        raise CallerError(
            f"ratings: there are {n_battles:,} battles, but battle_counts counts {counted:,}; run the job "
            "battle_stats first"
        )


def _show(context: Context) -> StepResult:
    result = StepResult()
    lake, first = context.lake, context.config.ratings.methods[0]
    boards = lake.load(RATINGS).filter(slice="all", interval="percentile")
    board = boards.filter(method=first)
    rows = board.select("source", "method", "unit", "n_rounds", *_SHOWN).to_pandas()
    sources = lake.load(RATING_SLICES).select("source").unique().to_pandas()
    counts = lake.load(BATTLE_COUNTS).group_by("source", "judge_kind", "removed_by")
    battles = counts.agg(pl.col("n").sum()).sort("source", "judge_kind", "removed_by").to_pandas()
    every = boards.select("source", "method", "unit", "n_rounds", *_SHOWN).to_pandas()
    result.summary = _summary(every, context.config.ratings.methods)
    likelihoods = lake.load(RATING_FITS).filter(slice="all", component=1)
    for source, part in rows.groupby("source", sort=True):
        table = _in_order(part)
        result.tables[f"leaderboard_{source}"] = table.reset_index(drop=True)
        result.metrics[f"rated_models_{source}"] = float(table["rating"].notna().sum())
        result.lines += leaderboard_lines(str(source), table)
    best = boards.filter(component=1, rank=1).group_by("source", "method").agg(pl.col("rating").max())
    for source, method, rating in best.iter_rows():
        result.metrics[f"top_rating_{source}_{method}"] = rating
    for source in sorted(sources["source"]):
        if f"leaderboard_{source}" not in result.tables:
            result.lines.append(
                f"{source}: no leaderboard of all battles by {first}: `all` is not among ratings.slices, or no battle "
                "has the data that the method needs"
            )
    for source, part in battles[~battles["source"].isin(sources["source"])].groupby("source", sort=True):
        result.lines.append(unrated_line(str(source), part, context.config.ratings))
    if battles.empty:
        result.lines.append("ratings: no battles")
        result.lacks = "battles"
    for source, method, nll in likelihoods.select("source", "method", "nll").iter_rows():
        result.metrics[f"nll_{source}_{method}"] = nll
    return result


def _in_order(part: pd.DataFrame) -> pd.DataFrame:
    blocks = part["component"].where(part["rating"].notna())  # what has no rating comes last
    order = part.assign(block=blocks).sort_values(["block", "rank", "model"], na_position="last")
    return order[["method", "unit", "n_rounds", *_SHOWN]]


def _summary(boards: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    """The leaderboard of each source by each method, in the order in which methods were asked for."""
    lines: list[str] = []
    for source, rows in boards.groupby("source", sort=True):
        for method in methods:
            for _, part in rows[rows["method"] == method].groupby("unit", sort=True):
                lines += [*([""] if lines else []), *leaderboard_lines(str(source), _in_order(part))]
    return lines


def unrated_line(source: str, battles: pd.DataFrame, ratings: RatingsConfig) -> str:
    """Why none of a source's battles is rated.

    Args:
        source: name of the source.
        battles: judge_kind, removed_by, n.
        ratings: judge_kinds, slices.
    """
    other, removed = ~battles["judge_kind"].isin(ratings.judge_kinds), battles["removed_by"].notna()
    reasons = [
        f"{n:,} are votes of judge_kind {kind}, which is not among ratings.judge_kinds"
        for kind, n in battles[other].groupby("judge_kind")["n"].sum().items()
    ]
    reasons += [
        f"{n:,} are removed by cleaning.{rule}"
        for rule, n in battles[~other & removed].groupby("removed_by")["n"].sum().items()
    ]
    left = battles.loc[~other & ~removed, "n"].sum()
    if left:
        reasons.append(f"{left:,} lack a value of a column in ratings.slices ({'; '.join(ratings.slices)})")
    return f"{source}: none of {battles['n'].sum():,} battles is rated: {'; '.join(reasons)}"

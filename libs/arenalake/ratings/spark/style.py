"""Style control over Spark tasks: the battles of a slice as one packed row, and blocks of rounds.

A task holds all battles of a slice: some 40 bytes each while they travel and 100 while they are fitted. Slices of more
than `ratings.style.max_rows_per_task` battles go by `arenalake.ratings.spark.style_parts`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from scipy.special import expit

from arenalake.entities.sides import add_side_sums
from arenalake.lake.table import Table
from arenalake.ratings.model import intervals, leaderboard
from arenalake.ratings.model.elo import pack, unpack
from arenalake.ratings.model.estimates import Estimate, estimate, rating_points
from arenalake.ratings.model.families import HALF_WIN
from arenalake.ratings.model.judges import draw_judges
from arenalake.ratings.model.replicates import PointFit, fit_point
from arenalake.ratings.model.resampling import resample_rows
from arenalake.ratings.model.rounds import BLOCK, n_blocks, one_thread
from arenalake.ratings.model.style import StyledBattles, StyleFit, Weights, fit_style, replicate_style, standardise
from arenalake.ratings.model.votes import Floats, PairVotes
from arenalake.ratings.options import STYLE_COVARIATES, BootstrapConfig, RatingsConfig
from arenalake.ratings.spark.judges import judge_key
from arenalake.ratings.spark.spread import apply_to_both, battle_score, conform, each_block, read_replicates, slice_rows
from arenalake.ratings.tables import (
    RATING_FITS,
    RATING_PAIRS,
    RATING_REPLICATES,
    RATINGS,
    STYLE_COEFFICIENTS,
    STYLE_REPLICATES,
)

METHOD = "style_control"

_PACKED = (
    "source string, slice string, models array<string>, first binary, second binary, score binary, style binary, "
    "mean array<double>, sd array<double>, judge binary, n_judges bigint, n_unmeasured bigint"
)
_KEYS = ["source", "slice"]


def style_columns(ratings: RatingsConfig) -> dict[str, Column]:
    """What is added up over the answers of a conversation, by covariate."""
    tokens = F.element_at("n_tokens", ratings.style.tokenizer)
    return {name: tokens if name == "tokens" else F.col(STYLE_COVARIATES[name]) for name in ratings.style.covariates}


def styled_rows(battles: DataFrame, messages: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """Battles with the style of both answers.

    Args:
        battles: the table `battles`.
        messages: the table `messages`, measured with the tokenizer of `ratings.style`.
        ratings: slices, judge kinds, outcome, style.

    Returns:
        source, slice, battle_id, model_a, model_b, score, judge, and by the name of each covariate a - b over
        a + b + 1 of the answers up to the turn that the vote is about; null for battles that lack a text or a measure,
        which this method has to leave out.
    """
    covariates = style_columns(ratings)
    differences = [
        ((F.col(f"{name}_a") - F.col(f"{name}_b")) / (F.col(f"{name}_a") + F.col(f"{name}_b") + 1)).alias(name)
        for name in covariates
    ]
    score = battle_score(soft=ratings.outcome == "score").alias("score")
    rows = add_side_sums(slice_rows(battles, ratings=ratings), messages, covariates, role="assistant")
    return rows.select(*_KEYS, "battle_id", "model_a", "model_b", score, judge_key().alias("judge"), *differences)


def pack_styled(rows: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """One row per slice: its models and its battles with the style of both answers, ordered by id.

    Args:
        rows: as `styled_rows` gives them, of slices of at most `max_rows_per_task` battles.
        ratings: min_battles, style.

    Returns:
        source, slice, models (by code point), the battles' sides, scores, styles (standardised) and judges in binary,
        mean and sd of the styles before that, n_judges, and n_unmeasured: battles that lack a text or a measure.
    """
    names, min_battles = list(ratings.style.covariates), ratings.min_battles

    def run(key: tuple[Any, ...], part: pd.DataFrame) -> pd.DataFrame:
        measured = part.dropna(subset=names).sort_values("battle_id")
        wanted = len(measured) > 0 and (key[1] == "all" or len(part) >= min_battles)
        return _pack(key, measured, names, len(part) - len(measured)) if wanted else _NOTHING

    return rows.groupBy(*_KEYS).applyInPandas(run, _PACKED)


_NOTHING = pd.DataFrame(columns=[column.split()[0] for column in _PACKED.split(", ")])


def _pack(key: Sequence[Any], rows: pd.DataFrame, names: list[str], n_unmeasured: int) -> pd.DataFrame:
    models = sorted(set(rows["model_a"]) | set(rows["model_b"]))
    index = pd.Index(models)
    judge, judges = pd.factorize(rows["judge"], sort=True)
    style, mean, sd = standardise(rows[names].to_numpy(dtype=np.float64))
    packed = (
        pack(index.get_indexer(pd.Index(rows["model_a"]))),
        pack(index.get_indexer(pd.Index(rows["model_b"]))),
        rows["score"].to_numpy(dtype="<f8").tobytes(),
        style.astype("<f8").tobytes(),
        mean.tolist(),
        sd.tolist(),
        judge.astype("<u4").tobytes(),
    )
    return pd.DataFrame([(*key, models, *packed, len(judges), n_unmeasured)], columns=_NOTHING.columns)


FITTED = (
    "source string, slice string, models array<string>, pair_a array<bigint>, pair_b array<bigint>, "
    "counts array<bigint>, theta array<double>, beta array<double>, se array<double>, se_judge array<double>, "
    "loss double, n_battles bigint, n_unmeasured bigint, mean array<double>, sd array<double>"
)
FITTED_COLUMNS = [column.split()[0] for column in FITTED.split(", ")]


def fit_styled(packed: DataFrame, *, ratings: RatingsConfig, bootstrap: BootstrapConfig) -> DataFrame:
    """The estimate of each slice.

    Args:
        packed: as `pack_styled` gives it.
        ratings: style, pair_weights.
        bootstrap: unit.

    Returns:
        source, slice, models, the votes without style (pair_a and pair_b as positions of models; counts of a wins, b
        wins and ties, one after another), theta (log strengths, NaN without an estimate), beta (coefficients), se of
        the strengths by the sandwich, se_judge by the one clustered by judge (empty where battles are drawn), loss
        (mean negative log-likelihood; null without an estimate), n_battles that were fitted, n_unmeasured, mean, sd.
    """

    def run(key: tuple[Any, ...], rows: pd.DataFrame) -> pd.DataFrame:
        row = rows.iloc[0]
        with one_thread():
            fit = _fit(rows, ratings)
            covariances = [fit.covariance]
            if bootstrap.unit == "judge":
                judge = np.frombuffer(row["judge"], dtype="<u4").astype(np.int64)
                covariances.append(fit.judge_covariance(judge, int(row["n_judges"])))
        votes, loss, n_battles = fit.battles.votes, fit.loss if fit.groups else None, int(fit.inside.sum())
        found = fitted_row(votes, fit.theta, fit.beta, covariances, loss, n_battles)
        shown = int(row["n_unmeasured"]), list(row["mean"]), list(row["sd"])
        return pd.DataFrame([(*key, *found, *shown)], columns=FITTED_COLUMNS)

    return packed.groupBy(*_KEYS).applyInPandas(run, FITTED)


def fitted_row(
    votes: PairVotes, theta: Floats, beta: Floats, covariances: Sequence[Floats], loss: float | None, n_battles: int
) -> tuple[Any, ...]:
    """The middle of a row of `fit_styled`: from models to n_battles. `covariances`: plain, and by judge if wanted."""
    plain, *by_judge = [
        np.where(np.isnan(theta), np.nan, np.sqrt(np.diag(covariance)[: len(theta)])).tolist()
        for covariance in covariances
    ]
    pairs = votes.a.tolist(), votes.b.tolist(), votes.counts.ravel().tolist()
    errors = plain, by_judge[0] if by_judge else []
    return list(votes.models), *pairs, theta.tolist(), beta.tolist(), *errors, loss, n_battles


def bootstrap_style(packed: DataFrame, *, ratings: RatingsConfig, bootstrap: BootstrapConfig) -> DataFrame:
    """A full refit in every round, as the table `style_replicates`.

    Args:
        packed: as `pack_styled` gives it.
        ratings: style, pair_weights, scale, center, anchor.
        bootstrap: rounds, seed, unit, resample.
    """
    keys = [*_KEYS, "block"]

    def run(key: tuple[Any, ...], rows: pd.DataFrame) -> pd.DataFrame:
        source, slice_, block = key
        rounds = range(block * BLOCK, min((block + 1) * BLOCK, bootstrap.rounds))
        with one_thread():
            fit = _fit(rows, ratings)
            theta, beta = replicate_style(fit, _weights(rows, bootstrap), rounds)
            found = style_rows(fit.point, fit.theta, theta, beta, rounds, ratings)
        return conform(found.assign(source=source, slice=slice_, unit=bootstrap.unit), STYLE_REPLICATES)

    work = packed.withColumn("block", each_block(bootstrap)).repartition(n_blocks(bootstrap), *keys)
    return work.groupBy(*keys).applyInPandas(run, STYLE_REPLICATES.ddl).select(*STYLE_REPLICATES.column_names)


def style_rows(
    point: PointFit, estimate: Floats, theta: Floats, beta: Floats, rounds: range, ratings: RatingsConfig
) -> pd.DataFrame:
    """Rounds as rows: round, parameter, name, value.

    Args:
        point: the components.
        estimate: estimated log strengths, [K].
        theta: log strengths of the rounds, [K, rounds].
        beta: coefficients of the rounds, [D, rounds].
        rounds: the rounds.
        ratings: style, scale, center, anchor.
    """
    rating = rating_points(point, estimate, theta, ratings)
    number = np.arange(rounds.start, rounds.stop, dtype=np.int32)
    covariates = ratings.style.covariates
    parts = [
        pd.DataFrame(
            {
                "round": np.repeat(number, len(names)),
                "parameter": parameter,
                "name": np.tile(np.array(names, dtype=object), len(rounds)),
                "value": pd.array(values.T.ravel(), dtype="Float64"),
            }
        )
        for parameter, names, values in (("model", point.votes.models, rating), ("covariate", covariates, beta))
    ]
    return pd.concat(parts, ignore_index=True)


def style_rounds(style_replicates: DataFrame) -> DataFrame:
    """The ratings among `style_replicates`, as the table `rating_replicates`."""
    ratings = style_replicates.where("parameter = 'model'").withColumn("method", F.lit(METHOD))
    ratings = ratings.withColumnsRenamed({"name": "model", "value": "rating"})
    return ratings.select(*RATING_REPLICATES.column_names)


def summarise_style(fitted: DataFrame, style_replicates: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """Ratings at equal style with percentile and sandwich intervals, as the table `ratings`.

    Where judges are drawn, the sandwich that is clustered by judge is there too.
    """

    def rows(fit: _Fitted, models: Floats, covariates: Floats) -> Iterable[pd.DataFrame]:
        points = ratings.scale / np.log(ratings.base)
        tables = [
            leaderboard.percentile_rows(fit.estimate, models),
            leaderboard.normal_rows(fit.estimate, "sandwich", fit.row["se"] * points),
        ]
        if len(fit.row["se_judge"]):
            tables.append(leaderboard.normal_rows(fit.estimate, "sandwich_judge", fit.row["se_judge"] * points))
        return tables

    return _summarise(fitted, style_replicates, RATINGS, rows, ratings=ratings)


def summarise_style_pairs(fitted: DataFrame, style_replicates: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """For each pair of models, how often one is above the other at equal style, as the table `rating_pairs`."""

    def rows(fit: _Fitted, models: Floats, covariates: Floats) -> Iterable[pd.DataFrame]:
        theta = fit.row["theta"]
        predicted = np.full((len(theta), len(theta)), np.nan)
        for group in fit.estimate.groups:
            predicted[np.ix_(group, group)] = expit(theta[group][:, None] - theta[group][None, :])
        return leaderboard.pair_rows(fit.estimate, models, predicted)

    return _summarise(fitted, style_replicates, RATING_PAIRS, rows, ratings=ratings)


def summarise_coefficients(fitted: DataFrame, style_replicates: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """What style is worth, with percentile intervals, as the table `style_coefficients`."""

    def rows(fit: _Fitted, models: Floats, covariates: Floats) -> Iterable[pd.DataFrame]:
        if not fit.estimate.groups:
            return
        interval = intervals.percentile_interval(covariates)
        yield pd.DataFrame(
            {
                "covariate": ratings.style.covariates,
                "coefficient": fit.row["beta"],
                "se": interval.se,
                "ci_lower": interval.lower,
                "ci_upper": interval.upper,
                "mean": fit.row["mean"],
                "sd": fit.row["sd"],
                "n_battles": int(fit.row["n_battles"]),
                "n_unmeasured": int(fit.row["n_unmeasured"]),
                "n_rounds": np.int32(covariates.shape[1]),
            }
        )

    return _summarise(fitted, style_replicates, STYLE_COEFFICIENTS, rows, ratings=ratings)


def summarise_style_fits(fitted: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """How well style control fits, as the table `rating_fits`: one row, as all components share the coefficients."""

    def run(key: tuple[Any, ...], rows: pd.DataFrame) -> pd.DataFrame:
        with one_thread():
            fit = _Fitted.of(rows, ratings)
        groups, n_models = fit.estimate.groups, sum(len(group) for group in fit.estimate.groups)
        found = pd.DataFrame(
            {
                "component": [1] if groups else [],
                "n_models": n_models,
                "n_battles": int(fit.row["n_battles"]),
                "n_parameters": n_models - len(groups) + len(fit.row["beta"]),
                "nll": fit.row["loss"],
            }
        )
        return conform(found.assign(source=key[0], slice=key[1], method=METHOD), RATING_FITS)

    return fitted.groupBy(*_KEYS).applyInPandas(run, RATING_FITS.ddl).select(*RATING_FITS.column_names)


@dataclass(frozen=True)
class _Fitted:
    """A row of `fit_styled`, and the estimate in it."""

    row: pd.Series
    estimate: Estimate

    @classmethod
    def of(cls, rows: pd.DataFrame, ratings: RatingsConfig) -> "_Fitted":
        row = rows.iloc[0]
        counts = np.asarray(row["counts"]).reshape(3, -1)
        point = fit_point(PairVotes(tuple(row["models"]), row["pair_a"], row["pair_b"], counts), HALF_WIN)
        return cls(row, estimate(point.votes, point, ratings, theta=row["theta"]))


def _summarise(
    fitted: DataFrame, replicates: DataFrame, table: Table, rows: Any, *, ratings: RatingsConfig
) -> DataFrame:
    def run(key: Mapping[str, str], fits: pa.Table, rounds: pa.Table) -> Iterator[pd.DataFrame]:
        if not len(rounds):
            return
        fit = _Fitted.of(fits.to_pandas(), ratings)
        models, covariates = (
            read_replicates(rounds.filter(pc.field("parameter") == what), names, model="name", rating="value")
            for what, names in (("model", fit.row["models"]), ("covariate", ratings.style.covariates))
        )
        for found in rows(fit, models, covariates):
            yield found.assign(**key, method=METHOD, unit=rounds["unit"][0].as_py())

    return apply_to_both(fitted.groupBy(*_KEYS), replicates.groupBy(*_KEYS), _KEYS, run, table)


def _fit(rows: pd.DataFrame, ratings: RatingsConfig) -> StyleFit:
    row = rows.iloc[0]
    first, second = unpack(row["first"]).astype(np.uint16), unpack(row["second"]).astype(np.uint16)
    style = np.frombuffer(row["style"], dtype="<f8").reshape(len(first), -1)
    battles = StyledBattles(tuple(row["models"]), first, second, np.frombuffer(row["score"], dtype="<f8"), style)
    if ratings.pair_weights == "inverse":
        battles = battles.weigh_pairs(ratings.min_pair_count)
    return fit_style(battles, ridge=ratings.style.ridge)


def _weights(rows: pd.DataFrame, bootstrap: BootstrapConfig) -> Weights:
    row = rows.iloc[0]
    judge, n_judges = np.frombuffer(row["judge"], dtype="<u4"), int(row["n_judges"])
    n_battles, poisson = len(judge), bootstrap.resample == "poisson"

    def weights(round_: int) -> Floats:
        if bootstrap.unit == "judge":
            judges = draw_judges(n_judges, bootstrap.seed, round_, poisson=poisson)
            return np.asarray(judges[judge], dtype=np.float64)
        return resample_rows(n_battles, bootstrap.seed, round_, poisson=poisson).astype(np.float64)

    return weights

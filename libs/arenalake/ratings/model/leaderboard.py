"""From estimates and the rounds of their bootstrap to the rows of the gold tables."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from arenalake.compiled import compiled
from arenalake.ratings.model import intervals
from arenalake.ratings.model.estimates import ALIKE, Estimate
from arenalake.ratings.model.intervals import Interval
from arenalake.ratings.model.replicates import PointFit
from arenalake.ratings.model.votes import A_WINS, TIE, Floats, Ints, PairVotes
from arenalake.ratings.options import RatingsConfig

UNBOUNDED = "unbounded"
# A difference is nothing but rounding where it is smaller than this share of what it is taken from.
_ROUNDING = 1e-12
# Pairs of one part of their rows.
_PAIRS = 200_000
# Of every model, where nothing at all is known of how its rating varies.
UNKNOWN = "unbounded: nothing to resample, for example only one judge"


def percentile_rows(estimate: Estimate, replicates: Floats) -> pd.DataFrame:
    """Rows of interval `percentile` from the rounds, [K, R]."""
    lowest, highest = np.zeros((2, len(estimate.models)))
    for group in estimate.groups:
        lowest[group], highest[group] = intervals.rank_interval(replicates[group])
    interval = intervals.percentile_interval(replicates)
    rows = _rows(estimate, "percentile", interval, known=~np.isnan(replicates)).assign(
        rank_lower=lowest, rank_upper=highest
    )
    rated = ~np.isnan(estimate.rating)
    points = {name: np.where(rated, values, np.nan) for name, values in intervals.percentile_points(replicates).items()}
    return _typed(rows.assign(n_rounds=replicates.shape[1], **points), rated=rated)


def normal_rows(estimate: Estimate, name: str, se: Floats) -> pd.DataFrame:
    """Rows of an interval that is the estimate plus and minus 1.96 standard errors, [K]."""
    rows = _rows(estimate, name, intervals.normal_interval(estimate.rating, se), known=~np.isnan(se))
    return _typed(rows.assign(rank_lower=np.nan, rank_upper=np.nan, n_rounds=np.nan), rated=~np.isnan(estimate.rating))


def sandwich_errors(estimate: Estimate, point: PointFit, ratings: RatingsConfig) -> Floats:
    """Standard errors of the ratings from the sandwich formula, [K]; NaN without an estimate."""
    se = np.full(len(estimate.models), np.nan)
    for fit in point.fits:
        variance = np.diag(intervals.sandwich_covariance(fit))
        se[fit.members] = np.sqrt(variance) * ratings.scale / np.log(ratings.base)
    return se


def _rows(estimate: Estimate, name: str, interval: Interval, *, known: np.ndarray) -> pd.DataFrame:
    rated = ~np.isnan(estimate.rating)
    rank, rank_ub = np.full((2, len(rated)), np.nan)
    for group in estimate.groups:
        rank[group] = intervals.rank(estimate.rating[group])
        rank_ub[group] = intervals.rank_upper_bound(interval.lower[group], interval.upper[group])
    open_ = rated & intervals.unbounded(interval)
    why = UNBOUNDED if known.any() else UNKNOWN
    notes = [
        (why, *(note for note in own if note != ALIKE)) if far else own
        for own, far in zip(estimate.notes, open_, strict=True)
    ]
    return pd.DataFrame(
        {
            "interval": name,
            "model": list(estimate.models),
            "rating": estimate.rating,
            "se": np.where(rated, interval.se, np.nan),
            "ci_lower": np.where(rated, interval.lower, np.nan),
            "ci_upper": np.where(rated, interval.upper, np.nan),
            "rank": rank,
            "rank_ub": rank_ub,
            "component": estimate.component.astype(np.int32),
            "n_battles": estimate.n_battles.astype(np.int64),
            "note": ["; ".join(own) or None for own in notes],
        }
    )


def _typed(rows: pd.DataFrame, rated: np.ndarray) -> pd.DataFrame:
    for name in ("rank", "rank_ub", "rank_lower", "rank_upper"):
        rows[name] = rows[name].where(rated).astype("Int32")
    return rows.assign(n_rounds=rows["n_rounds"].astype("Int32"))


def pair_rows(
    estimate: Estimate, replicates: Floats, predicted: Floats | None, votes: PairVotes | None = None
) -> Iterator[pd.DataFrame]:
    """One row per pair of models that are ranked with each other, in parts, as there may be millions.

    Args:
        estimate: the estimate.
        replicates: ratings per round, [K, R].
        predicted: probability that a row's model beats a column's, ties as half, [K, K]; None where there is none.
        votes: the votes that the prediction is about, of the same models; None where it is not about votes as they are.

    Yields:
        model_a, model_b (by code point), n_above, n_below, n_rounds, probability_above, predicted_win_rate, and how
        it fits: n_battles, observed_win_rate, residual (in standard errors of the observed rate; null where all votes
        are as predicted).
    """
    names, n_models = np.array(estimate.models, dtype=object), len(estimate.models)
    met, (battles, observed, residual) = _residuals(votes, predicted, n_models)
    for group in estimate.groups:
        values, step = np.ascontiguousarray(replicates[group]), max(1, _PAIRS // len(group))
        for start in range(0, len(group), step):
            stop = min(start + step, len(group))
            above, below = _count_orders(values, start, stop)
            first = np.repeat(group[start:stop], np.arange(len(group) - 1 - start, len(group) - 1 - stop, -1))
            second = np.concatenate([group[position + 1 :] for position in range(start, stop)])
            place = np.searchsorted(met, first * n_models + second)
            place[np.append(met, -1)[place] != first * n_models + second] = len(met)
            ordered = above + below
            yield pd.DataFrame(
                {
                    "model_a": names[first],
                    "model_b": names[second],
                    "n_above": above,
                    "n_below": below,
                    "n_rounds": replicates.shape[1],
                    "probability_above": np.where(ordered > 0, above / np.maximum(ordered, 1), np.nan),
                    "predicted_win_rate": np.nan if predicted is None else predicted[first, second],
                    "n_battles": battles[place],
                    "observed_win_rate": observed[place],
                    "residual": residual[place],
                }
            )


# Over all pairs of thousands of models, so that arrays of pairs and rounds would not fit the cache.
@compiled
def _count_orders(values: Floats, start: int, stop: int) -> tuple[Ints, Ints]:
    """In how many rounds each model from start to stop is above, and below, each model after it; NaN is neither."""
    n_models, n_rounds = values.shape
    size = (stop - start) * n_models - (stop * (stop + 1) - start * (start + 1)) // 2
    above, below = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    pair = 0
    for a in range(start, stop):
        for b in range(a + 1, n_models):
            higher, lower = 0, 0
            for r in range(n_rounds):
                higher += values[a, r] > values[b, r]
                lower += values[a, r] < values[b, r]
            above[pair], below[pair] = higher, lower
            pair += 1
    return above, below


def _residuals(votes: PairVotes | None, predicted: Floats | None, n_models: int) -> tuple[Ints, tuple[Any, ...]]:
    """Pairs that met, as a * K + b ascending; and battles, observed win rate with ties as half, and residual of each.

    Behind the last pair stands what holds for those that never met.
    """
    if votes is None:
        return np.empty(0, dtype=np.int64), (np.zeros(1, dtype=np.int64), np.full(1, np.nan), np.full(1, np.nan))
    a, b, counts, mixed = votes.a, votes.b, votes.counts, votes.mixed
    total = counts.sum(axis=0)
    met = total > 0
    a, b, counts, total, mixed = a[met], b[met], counts[:, met], total[met], mixed[met]
    observed, residual = (counts[A_WINS] + counts[TIE] / 2) / total, np.full(len(a), np.nan)
    if predicted is not None:
        off = np.array([1.0, 0.0, 0.5])[:, None] - predicted[a, b]
        # Votes' own scatter around the prediction: with ties it is less than that of wins and losses.
        squares = (counts * off**2).sum(axis=0)
        scatter = squares - mixed
        some = scatter > _ROUNDING * squares
        residual[some] = (counts * off).sum(axis=0)[some] / np.sqrt(scatter[some])
    found = np.append(np.rint(total).astype(np.int64), 0), np.append(observed, np.nan), np.append(residual, np.nan)
    return a * n_models + b, found


def predicted_win_rates(point: PointFit) -> Floats:
    """Probability that a row's model beats a column's, a tie counting half, [K, K]; NaN across components."""
    n_models = len(point.votes.models)
    predicted = np.full((n_models, n_models), np.nan)
    for fit in point.fits:
        delta = fit.theta[:, None] - fit.theta[None, :]
        if fit.family.tie_start is None:
            rate = expit(delta)
        else:
            log_a, log_b, _ = fit.family.terms(delta, np.array(fit.tau)).loglik
            rate = (1 + np.exp(log_a) - np.exp(log_b)) / 2
        predicted[np.ix_(fit.members, fit.members)] = rate
    return predicted


def fit_rows(point: PointFit) -> pd.DataFrame:
    """One row per component that has an estimate.

    Returns:
        component, n_models, n_battles (that the method uses), n_parameters, tie_parameter (null where there is none
        or no tie), nll (mean per battle, natural logarithm, each battle weighing the same), aic (null where what was
        maximised is not a likelihood of what was observed).
    """
    rows = []
    for fit in point.fits:
        votes = fit.votes
        terms = fit.family.terms(fit.theta[votes.a] - fit.theta[votes.b], np.array(fit.tau))
        # A cell without votes adds nothing, also where its outcome has probability zero.
        loglik = sum((n[n > 0] * value[n > 0]).sum() for n, value in zip(votes.counts, terms.loglik, strict=True))
        n_battles = round(votes.counts.sum())
        n_parameters = fit.n_models - 1 + fit.tie_is_fitted
        rows.append(
            {
                "component": point.component[fit.members[0]],
                "n_models": fit.n_models,
                "n_battles": n_battles,
                "n_parameters": n_parameters,
                "tie_parameter": fit.tau if fit.tie_is_fitted else np.nan,
                "nll": -loglik / n_battles,
                "aic": 2 * (n_parameters - loglik) if fit.family.is_likelihood and votes.weight is None else np.nan,
            }
        )
    columns = ["component", "n_models", "n_battles", "n_parameters", "tie_parameter", "nll", "aic"]
    return pd.DataFrame(rows, columns=columns)

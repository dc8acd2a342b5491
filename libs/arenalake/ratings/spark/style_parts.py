"""Style control of a slice that is too large for one task: Newton's method in two stages.

The battles are cut into parts by a hash of what is drawn, the battle's id or its judge, so that a part depends on data
and sizes alone and holds all battles of a judge. For each step one task per part adds up slopes (and, where asked for,
curvatures) of its battles at the points of all rounds, one task per round adds these in the order of the parts, and the
driver, which holds nothing but parameters, takes the step. Each step reads the battles again: nothing is kept between
steps, so a fit takes some ten passes and all rounds together as many again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.errors import RatingError
from arenalake.ratings.model.elo import narrow
from arenalake.ratings.model.families import HALF_WIN
from arenalake.ratings.model.replicates import fit_point, keep_mean, place
from arenalake.ratings.model.resampling import resample_part
from arenalake.ratings.model.rounds import BLOCK, one_thread
from arenalake.ratings.model.style import (
    LAST_STEP,
    MAX_STEPS,
    StyledBattles,
    gradient_of,
    information_of,
    inverse_of,
    judge_squares,
    squared_scores_of,
)
from arenalake.ratings.model.votes import Floats, Ints, PairVotes, count_pairs
from arenalake.ratings.options import BootstrapConfig, RatingsConfig
from arenalake.ratings.spark.style import FITTED, fitted_row, style_rows
from arenalake.ratings.tables import STYLE_REPLICATES

# Battles of a part: some 200 MB of memory.
_PART_ROWS = 2_000_000
_SUMMARY = (
    "part int, models array<string>, pair_a array<bigint>, pair_b array<bigint>, counts array<bigint>, n bigint, "
    "n_judges bigint, n_unmeasured bigint, total array<double>, squares array<double>, least array<double>, "
    "most array<double>"
)


@dataclass(frozen=True)
class _Slice:
    """What every part has to know of the whole.

    Attributes:
        votes: of all battles that were measured, without style.
        pair_weight: what a battle of each pair weighs, [P]; None where all weigh the same.
        mean: of each covariate, [D].
        sd: its standard deviation, 0 for a constant one, [D].
        widest: the largest size of each covariate when standardised, [D].
        units: battles or judges of each part, whichever are drawn.
    """

    votes: PairVotes
    pair_weight: Floats | None
    mean: Floats
    sd: Floats
    widest: Floats
    units: Ints

    def battles_of(self, rows: pd.DataFrame, covariates: Sequence[str]) -> StyledBattles:
        """A part's battles, standardised as the whole slice."""
        index = pd.Index(self.votes.models)
        first, second = (narrow(index.get_indexer(pd.Index(rows[side]))) for side in ("model_a", "model_b"))
        style = (rows[list(covariates)].to_numpy(dtype=np.float64) - self.mean) / np.where(self.sd > 0, self.sd, 1)
        score = rows["score"].to_numpy(dtype=np.float64)
        battles = StyledBattles(self.votes.models, first, second, score, np.where(self.sd > 0, style, 0))
        if self.pair_weight is None:
            return battles
        return replace(battles, weight=self.pair_weight[self._cells(battles) % len(self.votes.a)])

    def _cells(self, battles: StyledBattles) -> Ints:
        return battles.cells_of(self.votes.a, self.votes.b)

    def met(self, battles: StyledBattles, drawn: Floats) -> bytes:
        """A bit for each outcome of each pair that a round has, of 3 P."""
        seen = np.zeros(3 * len(self.votes.a), dtype=bool)
        seen[self._cells(battles)[drawn > 0]] = True
        return np.packbits(seen).tobytes()


@dataclass(frozen=True)
class _Ask:
    """What is to be added up at a point.

    Attributes:
        what: `met` (see `_Slice.met`), `slope`, `curvature` (slope, then information), or `estimate` (information,
            squared slopes of battles, of judges, loss and number of battles).
        round: bootstrap round; None for every battle once.
        group: models of the same number are compared, those of number 0 are not, [K].
        theta: log strengths, [K].
        beta: coefficients, [D].
    """

    what: str
    round: int | None
    group: Ints
    theta: Floats
    beta: Floats

    def add_up(self, known: _Slice, battles: StyledBattles, judge: Ints, drawn: Floats) -> bytes:
        if self.what == "met":
            return known.met(battles, drawn)
        group = self.group[battles.first]
        inside = drawn * ((group > 0) & (group == self.group[battles.second]))
        weights, at = battles.weigh(inside), (self.theta, self.beta)
        rows = battles.drawn(weights)
        if self.what == "slope":
            return bytes(gradient_of(*rows, *at).tobytes())
        parts = [information_of(*rows, *at).ravel()]
        if self.what == "curvature":
            parts = [gradient_of(*rows, *at), *parts]
            return np.concatenate(parts).tobytes()
        odds = self.theta[battles.first] - self.theta[battles.second] + battles.style @ self.beta
        loss = np.logaddexp(0, odds) - battles.score * odds
        parts += [
            squared_scores_of(*battles.drawn(battles.weigh(weights)), *at).ravel(),
            judge_squares(battles, judge, weights, *at).ravel(),
            np.array([loss[inside > 0].sum(), (inside > 0).sum()]),
        ]
        return np.concatenate(parts).tobytes()


class LargeSlice:
    """The fit of one slice, for which Spark jobs run at once.

    Args:
        rows: as `styled_rows` gives them.
        source: source of the slice.
        slice_: name of the slice.
        n_battles: how many there are.
        ratings: style, pair_weights, scale, center, anchor.
        bootstrap: rounds, seed, unit, resample.
    """

    def __init__(
        self,
        rows: DataFrame,
        source: str,
        slice_: str,
        n_battles: int,
        ratings: RatingsConfig,
        bootstrap: BootstrapConfig,
    ) -> None:
        self._key, self._ratings, self._bootstrap = (source, slice_), ratings, bootstrap
        n_parts = -(-n_battles // min(ratings.style.max_rows_per_task, _PART_ROWS))
        drawn = "judge" if bootstrap.unit == "judge" else "battle_id"
        self._rows = rows.where(self.holds()).withColumn("part", F.pmod(F.xxhash64(drawn), F.lit(n_parts)).cast("int"))
        self._known, self._unmeasured = self._describe(n_parts)
        with one_thread():
            self._point = fit_point(self._known.votes, HALF_WIN)
            if self._known.votes.models:
                self._fit()

    def holds(self) -> Column:
        """Whether a row is one of this slice."""
        source, slice_ = self._key
        return (F.col("source") == source) & (F.col("slice") == slice_)

    def fitted(self, like: DataFrame) -> DataFrame:
        """The estimate, as `fit_styled` gives it; `like` is such a frame."""
        if not self._known.votes.models:
            return like.limit(0)
        loss, n_battles = self._loss
        found = fitted_row(
            self._known.votes,
            self._theta,
            self._beta,
            self._covariances,
            float(loss / n_battles) if n_battles else None,
            int(n_battles),
        )
        row = (*self._key, *found, self._unmeasured, self._known.mean.tolist(), self._known.sd.tolist())
        return like.sparkSession.createDataFrame([row], FITTED)

    def replicates(self, like: DataFrame) -> DataFrame:
        """A full refit in every round, as the table `style_replicates`; `like` is such a frame. Runs Spark jobs."""
        if not self._known.votes.models:
            return like.limit(0)
        rounds = range(self._bootstrap.rounds)
        with one_thread():
            theta, beta = self._refit(rounds)
            found = style_rows(self._point, self._theta, theta, beta, rounds, self._ratings)
        source, slice_ = self._key
        found = found.assign(source=source, slice=slice_, unit=self._bootstrap.unit)[STYLE_REPLICATES.column_names]
        plain = found.astype(object).where(found.notna(), None)
        return like.sparkSession.createDataFrame(list(plain.itertuples(index=False, name=None)), STYLE_REPLICATES.ddl)

    def _describe(self, n_parts: int) -> tuple[_Slice, int]:
        covariates, judges = list(self._ratings.style.covariates), self._bootstrap.unit == "judge"

        def describe(key: tuple[Any, ...], part: pd.DataFrame) -> pd.DataFrame:
            measured = part.dropna(subset=covariates).sort_values("battle_id")
            models = sorted(set(measured["model_a"]) | set(measured["model_b"]))
            index = pd.Index(models)
            first, second = (narrow(index.get_indexer(pd.Index(measured[side]))) for side in ("model_a", "model_b"))
            style = measured[covariates].to_numpy(dtype=np.float64)
            score = measured["score"].to_numpy(dtype=np.float64)
            votes = StyledBattles(tuple(models), first, second, score, style).votes
            found = (
                *(key[0], models, votes.a.tolist(), votes.b.tolist(), votes.counts.ravel().tolist()),
                *(len(measured), measured["judge"].nunique(), len(part) - len(measured)),
                *(style.sum(axis=0).tolist(), (style**2).sum(axis=0).tolist()),
                *(style.min(axis=0, initial=np.inf).tolist(), style.max(axis=0, initial=-np.inf).tolist()),
            )
            return pd.DataFrame([found], columns=[column.split()[0] for column in _SUMMARY.split(", ")])

        parts = self._rows.groupBy("part").applyInPandas(describe, _SUMMARY).toPandas().sort_values("part")
        models = sorted({model for names in parts["models"] for model in names})
        n, index = int(parts["n"].sum()), pd.Index(models)
        places = [index.get_indexer(pd.Index(list(names))) for names in parts["models"]]
        first, second = (
            np.concatenate([at[np.asarray(side, dtype=np.int64)] for at, side in zip(places, parts[name], strict=True)])
            for name in ("pair_a", "pair_b")
        )
        narrow(second)  # now, before matrices of all models are made; a second model has the larger index
        counts = np.concatenate([np.asarray(c, dtype=np.int64).reshape(3, -1) for c in parts["counts"]], axis=1)
        votes = count_pairs(models, first, second, counts)
        mean, squares = (np.stack(parts[name].tolist()).sum(axis=0) / max(n, 1) for name in ("total", "squares"))
        least, most = np.stack(parts["least"].tolist()).min(axis=0), np.stack(parts["most"].tolist()).max(axis=0)
        sd = np.where(least < most, np.sqrt(np.maximum(squares - mean**2, 0)), 0.0)
        widest = np.maximum(most - mean, mean - least) / np.where(sd > 0, sd, 1.0)
        units = np.zeros(n_parts, dtype=np.int64)
        units[parts["part"]] = parts["n_judges" if judges else "n"]
        known = _Slice(votes, self._pair_weight(votes), mean, sd, np.where(sd > 0, widest, 0), units)
        return known, int(parts["n_unmeasured"].sum())

    def _pair_weight(self, votes: PairVotes) -> Floats | None:
        weight = votes.weigh_pairs(self._ratings.min_pair_count).weight
        if self._ratings.pair_weights == "none" or weight is None:
            return None
        n = votes.counts.sum(axis=0)
        scaled: Floats = weight / ((n * weight).sum() / n.sum())
        return scaled

    def _sums(self, asks: Sequence[_Ask]) -> list[bytes]:
        """The same sums for each point, over all battles."""
        known, covariates, bootstrap = self._known, list(self._ratings.style.covariates), self._bootstrap
        poisson, in_bits = bootstrap.resample == "poisson", asks[0].what == "met"

        def add_up(key: tuple[Any, ...], rows: pd.DataFrame) -> pd.DataFrame:
            rows = rows.dropna(subset=covariates).sort_values("battle_id")
            if not len(rows):
                return pd.DataFrame(columns=["ask", "part", "sums"])
            battles = known.battles_of(rows, covariates)
            judge = pd.factorize(rows["judge"], sort=True)[0]
            found = []
            for number, ask in enumerate(asks):
                drawn = np.ones(len(rows))
                if ask.round is not None:
                    times = resample_part(known.units, key[0], bootstrap.seed, ask.round, poisson=poisson)
                    drawn = (times[judge] if bootstrap.unit == "judge" else times).astype(np.float64)
                found.append((number, key[0], ask.add_up(known, battles, judge, drawn)))
            return pd.DataFrame(found, columns=["ask", "part", "sums"])

        def join(key: tuple[Any, ...], parts: pd.DataFrame) -> pd.DataFrame:
            parts = parts.sort_values("part")  # doubles are added in this order
            if in_bits:
                total = np.bitwise_or.reduce([np.frombuffer(sums, dtype=np.uint8) for sums in parts["sums"]])
            else:
                total = np.sum([np.frombuffer(sums) for sums in parts["sums"]], axis=0)
            return pd.DataFrame({"ask": [key[0]], "sums": [total.tobytes()]})

        partial = self._rows.groupBy("part").applyInPandas(add_up, "ask int, part int, sums binary")
        total = partial.groupBy("ask").applyInPandas(join, "ask int, sums binary").collect()
        return [bytes(row["sums"]) for row in sorted(total, key=lambda row: int(row["ask"]))]

    def _fit(self) -> None:
        point, known = self._point, self._known
        n_models, size = len(point.theta), len(point.theta) + len(known.mean)
        group = np.where(np.isnan(point.theta), 0, point.component)
        groups = [fit.members for fit in point.fits]
        ask = _Ask("curvature", None, group, np.nan_to_num(point.theta), np.zeros(len(known.mean)))
        if groups:
            ask = self._newton([ask], [groups])[0]
        sums = np.frombuffer(self._sums([replace(ask, what="estimate")])[0])
        *squares, self._loss = np.split(sums, np.arange(1, 4) * size**2)
        self._information, plain, by_judge = (matrix.reshape(size, size) for matrix in squares)
        inverse = inverse_of(self._information, groups, self._ratings.style.ridge, n_models)
        self._covariances = [inverse @ plain @ inverse]
        if self._bootstrap.unit == "judge":
            n_judges = int(known.units.sum())
            factor = n_judges / (n_judges - 1) if n_judges > 1 else np.nan
            self._covariances.append(factor * inverse @ by_judge @ inverse)
        self._theta, self._beta = np.where(group > 0, ask.theta, np.nan), ask.beta

    def _newton(self, asks: Sequence[_Ask], groups: Sequence[list[Ints]]) -> list[_Ask]:
        """Damped Newton for each; see `arenalake.ratings.model.style.fit_style`."""
        found, todo, ridge = list(asks), list(range(len(asks))), self._ratings.style.ridge
        for _ in range(MAX_STEPS):
            # Curvatures of so many rounds at once as memory is sure to hold.
            blocks = [todo[start : start + BLOCK] for start in range(0, len(todo), BLOCK)]
            sums = [total for block in blocks for total in self._sums([found[number] for number in block])]
            for number, total in zip(list(todo), sums, strict=True):
                ask = found[number]
                n_models = len(ask.theta)
                size = n_models + len(ask.beta)
                slope, curvature = np.split(np.frombuffer(total), [size])
                inverse = inverse_of(curvature.reshape(size, size), groups[number], ridge, n_models)
                step = inverse @ self._tilt(ask, slope)
                reach = np.ptp(step[:n_models]) + np.abs(step[n_models:]) @ self._known.widest
                length = np.log1p(reach) / reach if reach > 0 else 1.0
                found[number] = _step(ask, length * step)
                if reach <= LAST_STEP:
                    todo.remove(number)
            if not todo:
                return found
        raise RatingError("style control did not converge; `ratings.style.ridge` may be too small")

    def _tilt(self, ask: _Ask, slope: Floats) -> Floats:
        """The slope with that of the prior."""
        prior = np.concatenate([np.zeros(len(ask.theta)), self._ratings.style.ridge * ask.beta])
        tilted: Floats = slope - prior
        return tilted

    def _refit(self, rounds: range) -> tuple[Floats, Floats]:
        """See `arenalake.ratings.model.style.replicate_style`."""
        point, n_models = self._point, len(self._theta)
        theta = np.full((n_models, len(rounds)), np.nan)
        beta = np.full((len(self._beta), len(rounds)), np.nan)
        start = _Ask("slope", None, np.zeros(n_models, dtype=np.int64), np.nan_to_num(self._theta), self._beta)
        asks, groups = [], []
        met = self._sums([replace(start, what="met", round=round_) for round_ in rounds])
        for round_, bits in zip(rounds, met, strict=True):
            placed, own = self._place(bits)
            theta[:, round_ - rounds.start] = placed
            if own:
                group = np.zeros(n_models, dtype=np.int64)
                for number, members in enumerate(own, start=1):
                    group[members] = number
                asks.append(replace(start, round=round_, group=group))
                groups.append(own)
        for ask in self._solve(asks, groups):
            column, rated = ask.round - rounds.start if ask.round is not None else 0, ask.group > 0
            theta[rated, column], beta[:, column] = ask.theta[rated], ask.beta
        for part in point.fits:
            finite = np.isfinite(theta[part.members])
            theta[part.members] = keep_mean(theta[part.members], self._theta[part.members], finite)
        return theta, beta

    def _place(self, bits: bytes) -> tuple[Floats, list[Ints]]:
        """What a round's votes say of models that it cannot rate, [K]; and the groups of those that it can."""
        point, size = self._point, 3 * len(self._known.votes.a)
        counts = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=size).reshape(3, -1)
        theta, groups = np.full(len(self._theta), np.nan), []
        for part in point.fits:
            placed, finite = place(part, counts[:, point.pairs_of(part), None])
            theta[part.members] = placed[:, 0]
            groups.append(part.members[finite[:, 0]])
        return theta, [group for group in groups if len(group) > 1]

    def _solve(self, asks: Sequence[_Ask], groups: Sequence[list[Ints]]) -> list[_Ask]:
        """Newton with the information of the estimate for all rounds; with its own where that does not converge."""
        found, n_models, ridge = list(asks), len(self._theta), self._ratings.style.ridge
        inverses: dict[bytes, NDArray[Any]] = {}
        for ask, own in zip(asks, groups, strict=True):
            if ask.group.tobytes() not in inverses:
                inverses[ask.group.tobytes()] = inverse_of(self._information, own, ridge, n_models)
        last, todo, slow = np.full(len(asks), np.inf), list(range(len(asks))), []
        while todo:
            sums = self._sums([found[number] for number in todo])
            for number, total in zip(list(todo), sums, strict=True):
                ask = found[number]
                step = inverses[ask.group.tobytes()] @ self._tilt(ask, np.frombuffer(total))
                size = np.abs(step).max()
                done, shrinks = size <= LAST_STEP, size < last[number] / 2
                if done or shrinks:
                    found[number], last[number] = _step(ask, step), size
                if done or not shrinks:
                    todo.remove(number)
                if not (done or shrinks):
                    slow.append(number)
        again = [replace(asks[number], what="curvature") for number in slow]
        for number, ask in zip(slow, self._newton(again, [groups[n] for n in slow]) if slow else [], strict=True):
            found[number] = ask
        return found


def _step(ask: _Ask, step: Floats) -> _Ask:
    n_models = len(ask.theta)
    return replace(ask, theta=ask.theta + step[:n_models], beta=ask.beta + step[n_models:])


def large_slices(rows: DataFrame, *, ratings: RatingsConfig) -> list[tuple[str, str, int]]:
    """Source, slice and number of battles of those slices that do not fit one task. Runs a Spark job.

    Args:
        rows: as `slice_rows` gives them.
        ratings: min_battles, style.
    """
    sizes = rows.groupBy("source", "slice").count().where(F.col("count") > ratings.style.max_rows_per_task)
    wanted = sizes.where((F.col("slice") == "all") | (F.col("count") >= ratings.min_battles)).collect()
    return sorted((row["source"], row["slice"], row["count"]) for row in wanted)

"""The rankings that groups of judges give, and how far they agree: functions of votes counted by pair of models."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_array

from arenalake.judges.statistics import AgreementRules
from arenalake.judges.tables import AGREEMENT_STATS, JUDGE_WIN_RATES
from arenalake.numbers.agreement import Floats, ratio
from arenalake.numbers.groupings import by_groupings
from arenalake.numbers.proportions import share
from arenalake.numbers.ranks import rank_correlations
from arenalake.numbers.resampling import draw_units, percentile_interval

RANKING_GROUPINGS = ("all", "turn", "category")
# Doubles that some rounds of all pairs of models take up.
_ROUNDS_HELD = 8_000_000
# Where a ranking is about.
_CELL = ("source", "grouping", "turn", "category")
_COUNTS = ("n_0", "n_1", "n_2")


def win_rates(outcomes: pl.DataFrame) -> pl.DataFrame:
    """How often each model wins by the votes of each group of judges.

    The mean is over opponents, each with the same weight, however often it was met.

    Args:
        outcomes: as `count_outcomes` gives them.

    Returns:
        `judge_win_rates`. Beside the groups there are `human` and `model`, all judges of a kind, unless a group has
        that name.
    """
    kinds = outcomes.with_columns(pl.col("judge_kind").alias("group"))
    groups = outcomes["group"].unique().to_list()
    votes = pl.concat([outcomes, kinds.filter(~pl.col("group").is_in(groups))])
    sides = pl.concat(
        votes.select(
            "source",
            pl.col("group").alias("judge_group"),
            *("turn", "category"),
            pl.col(f"model_{side}").alias("model"),
            pl.col(f"model_{other}").alias("opponent"),
            pl.col(f"n_{won}").alias("wins"),
            pl.col("n_1").alias("ties"),
            (pl.col("n_0") + pl.col("n_1") + pl.col("n_2")).alias("n"),
        )
        for side, other, won in (("a", "b", 0), ("b", "a", 2))
    )
    key = list(JUDGE_WIN_RATES.key)
    met = by_groupings(sides, RANKING_GROUPINGS).group_by(*key, "opponent").agg(pl.col("n", "wins", "ties").sum())
    wins, ties, n = pl.col("wins"), pl.col("ties"), pl.col("n")
    return (
        met.sort(*key, "opponent")
        .group_by(key, maintain_order=True)
        .agg(
            n.sum(),
            wins.sum(),
            ties.sum(),
            pl.len().cast(pl.Int64).alias("opponents"),
            share(wins, n).mean().alias("win_rate"),
            share(2 * wins + ties, 2 * n).mean().alias("half_win_rate"),
        )
    )


def summarise_rankings(outcomes: pl.DataFrame, agreement: pl.DataFrame, *, rules: AgreementRules) -> pl.DataFrame:
    """Correlations of the rankings that two groups give of the models that both have judged, on whatever questions.

    Models are ranked by win rate, a tie being half a win. Intervals are of a bootstrap over questions: a model that no
    vote of a round is about has no rank in it. There is no interval where a vote has no question, or all have the same.

    Args:
        outcomes: as `count_outcomes` gives them by question, of sources with several groups.
        agreement: of the same groups, as `summarise_agreement` gives it.
        rules: groupings and bootstrap.

    Returns:
        Rows of `agreement_stats` with the measures `spearman` and `kendall`; none for two groups that share fewer than
        two models.
    """
    wanted = [grouping for grouping in RANKING_GROUPINGS if grouping in rules.groupings]
    groups = outcomes["group"].unique().to_list()
    names = [name for name in outcomes.columns if name not in ("question_id", *_COUNTS)]
    rates = win_rates(outcomes.group_by(names).agg(pl.col(_COUNTS).sum()))
    rates = rates.filter(pl.col("grouping").is_in(wanted) & pl.col("judge_group").is_in(groups))
    sides = rates.select(*_CELL, "model", "half_win_rate", judge_a="judge_group")
    both = sides.join(sides.rename({"judge_a": "judge_b"}), on=[*_CELL, "model"], nulls_equal=True)
    by = [*_CELL, "judge_a", "judge_b"]
    models = both.filter(pl.col("judge_a") < pl.col("judge_b")).sort(*by, "model").group_by(by, maintain_order=True)
    rankings = models.agg("model", "half_win_rate", "half_win_rate_right", pl.len().cast(pl.Int64).alias("n"))
    rankings = rankings.filter(pl.col("n") > 1)
    compared = agreement.filter((pl.col("measure") == "agreement") & (pl.col("setup") == "with_ties"))
    rankings = rankings.join(
        compared.select(*by, "n_questions", "n_items"), on=by, how="left", nulls_equal=True, maintain_order="left"
    )
    parts = [AGREEMENT_STATS.no_rows]
    for (source,), of_source in rankings.group_by("source", maintain_order=True):
        values = np.array(
            [
                rank_correlations(np.array(row["half_win_rate"]), np.array(row["half_win_rate_right"]))
                for row in of_source.iter_rows(named=True)
            ]
        )
        lower, upper = percentile_interval(_rounds(outcomes.filter(pl.col("source") == source), of_source, rules))
        for place, name in enumerate(("spearman", "kendall")):
            numbers = {"value": values[:, place], "ci_lower": lower[:, place], "ci_upper": upper[:, place]}
            rows = of_source.with_columns(
                *[pl.Series(column, found, pl.Float64).fill_nan(None) for column, found in numbers.items()],
                *[pl.lit(None, pl.String).alias(column) for column in ("model_a", "model_b")],
                *[pl.col(column).fill_null(0) for column in ("n_questions", "n_items")],
                level=pl.lit("group"),
                setup=pl.lit("with_ties"),
                measure=pl.lit(name),
                n_agree=pl.lit(None, pl.Float64),
                random_value=pl.lit(0.0),
                is_basis=pl.col("n_questions").fill_null(0) >= rules.min_questions,
            )
            parts.append(rows.select(AGREEMENT_STATS.column_names))
    return pl.concat(parts)


def _rounds(outcomes: pl.DataFrame, rankings: pl.DataFrame, rules: AgreementRules) -> Floats:
    """Both correlations of each ranking of one source in each round, [rankings, 2, rounds]; NaN where there is none."""
    found = np.full((len(rankings), 2, rules.rounds), np.nan)
    asked = outcomes.drop_nulls("question_id")
    if asked.is_empty():
        return found
    by_pair = ["group", "turn", "category", "model_a", "model_b"]
    asked = asked.sort(*by_pair, "question_id", nulls_last=True).with_columns(
        pl.struct(by_pair).rle_id().alias("row"),
        (pl.col("question_id").rank("dense") - 1).alias("question"),
    )
    pairs = asked.unique("row", keep="first", maintain_order=True).select(by_pair)
    drawn = draw_units(int(asked["question"].max()) + 1, rules.seed, rules.rounds)  # type: ignore[arg-type]
    place, shape = (asked["row"].to_numpy(), asked["question"].to_numpy()), (len(pairs), len(drawn))
    first, tie, second = (asked[name].to_numpy().astype(np.float64) for name in _COUNTS)
    halves, votes = (
        csr_array((2 * first + tie, place), shape=shape),
        csr_array((first + tie + second, place), shape=shape),
    )

    whose = [
        [(*row[:3], group) for group in row[3:]] for row in rankings.select(*_CELL[1:], "judge_a", "judge_b").rows()
    ]
    givers = {cell: _giver(pairs, *cell) for cell in dict.fromkeys(cell for both in whose for cell in both)}
    places = [
        [np.searchsorted(givers[cell].models, models) for cell in both]
        for both, models in zip(whose, rankings["model"].to_list(), strict=True)
    ]
    is_drawn = _are_drawn(outcomes, rankings)
    at_once = max(1, _ROUNDS_HELD // len(pairs))
    for start in range(0, rules.rounds, at_once):
        some = slice(start, start + at_once)
        weights = drawn[:, some].astype(np.float64)
        # Whole numbers, so that their order changes nothing.
        won, n = halves @ weights, votes @ weights
        rates = {cell: giver.rates(won, n) for cell, giver in givers.items()}
        for row in np.flatnonzero(is_drawn):
            x, y = (rates[cell][place].T for cell, place in zip(whose[row], places[row], strict=True))
            found[row, :, some] = rank_correlations(x, y)
    return found


@dataclass(frozen=True)
class _Giver:
    """Who gives a ranking: a group of judges in a cell.

    Attributes:
        models: in the order of their names.
        of_pair: [pairs of models, rows] 1 where a row is about the pair.
        of_a, of_b: [models, pairs of models] 1 where the model is the first of the pair, or the second.
    """

    models: list[str]
    of_pair: csr_array
    of_a: csr_array
    of_b: csr_array

    def rates(self, won: Floats, n: Floats) -> Floats:
        """Win rates by round, [models, rounds], of votes and of wins of model_a in halves, [rows, rounds] each."""
        won, n = self.of_pair @ won, self.of_pair @ n
        is_met = n > 0
        wins_a, wins_b = (np.where(is_met, ratio(twice, 2 * n), 0.0) for twice in (won, 2 * n - won))
        rates: Floats = ratio(
            self.of_a @ wins_a + self.of_b @ wins_b, (self.of_a + self.of_b) @ is_met.astype(np.float64)
        )
        return rates


def _giver(pairs: pl.DataFrame, grouping: str, turn: int | None, category: str | None, group: str) -> _Giver:
    is_own = pl.col("group") == group
    if grouping != "all":
        is_own &= pl.col(grouping).eq_missing(pl.lit(turn if grouping == "turn" else category))
    own = (
        pairs.with_row_index("row").filter(is_own).with_columns(pair=pl.struct("model_a", "model_b").rank("dense") - 1)
    )
    met = own.unique("pair").sort("pair")
    models = sorted({*met["model_a"], *met["model_b"]})
    sides = [
        _ones(np.searchsorted(models, met[name].to_list()), np.arange(len(met)), (len(models), len(met)))
        for name in ("model_a", "model_b")
    ]
    of_pair = _ones(own["pair"].to_numpy(), own["row"].to_numpy(), (len(met), len(pairs)))
    return _Giver(models, of_pair, *sides)


def _ones(rows: npt.NDArray[np.integer], columns: npt.NDArray[np.integer], shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def _are_drawn(outcomes: pl.DataFrame, rankings: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether all votes of both groups have a question, and these are several."""
    cell = ["grouping", "turn", "category"]
    sides = by_groupings(outcomes.select("turn", "category", "group", "question_id").unique(), RANKING_GROUPINGS)
    sides = sides.unique()
    both = rankings.with_row_index("row").unpivot(["judge_a", "judge_b"], index=["row", *cell], value_name="group")
    asked = (
        both.join(sides, on=[*cell, "group"], nulls_equal=True)
        .group_by("row")
        .agg((pl.col("question_id").is_not_null().all() & (pl.col("question_id").n_unique() > 1)).alias("is_drawn"))
    )
    return asked.sort("row")["is_drawn"].to_numpy()

"""What judges lean to: a side, ties, long answers, models of their own family."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from scipy.stats import binom

from arenalake.judges.counts import ITEM, glob_pattern
from arenalake.judges.tables import JUDGE_BIAS
from arenalake.numbers.logistic import fit_logistic
from arenalake.numbers.proportions import Z_95, share, wilson_bounds
from arenalake.numbers.resampling import draw_units, percentile_interval

# Tokens of the unit in which an answer is longer.
_LENGTH_UNIT = 100.0
_SHARES = {
    # measure: (k, n, whether 1/2 is what a judge without the bias gets)
    "tie": (pl.col("ties"), pl.col("n"), False),
    "first_wins": (pl.col("first"), pl.col("n") - pl.col("ties"), True),
    "consistent": (pl.col("consistent"), pl.col("swapped"), False),
    "prefers_first": (pl.col("prefers_first"), pl.col("swapped"), False),
    "prefers_second": (pl.col("prefers_second"), pl.col("swapped"), False),
    "contradicts": (pl.col("n_contradicting"), pl.col("n_again"), False),
}


def summarise_leanings(leanings: pl.DataFrame, *, single: bool) -> pl.DataFrame:
    """Rows of `judge_bias` on sides, ties and several votes of one judge; a share of nothing has no row.

    Args:
        leanings: as `count_leanings` gives them.
        single: all rows of single judges; else only how often those contradict themselves who do.
    """
    swapped = pl.col("consistent") + pl.col("prefers_first") + pl.col("prefers_second")
    counted = leanings.with_columns(swapped.alias("swapped"))
    rows = pl.concat(
        counted.select("source", "level", "judge", measure=pl.lit(name), k=k, n=n, is_even=pl.lit(is_even))
        for name, (k, n, is_even) in _SHARES.items()
    )
    is_wanted = (pl.col("level") == "group") | (pl.col("measure") == "contradicts")
    return _as_shares(rows if single else rows.filter(is_wanted))


def summarise_lengths(lengths: pl.DataFrame) -> pl.DataFrame:
    """Rows of `judge_bias` on long answers, for groups of judges.

    Of votes that are no tie, the log odds that the answer shown first wins are a + b (how much longer it is / 100
    tokens): a is `first_log_odds`, b `length_log_odds`. Votes are taken as independent. Where lengths separate the
    winners, both are null.

    Args:
        lengths: as `count_lengths` gives them.
    """
    is_longer, is_shorter = pl.col("longer") > 0, pl.col("longer") < 0
    wins = pl.when(is_longer).then("wins").when(is_shorter).then(pl.col("n") - pl.col("wins")).otherwise(0)
    compared = lengths.with_columns(k=wins, n=pl.when(pl.col("longer") != 0).then("n").otherwise(0))
    longer = compared.group_by("source", "judge").agg(pl.col("k", "n").sum())
    about = {"level": "group", "measure": "longer_wins", "is_even": True}
    shares = longer.with_columns(pl.lit(value).alias(name) for name, value in about.items())
    rows = []
    for (source, judge), votes in lengths.sort("source", "judge", "longer").group_by(
        "source", "judge", maintain_order=True
    ):
        x, n, won = (votes[name].to_numpy().astype(np.float64) for name in ("longer", "n", "wins"))
        fit = fit_logistic(np.stack([np.ones_like(x), x / _LENGTH_UNIT], axis=1), won, n)
        for place, measure in enumerate(("first_log_odds", "length_log_odds")):
            value = error = None
            if fit is not None:
                value, error = float(fit[0][place]), float(fit[1][place])
            ends = (None, None) if value is None or error is None else (value - Z_95 * error, value + Z_95 * error)
            rows.append((source, judge, measure, int(n.sum()), value, *ends))
    return pl.concat([_as_shares(shares), _as_numbers(rows)])


def summarise_families(
    outcomes: pl.DataFrame, items: pl.DataFrame, families: Mapping[str, Sequence[str]], *, seed: int, rounds: int
) -> pl.DataFrame:
    """Rows of `judge_bias` on a group's favour for models of its own family.

    `own_family` is the share of kin of the votes between kin and others that are no tie. `own_family_favour` is the
    mean over items of kin's share of this group's votes less that of all other groups' votes, a tie being half a win;
    only items on which both voted count, so that good kin are not taken for favour.

    Args:
        outcomes: as `count_outcomes` gives them.
        items: as `count_items` gives them, by group.
        families: names of kin by group, with `*` and `?` for other signs.
        seed, rounds: of the bootstrap over questions.
    """
    parts = [JUDGE_BIAS.no_rows]
    for group, patterns in families.items():
        decided = _with_kin(outcomes.filter(pl.col("group") == group), patterns)
        shares = decided.group_by("source").agg(k=pl.col("kin").sum(), n=(pl.col("kin") + pl.col("others")).sum())
        about = {"level": "group", "judge": group, "measure": "own_family", "is_even": False}
        parts.append(_as_shares(shares.with_columns(pl.lit(value).alias(name) for name, value in about.items())))
        by_item = _with_kin(items, patterns).with_columns(is_own=pl.col("judge") == group)
        sums = by_item.group_by(*ITEM).agg(
            *[
                pl.col(name).filter(pl.col("is_own") == own).sum().alias(f"{name}_{side}")
                for name in ("kin", "others", "ties")
                for side, own in (("own", True), ("rest", False))
            ]
        )
        favour = sums.with_columns(_kin_share("own") - _kin_share("rest")).drop_nulls("favour")
        parts += [
            _favour(str(source), group, of_source, seed, rounds)
            for (source,), of_source in favour.group_by("source", maintain_order=True)
        ]
    return pl.concat(parts)


def _with_kin(votes: pl.DataFrame, patterns: Sequence[str]) -> pl.DataFrame:
    """Votes between kin and others, with wins of either and ties."""
    fits = re.compile(glob_pattern(patterns))
    is_kin = [
        votes[side].map_elements(lambda name: fits.search(name) is not None, return_dtype=pl.Boolean)
        for side in ("model_a", "model_b")
    ]
    mixed = votes.with_columns(is_kin_a=is_kin[0], is_kin_b=is_kin[1]).filter(pl.col("is_kin_a") != pl.col("is_kin_b"))
    first, second = pl.col("n_0"), pl.col("n_2")
    return mixed.with_columns(
        kin=pl.when("is_kin_a").then(first).otherwise(second),
        others=pl.when("is_kin_a").then(second).otherwise(first),
        ties=pl.col("n_1"),
    )


def _kin_share(side: str) -> pl.Expr:
    kin, others, ties = (pl.col(f"{name}_{side}") for name in ("kin", "others", "ties"))
    return share(2 * kin + ties, 2 * (kin + others + ties)).alias("favour")


def _favour(source: str, group: str, items: pl.DataFrame, seed: int, rounds: int) -> pl.DataFrame:
    by_question = items.sort(*ITEM, nulls_last=True).group_by("question_id", maintain_order=True)
    sums = by_question.agg(pl.col("favour").sum(), pl.len().alias("n")).sort("question_id")
    total, n = (sums[name].to_numpy().astype(np.float64) for name in ("favour", "n"))
    drawn = draw_units(len(sums), seed, rounds).astype(np.float64)
    lower, upper = percentile_interval((total @ drawn) / (n @ drawn))
    ends = (float(lower), float(upper)) if len(sums) > 1 else (None, None)
    return _as_numbers([(source, group, "own_family_favour", int(n.sum()), float(total.sum() / n.sum()), *ends)])


def _as_shares(rows: pl.DataFrame) -> pl.DataFrame:
    """Counts k of n as rows of `judge_bias`."""
    rows = rows.filter(pl.col("n") > 0).with_columns(pl.col("k", "n").cast(pl.Int64))
    k, n = (rows[name].to_numpy() for name in ("k", "n"))
    # Of the exact test of 1/2, whose distribution is symmetric.
    p_value = np.minimum(1.0, 2 * binom.cdf(np.minimum(k, n - k), n, 0.5))
    lower, upper = wilson_bounds(pl.col("k"), pl.col("n"))
    return rows.with_columns(
        value=share(pl.col("k"), pl.col("n")),
        ci_lower=lower,
        ci_upper=upper,
        p_value=pl.when("is_even").then(pl.Series(p_value, dtype=pl.Float64)),
    ).select(JUDGE_BIAS.column_names)


def _as_numbers(rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    """Measures of groups that are no shares as rows of `judge_bias`."""
    names = ("source", "judge", "measure", "n", "value", "ci_lower", "ci_upper")
    schema = {name: JUDGE_BIAS.no_rows.schema[name] for name in names}
    frame = pl.DataFrame(rows, schema, orient="row")
    return frame.with_columns(level=pl.lit("group"), k=pl.lit(None, pl.Int64), p_value=pl.lit(None, pl.Float64)).select(
        JUDGE_BIAS.column_names
    )

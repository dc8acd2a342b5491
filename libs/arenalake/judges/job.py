"""Job `judge_agreement`: who agrees with whom, the rankings that judges give, and what they lean to."""

from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.config import Config
from arenalake.entities.tables import BATTLES, LIKERT_RECORDS, MESSAGES
from arenalake.judges.bias import summarise_families, summarise_leanings, summarise_lengths
from arenalake.judges.counts import (
    count_grades,
    count_items,
    count_leanings,
    count_lengths,
    count_outcomes,
    count_votes,
    judged_votes,
    pair_judges,
)
from arenalake.judges.options import JudgesConfig
from arenalake.judges.rankings import summarise_rankings, win_rates
from arenalake.judges.statistics import AgreementRules, summarise_agreement, summarise_pairs
from arenalake.judges.tables import AGREEMENT_STATS, GRADE_COUNTS, JUDGE_BIAS, JUDGE_WIN_RATES
from arenalake.lake import Derivation, Lake, derive
from arenalake.lake.counting import count_whole_groups, in_memory
from arenalake.lake.holding import held_once
from arenalake.step import Context, StepResult
from arenalake.text.tokenizers import tokenizer_keys

# Pairs of judges on items that a task looks at together: each may become some dozens of rows.
_PAIRS_AT_ONCE = 1 << 13
# Gives the votes of each judge on each item, from the table `battles`.
Counted = Callable[[DataFrame], DataFrame]


def run(context: Context) -> StepResult:
    """Write the tables of judges where `battles` or what is asked of them has changed."""
    judges = context.config.judges.with_tokenizer(list(tokenizer_keys(context.config.tokens.tokenizers)))
    counted = held_once(lambda battles: count_votes(judged_votes(battles, judges), single=judges.single))
    derive(context.lake, _derivations(context.config, judges, counted))
    return _summary(context.lake, judges)


def _derivations(config: Config, judges: JudgesConfig, counted: Counted) -> list[Derivation]:
    rules = AgreementRules(judges.groupings, config.bootstrap.rounds, config.bootstrap.seed, judges.min_questions)
    settings = {"judges": judges.model_dump(mode="json")}
    of_rounds = settings | {"rounds": rules.rounds, "seed": rules.seed}
    asked: dict[str, Any] = {"counted": counted, "judges": judges, "rules": rules}
    return [
        Derivation(AGREEMENT_STATS, [BATTLES], partial(_agreement, **asked), of_rounds, is_large=judges.single),
        Derivation(JUDGE_WIN_RATES, [BATTLES], partial(_win_rates, counted=counted), settings),
        Derivation(JUDGE_BIAS, [BATTLES, MESSAGES], partial(_bias, **asked), of_rounds),
        Derivation(GRADE_COUNTS, [BATTLES, LIKERT_RECORDS], partial(_grades, judges=judges), settings),
    ]


def _agreement(
    battles: DataFrame, *, counted: Counted, judges: JudgesConfig, rules: AgreementRules
) -> pl.DataFrame | DataFrame:
    votes = counted(battles)
    agreement = summarise_agreement(in_memory(count_items(votes, by="group")), rules=rules)
    parts = [agreement]
    groups = in_memory(votes.where(F.col("kind") == "group").select("source", "judge").distinct())
    several = groups.filter(pl.len().over("source") > 1)["source"].unique().sort().to_list()
    if several:
        outcomes = in_memory(count_outcomes(votes.where(F.col("source").isin(several)), by_question=True))
        parts.append(summarise_rankings(outcomes, agreement, rules=rules))
    of_groups = pl.concat(parts)
    if not judges.single:
        return of_groups
    few = battles.sparkSession.createDataFrame(AGREEMENT_STATS.to_arrow(of_groups), AGREEMENT_STATS.schema)
    return few.unionByName(_single_agreement(count_items(votes, by="judge"), rules))


def _single_agreement(items: DataFrame, rules: AgreementRules) -> DataFrame:
    """Rows of `agreement_stats` on single judges, which may be more than one machine can hold."""

    def summarise(pairs: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame(pl.from_arrow(AGREEMENT_STATS.to_arrow(summarise_pairs(pairs, rules=rules))))

    pairs, ddl = pair_judges(items), AGREEMENT_STATS.ddl
    return count_whole_groups(pairs, summarise, "pair", ddl, rows_at_once=_PAIRS_AT_ONCE)


def _win_rates(battles: DataFrame, *, counted: Counted) -> pl.DataFrame:
    return win_rates(in_memory(count_outcomes(counted(battles))))


def _bias(
    battles: DataFrame, messages: DataFrame, *, counted: Counted, judges: JudgesConfig, rules: AgreementRules
) -> pl.DataFrame:
    votes = counted(battles)
    lengths = in_memory(count_lengths(judged_votes(battles, judges), messages, tokenizer=str(judges.tokenizer)))
    parts = [
        summarise_leanings(in_memory(count_leanings(votes, single=judges.single)), single=judges.single),
        summarise_lengths(lengths),
    ]
    if judges.families:
        outcomes, items = in_memory(count_outcomes(votes)), in_memory(count_items(votes, by="group"))
        parts.append(summarise_families(outcomes, items, judges.families, seed=rules.seed, rounds=rules.rounds))
    return pl.concat(parts)


def _grades(battles: DataFrame, scores: DataFrame, *, judges: JudgesConfig) -> pl.DataFrame:
    votes = judged_votes(battles, judges)
    counted = {level: in_memory(count_grades(votes, scores, by=level)) for level in _levels(judges)}
    return pl.concat(counts.with_columns(level=pl.lit(level)) for level, counts in counted.items())


def _levels(judges: JudgesConfig) -> list[str]:
    return ["group", "judge"] if judges.single else ["group"]


def _summary(lake: Lake, judges: JudgesConfig) -> StepResult:
    of_groups = lake.load(AGREEMENT_STATS, only={"level": "group"})
    shown = of_groups.filter((pl.col("grouping") == "all") & (pl.col("measure") == "agreement"))
    lines = [
        "judge_agreement: {source}, {judge_a} and {judge_b}, {setup}: {value:.1%} of {n:,} pairs of votes agree "
        "(random {random_value:.0%})".format(**row | {"setup": row["setup"].replace("_", " ")})
        for row in shown.sort("source", "judge_a", "judge_b", "setup").iter_rows(named=True)
    ]
    bias = lake.load(JUDGE_BIAS).filter(pl.col("level") == "group")
    measured = bias.filter(pl.col("measure") == "length_log_odds")
    lines += [
        f"judge_agreement: {source}: no length bias, because no decided vote has two answers measured with "
        f"{judges.tokenizer!r}"
        for source in sorted(set(bias["source"]) - set(measured["source"]))
    ]
    against_themselves = bias.filter((pl.col("measure") == "contradicts") & (pl.col("k") > 0))
    lines += [
        "judge_agreement: {source}, {judge}: a judge voted more than once on an item {n:,} times, with contradictory "
        "votes {k:,} times; all votes count, and judge_bias names the judges".format(**row)
        for row in against_themselves.sort("source", "judge").iter_rows(named=True)
    ]
    if bias.is_empty():  # every vote has at least a share of ties
        return StepResult(lines=["judge_agreement: no battles"], lacks="battles")
    return StepResult(lines=lines or ["judge_agreement: no two votes on the same question, pair of models and turn"])

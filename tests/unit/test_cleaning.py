"""Votes that are not rated: each rule on cases to check by hand, the test for outliers, and any order of the rows."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from arenalake.battles.cleaning import summarise_cleaning
from arenalake.battles.counts import count_battles
from arenalake.battles.options import CleaningConfig, OutlierConfig
from arenalake.battles.outliers import outliers_among, p_values
from arenalake.battles.rules import mark_votes
from arenalake.battles.tables import BATTLE_COUNTS, CLEANING_STATS
from arenalake.entities.tables import BATTLES
from arenalake.sources.battle import gives_away
from frames import rows_of


def cleaning_of(**rules):
    return CleaningConfig.model_validate(rules)


def battles(spark, votes):
    """Rows of `battles` from dicts that name only the columns that matter."""
    defaults = dict.fromkeys(BATTLES.column_names)
    defaults |= {"source": "s", "file": "f", "judge_kind": "human", "model_a": "m", "model_b": "n", "winner": "tie"}
    rows = [defaults | {"battle_id": f"b{i}", "sequence": i} | vote for i, vote in enumerate(votes)]
    return spark.createDataFrame([tuple(row[name] for name in BATTLES.column_names) for row in rows], BATTLES.ddl)


def marks(spark, votes, **rules):
    return {
        row.battle_id: row.rule for row in mark_votes(battles(spark, votes), cleaning=cleaning_of(**rules)).collect()
    }


def test_only_what_is_known_to_be_named_or_leaked_is_removed(spark):
    votes = [{"anony": a, "leaked": b} for a in (True, False, None) for b in (True, False, None)]
    assert marks(spark, votes) == {}
    assert set(marks(spark, votes, only_anony=True)) == {"b3", "b4", "b5"}
    assert set(marks(spark, votes, drop_leaked=True)) == {"b0", "b3", "b6"}
    both = marks(spark, votes, only_anony=True, drop_leaked=True)
    assert both == dict.fromkeys(("b3", "b4", "b5"), "only_anony") | dict.fromkeys(("b0", "b6"), "drop_leaked")


def test_a_frequent_prompt_keeps_as_many_votes_as_allowed_in_each_source(spark):
    votes = [{"prompt_hash": "p", "source": source} for source in ("s", "t") for _ in range(8)]
    votes += [{"prompt_hash": "q"}] * 3 + [{}] * 9
    found = marks(spark, votes, max_votes_per_prompt=3)
    assert sum(int(name[1:]) < 8 for name in found) == 5
    assert sum(8 <= int(name[1:]) < 16 for name in found) == 5
    assert len(found) == 10
    # Which ones is a matter of the seed, and not of their order.
    assert marks(spark, votes, max_votes_per_prompt=3, seed=1) != found


def test_a_person_keeps_the_first_votes_of_a_day(spark):
    def at(day, hour, sequence, **other):
        return {"tstamp": dt.datetime(2023, 5, day, hour, tzinfo=dt.UTC), "sequence": sequence, "judge": "x", **other}

    votes = [
        at(1, 23, 30),
        at(1, 1, 10),
        at(1, 2, 20),
        at(2, 0, 40),
        at(2, 1, 50, judge="y"),
        *[at(1, 1, 60, judge=None)] * 3,
        *[at(1, 1, 70, judge="gpt-4", judge_kind="model")] * 3,
        *[{"judge": "x"}] * 3,  # without a time
        *[at(1, 1, 80, source="t")] * 2,
    ]
    assert marks(spark, votes, max_votes_per_day=2) == {"b0": "max_votes_per_day"}


def test_a_rule_sees_only_what_the_ones_before_it_left(spark):
    day = {"tstamp": dt.datetime(2023, 5, 1, tzinfo=dt.UTC), "judge": "x", "prompt_hash": "p"}
    votes = [{**day, "anony": n >= 2, "leaked": n == 2} for n in range(6)]
    rules = {"only_anony": True, "drop_leaked": True, "max_votes_per_prompt": 2, "max_votes_per_day": 1}
    table = battles(spark, votes)
    removed = mark_votes(table, cleaning=cleaning_of(**rules))
    counts = BATTLE_COUNTS.in_memory(count_battles(table, removed))
    stats = rows_of(CLEANING_STATS, summarise_cleaning(counts, cleaning=cleaning_of(**rules)))
    assert [(row.rule, row.n_before, row.n_removed, row.n_after) for row in stats] == [
        ("only_anony", 6, 2, 4),
        ("drop_leaked", 4, 1, 3),
        ("max_votes_per_prompt", 3, 1, 2),
        ("max_votes_per_day", 2, 1, 1),
    ]
    assert [row.parameters for row in stats][2:] == ["max_votes_per_prompt=2, seed=0", "max_votes_per_day=1"]


def test_rules_that_remove_nothing_have_a_row_and_counts_stay_whole(spark):
    table = battles(spark, [{"anony": True}, {"anony": False}, {"source": "t"}])
    cleaning = cleaning_of(only_anony=True, max_votes_per_day=9)
    counts = BATTLE_COUNTS.in_memory(count_battles(table, mark_votes(table, cleaning=cleaning)))
    assert {(source, removed_by): n for source, removed_by, n in counts["source", "removed_by", "n"].iter_rows()} == {
        ("s", None): 1, ("s", "only_anony"): 1, ("t", None): 1,
    }  # fmt: skip
    rows = rows_of(CLEANING_STATS, summarise_cleaning(counts, cleaning=cleaning))
    assert [(r.source, r.step, r.n_removed) for r in rows] == [("s", 1, 1), ("s", 2, 0), ("t", 1, 0), ("t", 2, 0)]
    assert rows_of(CLEANING_STATS, summarise_cleaning(counts, cleaning=cleaning_of())) == []


N_MODELS = 12
SHARES = np.array([0.25, 0.3])  # of a and of ties, between two equal models


def simulated(seed, *, honest=150, planted=4, contrary=True):
    """Votes of honest persons, few of them busy, and of some who always prefer the worse (or the better) model."""
    random = np.random.default_rng(seed)
    strength = random.normal(0, 0.8, N_MODELS)
    sizes = np.concatenate([5 + np.floor(100 * random.random(honest) ** 4), np.full(planted, 40)]).astype(int)
    judge = np.repeat([f"h{i}" for i in range(honest)] + [f"x{i}" for i in range(planted)], sizes)
    order = random.permutation(len(judge))
    judge = judge[order]
    first = random.integers(0, N_MODELS, len(judge))
    second = (first + random.integers(1, N_MODELS, len(judge))) % N_MODELS
    first, second = np.minimum(first, second), np.maximum(first, second)
    half = (strength[first] - strength[second]) / 2
    odds = np.stack([np.exp(-half), np.full_like(half, 1.35), np.exp(half)], axis=1)
    odds /= odds.sum(axis=1, keepdims=True)
    outcome = (random.random((len(judge), 1)) > np.cumsum(odds, axis=1)[:, :2]).sum(axis=1)
    is_planted = np.char.startswith(judge, "x")
    outcome = np.where(is_planted, np.where((strength[first] > strength[second]) == contrary, 0, 2), outcome)
    names = np.array([f"m{i:02}" for i in range(N_MODELS)])
    return pd.DataFrame({"judge": judge, "first": names[first], "second": names[second], "outcome": outcome})


def prepared(votes, seed):
    """The columns that the test takes."""
    random = np.random.default_rng([seed, 1])
    cast = np.eye(3, dtype=int)[votes["outcome"]]
    of_pair = pd.DataFrame(cast).groupby([votes["first"], votes["second"]]).transform("sum").to_numpy()
    counts = dict(zip(("n_second", "n_tie", "n_first"), of_pair.T, strict=True))
    number = np.arange(len(votes))
    return votes.assign(
        battle_id=[f"b{n:06}" for n in number],
        sequence=number,
        draw=random.random(len(votes)),
        look=random.random(len(votes)),
        **counts,
    )


@pytest.mark.parametrize(("contrary", "at_least"), [(True, 12), (False, 9)])
def test_voters_who_always_prefer_the_worse_or_the_better_model_are_found(contrary, at_least):
    found = [
        outliers_among(prepared(simulated(seed, contrary=contrary), seed), test=OutlierConfig()) for seed in (1, 2, 3)
    ]
    assert sum(name.startswith("x") for names in found for name in names) >= at_least


def test_honest_voters_are_flagged_no_more_often_than_alpha():
    # 12 times 150 voters: with a rate of 0.05, more than 117 of 1,800 would come up once in 1,000 trials.
    for alpha, most in ((0.05, 117), (0.2, 413)):
        flagged = [
            len(outliers_among(prepared(simulated(seed, planted=0), seed), test=OutlierConfig(alpha=alpha)))
            for seed in range(12)
        ]
        assert 0 < sum(flagged) <= most


def test_p_values_of_honest_voters_are_uniform_on_every_pair():
    votes = prepared(simulated(5, planted=0), 5)
    p = p_values(votes)
    assert kstest(p, "uniform").pvalue > 0.01
    lopsided = votes["n_first"] > 3 * votes["n_second"]
    assert lopsided.sum() > 300
    assert kstest(p[lopsided], "uniform").pvalue > 0.01


def test_a_p_value_is_the_share_of_others_that_are_at_least_as_far_from_the_favourite():
    # Others: a wins 6 times, ties 2, b wins 1. One voter casts one vote of each kind; equal votes stand behind it.
    votes = pd.DataFrame({"judge": ["v"] * 3, "first": "a", "second": "b", "outcome": [2, 1, 0], "draw": 1.0})
    votes = votes.assign(n_first=7, n_tie=3, n_second=2)
    assert p_values(votes) == pytest.approx([1.0, (1 + 2 + 1) / 10, (1 + 1) / 10])
    # From the other side it is the same.
    mirrored = votes.assign(outcome=[0, 1, 2], n_first=2, n_second=7)
    assert p_values(mirrored) == pytest.approx(p_values(votes))
    # Of equal votes, the draw says how many are ahead.
    assert p_values(votes.assign(draw=0.0)) == pytest.approx([0.3, 0.1, 0.0])


def test_a_voter_nobody_can_be_compared_with_has_p_values_that_say_nothing():
    votes = pd.DataFrame({"judge": ["v"] * 2, "first": "a", "second": "b", "outcome": [2, 2], "draw": [0.25, 0.75]})
    votes = votes.assign(n_first=2, n_tie=0, n_second=0)
    assert p_values(votes).tolist() == [0.25, 0.75]


def test_all_votes_of_an_outlier_are_removed_and_nobody_elses(spark):
    votes = simulated(1, honest=40, planted=1).sample(frac=1, random_state=1)
    rows = [
        {"judge": vote.judge, "model_a": vote.first, "model_b": vote.second, "sequence": int(n)}
        | {"winner": ("model_b", "tie (bothbad)", "model_a")[vote.outcome]}
        for n, vote in enumerate(votes.itertuples())
    ]
    table = battles(spark, rows + [{"judge": None}] * 9 + [{"judge": "x0", "judge_kind": "model"}])
    cleaning = cleaning_of(outliers={"alpha": 0.001})
    removed = mark_votes(table, cleaning=cleaning)
    by_judge = table.join(removed, ["source", "battle_id"]).groupBy("judge", "judge_kind").count().collect()
    assert [tuple(row) for row in by_judge] == [("x0", "human", 40)]


def test_marks_are_the_same_for_any_order_and_partitioning(spark):
    random = np.random.default_rng(0)
    votes = simulated(2, honest=60)
    rows = [
        {
            "judge": vote.judge,
            "model_a": vote.first,
            "model_b": vote.second,
            "winner": ("model_b", "tie", "model_a")[vote.outcome],
            "anony": bool(random.random() < 0.9),
            "leaked": bool(random.random() < 0.1),
            "prompt_hash": f"p{random.integers(40)}",
            "tstamp": dt.datetime(2023, 5, 1 + int(random.integers(9)), tzinfo=dt.UTC),
        }
        for vote in votes.itertuples()
    ]
    table = battles(spark, rows)
    cleaning = cleaning_of(
        only_anony=True, drop_leaked=True, max_votes_per_prompt=40, max_votes_per_day=6, outliers={"alpha": 0.2}
    )
    before = spark.conf.get("spark.sql.shuffle.partitions")
    found = []
    try:
        for partitions in (1, 5):
            spark.conf.set("spark.sql.shuffle.partitions", partitions)
            shuffled = table.orderBy("winner", "prompt_hash").repartition(partitions)
            found.append({tuple(row) for row in mark_votes(shuffled, cleaning=cleaning).collect()})
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
    assert found[0] == found[1]
    assert {rule for _, _, rule in found[0]} == set(cleaning.rules)


def test_an_answer_leaks_where_it_holds_a_phrase_in_any_case_and_a_prompt_does_not(spark):
    talk = "array<struct<content:string,role:string>>"

    def said(prompt, answer):
        return [(prompt, "user"), (answer, "assistant")]

    plain = said("Who are you?", "I am a helper.")
    rows = [
        (1, plain, plain),
        (2, plain, said("Who are you?", "I am ALPACA-7b.")),
        (3, said("Are you alpaca?", "No."), plain),
        (4, said("?", "Ask the MAKERS of tüLu"), None),
        (5, plain, None),
        (6, None, None),
    ]
    frame = spark.createDataFrame(rows, f"n int, conversation_a {talk}, conversation_b {talk}")
    raw = {name: frame[name] for name in ("conversation_a", "conversation_b")}
    found = frame.select("n", gives_away(raw, ["Alpaca", "makers of Tülu"]).alias("leaked")).collect()
    assert dict(map(tuple, found)) == {1: False, 2: True, 3: False, 4: True, 5: None, 6: None}
    assert frame.select(gives_away(raw, []).alias("leaked")).where("leaked IS NOT NULL").isEmpty()

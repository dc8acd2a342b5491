"""Pairs, positions and days from battles: cases to check by hand, and DuckDB on real votes."""

import datetime as dt
import itertools
from collections import Counter

import duckdb
import pandas as pd
import pytest
from scipy.stats import binomtest

from arenalake.battles.counts import count_battles, count_days
from arenalake.battles.statistics import summarise_pairs, summarise_positions
from arenalake.battles.tables import BATTLE_COUNTS, PAIR_STATS, POSITION_STATS, VOLUME_STATS
from arenalake.entities.tables import BATTLES
from arenalake.numbers.trinomial import win_rate_interval
from frames import frame_of, rows_of


def battles(spark, votes):
    """Rows of `battles` from dicts that name only the columns that matter."""
    defaults = dict.fromkeys(BATTLES.column_names)
    defaults |= {"source": "s", "file": "f", "judge_kind": "human"}
    rows = [defaults | {"battle_id": str(i)} | vote for i, vote in enumerate(votes)]
    return spark.createDataFrame([tuple(row[name] for name in BATTLES.column_names) for row in rows], BATTLES.ddl)


def vote(model_a, model_b, winner, **other):
    return {"model_a": model_a, "model_b": model_b, "winner": winner, **other}


def counts_of(votes):
    """Rows of `battle_counts` from the same dicts."""
    times = Counter(tuple(({"source": "s", "judge_kind": "human"} | vote).items()) for vote in votes)
    return frame_of(BATTLE_COUNTS, [{**dict(vote), "n": n} for vote, n in times.items()])


def by_key(frame, table):
    rows = rows_of(table, frame)
    assert len({tuple(row[k] for k in table.key) for row in rows}) == len(rows), "the key is not unique"
    return {tuple(row[k] for k in table.key): row for row in rows}


def test_a_pair_is_one_row_in_code_point_order_whichever_side_was_shown_first():
    votes = [
        vote("ä", "Z", "model_a"),  # code points: Z < a < ä < 🙂
        vote("Z", "ä", "model_a"),
        vote("Z", "ä", "tie"),
        vote("ä", "Z", "tie (bothbad)"),
        vote("🙂", "ä", "model_b"),
        vote("Z", "ä", "model_a", judge_kind="model"),
    ]
    pairs = by_key(summarise_pairs(counts_of(votes)), PAIR_STATS)
    assert set(pairs) == {("s", "human", "Z", "ä"), ("s", "human", "ä", "🙂"), ("s", "model", "Z", "ä")}
    row = pairs["s", "human", "Z", "ä"]
    assert (row.wins_a, row.wins_b, row.ties, row.bothbad, row.n) == (1, 1, 1, 1, 4)
    assert row.win_rate_a == 0.5
    lower, upper = win_rate_interval([1], [1], [2])
    assert (row.ci_lower, row.ci_upper) == (lower[0], upper[0])
    assert pairs["s", "human", "ä", "🙂"].win_rate_a == 1.0


def test_positions_are_counted_for_all_battles_and_for_each_model_and_side():
    votes = [
        vote("m", "n", "model_a"),
        vote("m", "n", "model_a"),
        vote("m", "n", "model_b"),
        vote("n", "m", "tie"),
        vote("n", "m", "tie (bothbad)"),
    ]
    rows = by_key(summarise_positions(counts_of(votes)), POSITION_STATS)
    found = {(k[2], k[3]): (row.n, row.ties, row.wins, row.win_rate) for k, row in rows.items()}
    assert found == {
        (None, "a"): (5, 2, 2, 2 / 3),
        ("m", "a"): (3, 0, 2, 2 / 3),
        ("m", "b"): (2, 2, 0, None),
        ("n", "a"): (2, 2, 0, None),
        ("n", "b"): (3, 0, 1, 1 / 3),
    }
    wilson = binomtest(2, 3).proportion_ci(method="wilson")
    row = rows["s", "human", None, "a"]
    assert (row.ci_lower, row.ci_upper) == pytest.approx((wilson.low, wilson.high))
    tied = rows["s", "human", "m", "b"]
    assert (tied.ci_lower, tied.ci_upper) == (None, None)


def test_days_are_utc_and_battles_without_a_time_are_kept_under_a_null_day(spark):
    utc = dt.UTC
    votes = [
        vote("m", "n", "tie", tstamp=dt.datetime(2023, 4, 30, 23, 59, 59, tzinfo=utc)),
        vote("m", "n", "tie", tstamp=dt.datetime(2023, 5, 1, 0, 0, tzinfo=utc)),
        vote("m", "n", "tie", tstamp=dt.datetime(2023, 5, 1, 12, 0, tzinfo=utc)),
        vote("m", "n", "tie"),
    ]
    rows = by_key(VOLUME_STATS.in_memory(count_days(battles(spark, votes))), VOLUME_STATS)
    assert {k[1]: row.n_battles for k, row in rows.items()} == {
        dt.date(2023, 4, 30): 1,
        dt.date(2023, 5, 1): 2,
        None: 1,
    }


def test_a_null_language_turn_or_anony_is_counted_as_a_value_of_its_own(spark):
    votes = [vote("m", "n", "tie"), vote("m", "n", "tie"), vote("m", "n", "tie", turn=1, anony=False, language="en")]
    rows = by_key(BATTLE_COUNTS.in_memory(count_battles(battles(spark, votes))), BATTLE_COUNTS)
    assert {(row.language, row.turn, row.anony): row.n for row in rows.values()} == {
        (None, None, None): 2,
        ("en", 1, False): 1,
    }


@pytest.fixture(scope="module")
def real_votes(real_data):
    """Two real sets of votes as rows of `battles`."""
    crowd = pd.read_csv(real_data / "llmfao" / "crowd-comparisons.csv", keep_default_na=False)
    crowd = crowd.rename(columns={"left": "model_a", "right": "model_b"})
    crowd["winner"] = crowd["winner"].map({"left": "model_a", "right": "model_b", "tie": "tie"})
    bench = pd.read_json(real_data / "mt_bench" / "human.jsonl", lines=True)
    columns = ["model_a", "model_b", "winner"]
    return [
        *({"source": "crowd"} | row for row in crowd[columns].to_dict("records")),
        *({"source": "bench"} | row for row in bench[[*columns, "turn"]].to_dict("records")),
    ]


def test_real_votes_give_the_same_pairs_and_positions_as_duckdb(spark, real_votes):
    votes = pd.DataFrame(real_votes)  # noqa: F841 - read by DuckDB
    counts = BATTLE_COUNTS.in_memory(count_battles(battles(spark, real_votes)))
    pairs = PAIR_STATS.conform_frame(summarise_pairs(counts)).drop(["ci_lower", "ci_upper"]).to_pandas()
    expected = duckdb.sql(
        """
        SELECT source, 'human' AS judge_kind, x AS model_a, y AS model_b,
            count(*) FILTER (won = x) AS wins_a, count(*) FILTER (won = y) AS wins_b,
            count(*) FILTER (winner = 'tie') AS ties, count(*) FILTER (winner = 'tie (bothbad)') AS bothbad,
            count(*) AS n, avg(CASE won WHEN x THEN 1 WHEN y THEN 0 ELSE 0.5 END) AS win_rate_a
        FROM (
            SELECT source, winner, least(model_a, model_b) AS x, greatest(model_a, model_b) AS y,
                CASE winner WHEN 'model_a' THEN model_a WHEN 'model_b' THEN model_b ELSE '' END AS won FROM votes
        ) GROUP BY ALL ORDER BY source, x, y
        """
    ).df()
    assert len(pairs) > 900
    pd.testing.assert_frame_equal(pairs, expected, check_dtype=False, rtol=1e-12)

    positions = POSITION_STATS.conform_frame(summarise_positions(counts)).drop(["ci_lower", "ci_upper"]).to_pandas()
    expected = duckdb.sql(
        """
        SELECT source, 'human' AS judge_kind, model, side, count(*) AS n,
            count(*) FILTER (winner LIKE 'tie%') AS ties, count(*) FILTER (winner = 'model_' || side) AS wins,
            count(*) FILTER (winner = 'model_' || side) / nullif(n - ties, 0) AS win_rate
        FROM (
            SELECT source, winner, NULL AS model, 'a' AS side FROM votes
            UNION ALL SELECT source, winner, model_a, 'a' FROM votes
            UNION ALL SELECT source, winner, model_b, 'b' FROM votes
        ) GROUP BY ALL ORDER BY source, model NULLS LAST, side
        """
    ).df()
    pd.testing.assert_frame_equal(positions, expected, check_dtype=False, rtol=1e-12)


def test_the_same_rows_in_another_order_and_partitioning_give_the_same_bits(spark, real_votes):
    def statistics(votes, partitions):
        counts = BATTLE_COUNTS.in_memory(count_battles(battles(spark, votes).repartition(partitions)))
        return [set(frame.iter_rows()) for frame in (summarise_pairs(counts), summarise_positions(counts))]

    sample = list(itertools.islice(real_votes, 0, None, 7))
    assert statistics(sample, 1) == statistics(sample[::-1], 7)

"""The job battle_stats from silver to gold."""

import pytest

from arenalake.battles import job as battle_stats
from arenalake.battles.tables import (
    BATTLE_COUNTS,
    CLEANING_STATS,
    PAIR_STATS,
    POSITION_STATS,
    REMOVED_VOTES,
    VOLUME_STATS,
)
from arenalake.config import parse_config
from arenalake.entities.tables import BATTLES
from arenalake.lake import Lake
from arenalake.step import Context

TABLES = (BATTLE_COUNTS, PAIR_STATS, POSITION_STATS, VOLUME_STATS)


@pytest.fixture
def context(lake):
    return Context(parse_config({"storage": {"root": str(lake.root)}}), lake)


def put_battles(lake, *votes, **columns):
    defaults = dict.fromkeys(BATTLES.column_names) | {"source": "s", "file": "f", "judge_kind": "human"} | columns
    rows = [
        defaults | {"battle_id": f"{a}{b}{i}", "model_a": a, "model_b": b, "winner": winner}
        for i, (a, b, winner) in enumerate(votes)
    ]
    lake.append(
        BATTLES, lake.spark.createDataFrame([tuple(r[c] for c in BATTLES.column_names) for r in rows], BATTLES.ddl)
    )


def test_tables_follow_the_battles_from_none_on_and_a_second_run_writes_nothing(context):
    lake = context.lake
    assert battle_stats.run(context).lines == ["battle_stats: no battles"]
    assert set(lake.versions()["written"]) == {table.name for table in TABLES}
    assert [lake.read(table).count() for table in TABLES] == [0, 0, 0, 0]

    put_battles(lake, ("m", "n", "model_a"), ("n", "m", "tie"), ("o", "m", "model_b"))
    result = battle_stats.run(context)
    assert result.lines == ["battle_stats: s, judged by people: 3 battles of 2 pairs"]
    assert lake.read(PAIR_STATS).count() == 2
    assert lake.read(BATTLE_COUNTS).agg({"n": "sum"}).first()[0] == 3
    assert lake.read(POSITION_STATS).where("model IS NULL").first()["n"] == 3
    assert lake.read(VOLUME_STATS).first()["n_battles"] == 3

    again = Lake(lake.spark, context.config.storage)
    assert battle_stats.run(Context(context.config, again)).lines == result.lines
    assert again.versions()["written"] == {}


def test_removed_votes_stay_in_the_counts_under_their_rule_until_the_rule_is_off(context):
    lake = context.lake
    put_battles(lake, ("m", "n", "model_a"), ("n", "m", "tie"), anony=True)
    put_battles(lake, ("o", "m", "model_b"), anony=False)
    rules = {"only_anony": True, "max_votes_per_day": 5}
    cleaned = Context(parse_config({"storage": {"root": str(lake.root)}, "cleaning": rules}), lake)
    assert battle_stats.run(cleaned).lines == [
        "battle_stats: s, judged by people: 3 battles of 2 pairs",
        "battle_stats: s, only_anony removed 1 of 3 battles from the ratings (only_anony=true)",
        "battle_stats: s, max_votes_per_day removed 0 of 2 battles from the ratings (max_votes_per_day=5)",
    ]
    assert [tuple(row) for row in lake.read(REMOVED_VOTES).collect()] == [("s", "om0", "only_anony")]
    counts = lake.read(BATTLE_COUNTS).groupBy("removed_by").sum("n").collect()
    assert dict(map(tuple, counts)) == {None: 2, "only_anony": 1}
    assert lake.read(PAIR_STATS).agg({"n": "sum"}).first()[0] == 3

    again = Lake(lake.spark, context.config.storage)
    battle_stats.run(Context(cleaned.config, again))
    assert again.versions()["written"] == {}

    log = lake.local_root / "silver/removed_votes/_delta_log"
    assert "om0" not in "".join(path.read_text() for path in log.glob("*.json"))
    battle_stats.run(context)
    assert [lake.read(table).count() for table in (REMOVED_VOTES, CLEANING_STATS)] == [0, 0]
    assert lake.read(BATTLE_COUNTS).where("removed_by IS NOT NULL").isEmpty()

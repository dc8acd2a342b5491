"""The job battle_stats from silver to gold."""

import pytest

from arenalake.config import parse_config
from arenalake.lake import Lake
from arenalake.steps import Context, battle_stats
from arenalake.tables import BATTLE_COUNTS, BATTLES, PAIR_STATS, POSITION_STATS, VOLUME_STATS


@pytest.fixture
def context(lake):
    return Context(parse_config({"storage": {"root": str(lake.root)}}), lake)


def put_battles(lake, *votes):
    defaults = dict.fromkeys(BATTLES.column_names) | {"source": "s", "file": "f", "judge_kind": "human"}
    rows = [
        defaults | {"battle_id": f"{a}{b}{i}", "model_a": a, "model_b": b, "winner": winner}
        for i, (a, b, winner) in enumerate(votes)
    ]
    lake.append(
        BATTLES, lake.spark.createDataFrame([tuple(r[c] for c in BATTLES.column_names) for r in rows], BATTLES.ddl)
    )


def test_a_second_run_writes_nothing_and_new_battles_are_counted(context):
    lake = context.lake
    put_battles(lake, ("m", "n", "model_a"), ("n", "m", "tie"))
    result = battle_stats.run(context)
    assert result.lines == ["battle_stats: s, judged by people: 2 battles of 1 pairs"]
    assert set(lake.writes) == {"battles", "battle_counts", "volume_stats", "pair_stats", "position_stats"}

    again = Lake(lake.spark, context.config.storage)
    assert battle_stats.run(Context(context.config, again)).lines == result.lines
    assert again.writes == {}

    put_battles(lake, ("o", "m", "model_b"))
    battle_stats.run(context)
    assert lake.read(PAIR_STATS).count() == 2
    assert lake.read(BATTLE_COUNTS).agg({"n": "sum"}).first()[0] == 3
    assert lake.read(POSITION_STATS).where("model IS NULL").first()["n"] == 3
    assert lake.read(VOLUME_STATS).first()["n_battles"] == 3


def test_without_battles_the_tables_are_there_and_empty(context):
    assert battle_stats.run(context).lines == ["battle_stats: no battles"]
    for table in (BATTLE_COUNTS, PAIR_STATS, POSITION_STATS, VOLUME_STATS):
        assert context.lake.exists(table)
        assert context.lake.read(table).count() == 0

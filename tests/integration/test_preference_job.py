"""Generated pairs through the jobs: what comes in is what was written, and fits do not depend on partitions."""

import json

import polars as pl
import pytest
from test_ingest import context_for

from arenalake.entities.properties import CASES, PROPERTIES, column_of
from arenalake.entities.tables import BATTLES, PREFERENCE_PAIRS
from arenalake.ingest import job as ingest
from arenalake.preferences import job
from arenalake.preferences.options import PreferencesConfig
from arenalake.preferences.spread import fit_preferences
from arenalake.preferences.tables import (
    CASE_COUNTS,
    JUDGE_ORDER,
    JUDGE_PAIRS,
    JUDGE_RANKS,
    PREFERENCE_FITS,
    PREFERENCE_WEIGHTS,
    PROPERTY_CORRELATIONS,
    PROPERTY_STATS,
)
from arenalake.samples.preferences import JUDGES, preference_design, preference_records
from preference_records import pair_of

FEW = ["human", "yi-6b", "wizardLM-13b-v1.2"]
STATISTICS = (
    PROPERTY_STATS,
    PROPERTY_CORRELATIONS,
    PREFERENCE_FITS,
    PREFERENCE_WEIGHTS,
    JUDGE_PAIRS,
    JUDGE_RANKS,
    JUDGE_ORDER,
)


@pytest.fixture
def records():
    found = preference_records(preference_design(seed=8, pairs=120), 0)
    for one in found:
        one["preference_labels"] = {judge: one["preference_labels"][judge] for judge in FEW}
    return found


def test_generated_pairs_come_in_as_they_were_written_and_are_fitted_whatever_their_partitions(lake, tmp_path, records):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "pairs.json").write_text(json.dumps(records))
    context = context_for(lake, gair={"format": "preference_dissection", "path": str(tmp_path / "raw")})
    assert not ingest.run(context).errors

    stored = pl.DataFrame(pl.from_arrow(lake.read(PREFERENCE_PAIRS).toArrow()))
    battles = lake.read(BATTLES).select("question_id", "judge", "winner").collect()
    assert (len(stored), len(battles)) == (120, 360)
    wanted = {pair["properties_a"]["lengthy"]: [] for pair in map(pair_of, records, [""] * 120)}
    for pair in map(pair_of, records, [""] * 120):
        wanted[pair["properties_a"]["lengthy"]].append(pair)
    names = [column_of(name) for name in PROPERTIES]
    for row in stored.iter_rows(named=True):
        same = [
            pair
            for pair in wanted[row["properties_a"]["lengthy"]]
            if pair["properties_b"] == row["properties_b"] and pair["labels"] == row["labels"]
        ]
        assert len(same) == 1
        assert [row["properties_a"][name] for name in names] == [same[0]["properties_a"][name] for name in names]
        assert [row[name] for name in (*CASES, "scenario_group", "errors_a", "model_b")] == [
            same[0][name] for name in (*CASES, "scenario_group", "errors_a", "model_b")
        ]

    result = job.run(context)
    assert "fits of 3 judges" in result.lines[0]
    tables = {table.name: lake.load(table) for table in STATISTICS}
    assert all(len(rows) for rows in tables.values())
    assert set(tables["judge_ranks"].filter(pl.col("grouping") == "all")["rank"]) == {1, 2}
    of_all = lake.load(CASE_COUNTS).filter(pl.col("case") == "all")["n_pairs"].sum()
    assert of_all == 120
    before = {table.name: lake.state_of(table) for table in STATISTICS}
    job.run(context)
    assert {table.name: lake.state_of(table) for table in STATISTICS} == before

    other = lake.read(PREFERENCE_PAIRS).repartition(7)
    again = PREFERENCE_FITS.in_memory(fit_preferences(other, preferences=PreferencesConfig()))
    assert again.sort(PREFERENCE_FITS.key).equals(tables["preference_fits"].sort(PREFERENCE_FITS.key))
    assert set(FEW) < set(JUDGES)

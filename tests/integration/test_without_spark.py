"""The tables as a reader without Spark sees them."""

import re
import subprocess
import sys
import venv

import pytest
from deltalake import DeltaTable
from machines import page

from arenalake.battles.tables import BATTLE_COUNTS
from arenalake.lake import Lake
from arenalake.lake.options import StorageConfig
from arenalake.moderation.tables import SCORE_COUNTS
from arenalake.ratings.tables import RATING_REPLICATES, RATINGS
from arenalake.tokens.tables import LENGTH_COUNTS
from frames import frame_of

KEY = {"source": "arena", "slice": "all", "method": "bradley_terry", "unit": "battle", "interval": "percentile"}
MODELS = [
    {"model": "second", "rank": 2, "rating": 990.25, "ci_lower": 980.0, "ci_upper": None, "n_battles": 12},
    {"model": "first", "rank": 1, "rating": 1009.75, "ci_lower": 1001.5, "ci_upper": 1020.0, "n_battles": 12},
]


def rows_of(spark, table, *rows):
    values = [tuple(row.get(name) for name in table.column_names) for row in rows]
    return spark.createDataFrame(values, table.ddl)


@pytest.fixture(scope="module")
def rated(spark, tmp_path_factory):
    """A lake with a table of each kind: plain, with a constraint, clustered and with deleted rows."""
    lake = Lake(spark, StorageConfig(root=str(tmp_path_factory.mktemp("rated") / "lake")))
    ratings = [{**KEY, "component": 1, **model} for model in MODELS]
    lake.append(RATINGS, rows_of(spark, RATINGS, *ratings, {**ratings[0], "slice": "language=English"}))
    outcome = {"source": "s", "judge_kind": "human", "model_a": "a", "model_b": "b", "winner": "tie", "n": 3}
    lake.append(BATTLE_COUNTS, rows_of(spark, BATTLE_COUNTS, outcome))
    rounds = [{**KEY, "round": number, "model": "m", "rating": float(number)} for number in range(5)]
    lake.append(RATING_REPLICATES, rows_of(spark, RATING_REPLICATES, *rounds))
    lake.delete(RATING_REPLICATES, spark.createDataFrame([(2,)], "round int"), on=("round",))
    return lake


def examples():
    """The blocks of Python in docs/results.md, each with the packages that the sentence before it installs."""
    text = page("results.md")
    found = re.findall(r"`pip install ([^`]+)`:\n\n```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(found) == text.count("```python"), "a block of Python without what it needs"
    return found


def printed_rows(text):
    """Cells of the tables that DuckDB prints, with names and types."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line[:1] == "│"]


def assert_prints_the_leaderboard(python, example, folder):
    done = subprocess.run([python, "-c", example], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names, _types, *models = printed_rows(done.stdout)
    assert names == ["rank", "model", "rating", "ci_lower", "ci_upper", "n_battles"]
    assert models == [
        ["1", "first", "1009.75", "1001.5", "1020.0", "12"],
        ["2", "second", "990.25", "980.0", "NULL", "12"],
    ]


def test_the_example_of_the_docs_prints_the_leaderboard(rated):
    ((_packages, example),) = examples()
    assert_prints_the_leaderboard(sys.executable, example, rated.local_root.parent)


@pytest.mark.slow
def test_the_example_of_the_docs_needs_no_other_packages_than_it_says(rated, tmp_path):
    ((packages, example),) = examples()
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", *packages.split()], check=True)
    assert_prints_the_leaderboard(python, example, rated.local_root.parent)


def test_the_example_of_the_docs_unnests_histograms_of_both_kinds(tmp_path):
    lake = Lake(None, StorageConfig(root=str(tmp_path / "lake")))
    of_all = {"source": "arena", "measure": "message_tokens", "role": "assistant", "tokenizer": "sample", "model": "m"}
    lengths = [
        {**of_all, "turn": 1, "n": 7, "n_chars": 9, "total": 708, "lengths": [2, 99, 100], "counts": [1, 2, 4]},
        {**of_all, "turn": 2, "n": 8, "n_chars": 9, "total": 4000, "lengths": [500], "counts": [8]},
        {**of_all, "measure": "turns", "n": 1, "n_chars": 0, "total": 1, "lengths": [1], "counts": [1]},
    ]
    lake.store(LENGTH_COUNTS, frame_of(LENGTH_COUNTS, lengths))
    sums = {"source": "arena", "role": "battle", "n": 9, "n_labelled": 0, "n_flagged": 0, "sum_score": 1}
    scores = [
        {**sums, "category": "hate", "n_scored": 7, "score_bins": [-201, -200, 0], "counts": [1, 2, 4]},
        {**sums, "category": "any", "n_scored": 0, "score_bins": [], "counts": []},
    ]
    lake.store(SCORE_COUNTS, frame_of(SCORE_COUNTS, scores))
    (example,) = re.findall(r"```python\n(.*?)```", page("reading.md"), flags=re.DOTALL)
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers, _, of_m, battles, _, of_hate = printed_rows(done.stdout)
    assert (answers, of_m) == (["model", "answers", "of_100_tokens"], ["m", "15", "12"])
    assert (battles, of_hate) == (["category", "scored", "of_a_hundredth"], ["hate", "7", "6"])


def test_tables_ask_nothing_of_a_reader_that_not_every_reader_has(rated):
    for table in (RATINGS, BATTLE_COUNTS, RATING_REPLICATES):
        protocol = DeltaTable(f"{rated.local_root}/gold/{table.name}").protocol()
        assert (protocol.min_reader_version, protocol.reader_features) == (1, None)


def test_clustered_tables_and_deleted_rows_are_read_right(rated):
    rounds = DeltaTable(f"{rated.local_root}/gold/rating_replicates").to_pyarrow_dataset().to_table()
    assert sorted(rounds["round"].to_pylist()) == [0, 1, 3, 4]

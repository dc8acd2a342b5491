"""The job report from gold tables to files."""

import csv
import datetime as dt
import io

import pandas as pd
import pytest

from arenalake.app import report
from arenalake.app.tracking import prepare_tracking, track_job
from arenalake.battles.tables import PAIR_STATS, VOLUME_STATS
from arenalake.config import parse_config
from arenalake.corpus.tables import CORPUS_SHAPE
from arenalake.errors import ConfigError
from arenalake.lake import Lake
from arenalake.ratings.tables import RATINGS
from arenalake.step import Context, StepResult
from arenalake.tokens.tables import TOKEN_STATS


def context_of(lake, **settings):
    return Context(parse_config({"storage": {"root": str(lake.root)}, "report": settings}), lake)


def put(lake, table, *rows):
    assert all(set(row) <= set(table.column_names) for row in rows)
    values = [tuple(row.get(name) for name in table.column_names) for row in rows]
    lake.replace(table, lake.spark.createDataFrame(values, table.ddl))


def put_ratings_and_tokens(lake, *, backwards=False):
    step = -1 if backwards else 1
    key = {"source": "s", "slice": "all", "method": "bradley_terry", "unit": "battle", "interval": "percentile"}
    ranks = {"rank": 1, "rank_ub": 1, "rank_lower": 1, "rank_upper": 2, "n_rounds": 100}
    ratings = [
        key | ranks | {"model": "m", "rating": 1001.5, "se": 5.0, "ci_lower": 990.0, "ci_upper": 1010.0},
        key | {"model": "<script>alert(1)</script>", "note": "no estimate: only losses"},
    ]
    put(lake, RATINGS, *[row | {"component": 1, "n_battles": 12} for row in ratings][::step])
    tokens = {"source": "s", "role": "user", "tokenizer": "sample", "grouping": "model", "n_messages": 30, "total": 60}
    tokens |= {"mean": 2.0, "min": 1, "max": 9} | {f"p{p}": 2 for p in (1, 5, 25, 50, 75, 95, 99)}
    rows = [tokens | {"model": name, "n_conversations": n} for name, n in (("common", 30), ("rare", 3))]
    put(lake, TOKEN_STATS, *rows[::step], tokens | {"grouping": "model,language", "model": "m", "n_conversations": 99})


def put_battles(lake):
    numbers = {"wins_a": 6, "wins_b": 4, "ties": 1, "bothbad": 1, "n": 12, "win_rate_a": 7 / 12}
    pair = {"source": "s", "judge_kind": "human", "model_a": "<script>alert(1)</script>", "model_b": "m"}
    put(lake, PAIR_STATS, pair | numbers | {"ci_lower": 0.3, "ci_upper": 0.8})
    put(lake, VOLUME_STATS, {"source": "s", "day": dt.date(2023, 5, 1), "n_battles": 20})


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_gold_tables_become_pages_and_equal_tables_give_equal_bytes(lake, tmp_path):
    put_ratings_and_tokens(lake)
    put_battles(lake)
    context = context_of(lake)
    result = report.run(context)
    folder = lake.local_root / "report"
    assert result.lines[-1] == f"report: {folder}/index.html"
    first = files_of(folder)
    assert {"index.html", "battles.html", "tokens.html", "data.html", "plotly.min.js"} <= set(first)
    assert "moderation.html" not in first, "no job has looked at moderation"
    assert b"&lt;script&gt;alert(1)" in first["index.html"]
    assert all(b"<script>alert(1)" not in content for name, content in first.items() if name.endswith(".html"))
    assert b"20 battles on 1 day from 2023-05-01" in first["battles.html"]

    ratings = list(csv.DictReader(io.StringIO(first["csv/leaderboard-s-all-bradley_terry-battle.csv"].decode())))
    assert [(row["model"], row["rating"], row["rank"]) for row in ratings] == [
        ("m", "1001.5", "1"),
        ("<script>alert(1)</script>", "", ""),
    ]
    tokens = list(csv.DictReader(io.StringIO(first["csv/tokens-s-sample-model.csv"].decode())))
    assert [(row["model"], row["n_conversations"], row["mean"]) for row in tokens] == [
        ("common", "30", "2.0"),
        ("rare", "", ""),
    ]
    assert lake.read(TOKEN_STATS).where("model = 'rare'").first()["n_conversations"] == 3, "gold keeps the truth"

    # The same rows, written in another order, reported into another folder.
    put_ratings_and_tokens(lake, backwards=True)
    report.run(context_of(Lake(lake.spark, context.config.storage), path=str(tmp_path / "again")))
    assert files_of(tmp_path / "again") == first


def test_small_cells_are_hidden_in_what_mlflow_records(lake, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    config = parse_config(
        {"storage": {"root": str(lake.root)}, "mlflow": {"tracking_uri": f"sqlite:///{tmp_path}/runs.db"}}
    )
    prepare_tracking(config)
    numbers = dict.fromkeys(CORPUS_SHAPE.column_names, None) | {"source": "s", "grouping": "all", "n_redacted": 0}
    corpus = pd.DataFrame([numbers | {"n_conversations": n, "source": source} for source, n in (("s", 4), ("t", 40))])
    kept = pd.DataFrame({"n_battles": [4]})
    with track_job("corpus_stats", config, lake) as record:
        record(StepResult(tables={"corpus": corpus, "leaderboard_s": kept}))
        run = mlflow.active_run().info.run_id
    logged = mlflow.load_table("corpus.json", run_ids=[run])
    assert list(logged["n_conversations"].fillna("hidden")) == ["hidden", 40]
    assert list(mlflow.load_table("leaderboard_s.json", run_ids=[run])["n_battles"]) == [4]


def test_an_empty_lake_gives_a_report_that_says_so_and_writes_no_table(lake):
    result = report.run(context_of(lake))
    folder = lake.local_root / "report"
    assert result.lines == [f"report: {folder}/index.html"]
    assert b"This report has no ratings" in (folder / "index.html").read_bytes()
    assert sorted(path.name for path in lake.local_root.iterdir()) == ["report"]


@pytest.mark.parametrize("path", ["hdfs://host/report", "dbfs:/report"])
def test_a_place_that_is_neither_a_folder_nor_a_bucket_is_refused_by_the_name_of_its_key(lake, path):
    with pytest.raises(ConfigError, match=r"report\.path: .*neither a local or mounted folder nor a bucket"):
        report.run(context_of(lake, path=path))


def test_in_a_catalog_the_path_must_be_given(spark):
    config = parse_config({"storage": {"catalog": "c", "schema": "s"}})
    with pytest.raises(ConfigError, match=r"report\.path: is not set"):
        report.run(Context(config, Lake(spark, config.storage)))

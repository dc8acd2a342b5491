"""The whole pipeline in processes of their own: on other numbers of cores and partitions, and with nothing new."""

import shutil
import subprocess
import sys

import pytest
from machines import ROOT, environment
from same_tables import JOBS, as_arguments, corpus_settings, rows_of, write_votes


def run_pipeline(settings):
    return subprocess.run(
        [sys.executable, "jobs/pipeline.py", "--config", "conf/cluster.yml", *as_arguments(settings)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("master", "partitions"), [("local[1]", 1), ("local[2]", 64)])
def test_cores_and_partitions_change_no_row_of_any_table(spark, raw, local_corpora, tmp_path, master, partitions):
    settings = {
        **corpus_settings(raw),
        "storage.root": tmp_path / "lake",
        "spark.master": master,
        "spark.shuffle_partitions": partitions,
    }
    done = run_pipeline(settings)
    assert done.returncode == 0, done.stderr[-6000:]
    assert rows_of(settings) == local_corpora


@pytest.mark.slow
def test_a_run_with_nothing_new_starts_no_spark_and_one_with_new_votes_does(raw, local_corpora_lake, tmp_path):
    root, votes = tmp_path / "lake", tmp_path / "votes.csv"
    shutil.copytree(local_corpora_lake, root)
    settings = {**corpus_settings(raw), "storage.root": root, "spark.master": "local[2]"}
    before = log_files(root)
    done = run_pipeline(settings)
    assert done.returncode == 0, done.stderr[-6000:]
    assert done.stderr.count("event=done") == len(JOBS)
    assert "session started" not in done.stderr
    assert log_files(root) == before

    n = write_votes(votes)
    done = run_pipeline({**settings, "sources.more": f"{{format: votes, path: {votes}}}"})
    assert done.returncode == 0, done.stderr[-6000:]
    assert done.stderr.count("session started") == 1
    assert f"battle_stats: more, judged by people: {n} battles" in done.stdout


def log_files(root):
    return {path: path.stat().st_mtime_ns for path in root.rglob("_delta_log/*.json")}

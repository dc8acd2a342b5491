"""The jobs against a Spark Connect server in its own process, which is all that serverless compute gives."""

import subprocess
import sys

import pytest
from machines import ROOT, ConnectServer, environment
from same_tables import as_arguments, corpus_settings, rows_of, vote_settings


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    connect = ConnectServer(tmp_path_factory.mktemp("connect") / "server")
    yield connect
    connect.stop()


def run_pipeline(server, settings):
    """The pipeline as a client; its session is the server's."""
    return subprocess.run(
        [sys.executable, "jobs/pipeline.py", "--config", "conf/cluster.yml", *as_arguments(settings)],
        cwd=ROOT,
        env=environment(SPARK_REMOTE=server.remote),
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_jobs_on_connect_give_the_tables_of_local_mode(spark, server, votes, local_votes, tmp_path):
    settings = {**vote_settings(votes), "storage.root": tmp_path / "lake"}
    done = run_pipeline(server, settings)
    assert done.returncode == 0, done.stderr[-6000:]
    assert rows_of(settings) == local_votes


@pytest.mark.slow
def test_the_whole_pipeline_on_connect_gives_the_tables_of_local_mode(spark, server, raw, local_corpora, tmp_path):
    settings = {**corpus_settings(raw), "storage.root": tmp_path / "lake"}
    done = run_pipeline(server, settings)
    assert done.returncode == 0, done.stderr[-6000:]
    assert rows_of(settings) == local_corpora

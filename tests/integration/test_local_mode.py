"""The whole pipeline on other numbers of cores and partitions, each in a process of its own."""

import subprocess
import sys

import pytest
from machines import ROOT, environment
from same_tables import as_arguments, corpus_settings, rows_of


@pytest.mark.slow
@pytest.mark.parametrize(("master", "partitions"), [("local[1]", 1), ("local[2]", 64)])
def test_cores_and_partitions_change_no_row_of_any_table(spark, raw, local_corpora, tmp_path, master, partitions):
    settings = {
        **corpus_settings(raw),
        "storage.root": tmp_path / "lake",
        "spark.master": master,
        "spark.shuffle_partitions": partitions,
    }
    done = subprocess.run(
        [sys.executable, "jobs/pipeline.py", "--config", "conf/cluster.yml", *as_arguments(settings)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    assert rows_of(settings) == local_corpora

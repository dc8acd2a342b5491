"""The jobs on a standalone cluster, submitted as the README says: the same tables as in local mode, whatever dies."""

import os
import re
import signal

import pytest
from machines import Cluster, Submission, packaged, wait_until

from arenalake.config import load_config
from arenalake.lake import Lake
from arenalake.runner import run_steps
from arenalake.tables import ALL_TABLES, BATTLES, MESSAGES

JOBS = ["ingest", "measure", "token_stats", "moderation_stats", "battle_stats", "ratings"]
COMPARED = [table for table in ALL_TABLES if table.layer == "gold" or table in (BATTLES, MESSAGES)]


def overrides(raw, root):
    return {
        "storage.root": root,
        "sources.lmsys.path": f"{raw}/lmsys_chat_1m",
        "sources.arena.path": f"{raw}/chatbot_arena",
        "pipeline.jobs": f"[{','.join(JOBS)}]",
        "bootstrap.rounds": 40,
        "ratings.min_battles": 100,
        "mlflow.enabled": "false",
    }


def configuration(values):
    """conf/cluster.yml as a job in this process sees it."""
    return load_config("conf/cluster.yml", [f"{key}={value}" for key, value in values.items()])


def rows_of(spark, root):
    """Every compared table as sorted rows; the text of a double is exact."""
    lake = Lake(spark, configuration({"storage.root": root}).storage)
    return {
        table.name: sorted(repr(row) for row in lake.read(table).collect()) for table in COMPARED if lake.exists(table)
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return packaged(tmp_path_factory.mktemp("packaged") / "project")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    machines = Cluster(tmp_path_factory.mktemp("cluster") / "machines")
    yield machines
    machines.stop()


@pytest.fixture(scope="module")
def raw(spark, tmp_path_factory):
    """Small generated corpora."""
    folder = tmp_path_factory.mktemp("raw")
    sizes = {"generate.conversations": 150, "generate.battles": 300, "generate.models": 6, "generate.files": 3}
    values = {"storage.root": folder / "lake", "generate.path": folder, "mlflow.enabled": "false", **sizes}
    run_steps(configuration(values), ["generate"])
    return folder


@pytest.fixture(scope="module")
def local(spark, raw, tmp_path_factory):
    """The tables of local mode."""
    root = tmp_path_factory.mktemp("local") / "lake"
    run_steps(configuration(overrides(raw, root)), JOBS)
    return rows_of(spark, root)


def test_a_submitted_job_gives_the_tables_of_local_mode(spark, project, cluster, tmp_path):
    votes = [
        f"model-{a},model-{b},{('model_a', 'model_b', 'tie')[(a * b + n) % 3]}"
        for n in range(20) for a in range(4) for b in range(4) if a != b
    ]  # fmt: skip
    (tmp_path / "votes.csv").write_text("\n".join(["model_a,model_b,winner", *votes]))
    jobs = ["ingest", "battle_stats", "ratings"]
    values = {
        "sources": f"{{votes: {{format: votes, path: {tmp_path}/votes.csv}}}}",
        "pipeline.jobs": f"[{','.join(jobs)}]",
        "ratings.slices": "[all]",
        "bootstrap.rounds": 30,
        "mlflow.enabled": "false",
    }
    Submission(project, cluster, tmp_path / "log", {**values, "storage.root": tmp_path / "cluster"}).finish()
    run_steps(configuration({**values, "storage.root": tmp_path / "local"}), jobs)
    submitted = rows_of(spark, tmp_path / "cluster")
    assert len(submitted["battles"]) == len(votes)
    assert len(submitted["rating_replicates"]) == 4 * 30
    assert submitted == rows_of(spark, tmp_path / "local")


@pytest.mark.slow
def test_the_whole_pipeline_gives_the_tables_of_local_mode(spark, project, cluster, raw, local, tmp_path):
    submission = Submission(project, cluster, tmp_path / "log", overrides(raw, tmp_path / "lake"))
    submission.finish()
    assert rows_of(spark, tmp_path / "lake") == local


@pytest.mark.slow
@pytest.mark.parametrize(("killed_in", "after"), [("measure", "ingest"), ("ratings", "battle_stats")])
def test_a_lost_executor_changes_no_table(spark, project, cluster, raw, local, tmp_path, killed_in, after):
    submission = Submission(project, cluster, tmp_path / "log", overrides(raw, tmp_path / "lake"))
    submission.wait_for(f"event=done job={after} ", seconds=400)
    os.kill(wait_until(cluster.executors, "an executor")[0], signal.SIGKILL)
    assert f"event=done job={killed_in} " not in submission.text()
    submission.finish()
    assert re.search("Lost executor", submission.text())
    assert rows_of(spark, tmp_path / "lake") == local


@pytest.mark.slow
@pytest.mark.parametrize("after", ["ingest", "battle_stats"])
def test_a_killed_driver_is_submitted_again(spark, project, cluster, raw, local, tmp_path, after):
    values = overrides(raw, tmp_path / "lake")
    killed = Submission(project, cluster, tmp_path / "first", values)
    killed.wait_for(f"event=done job={after} ", seconds=400)
    killed.kill()
    assert "event=done job=ratings " not in killed.text()
    Submission(project, cluster, tmp_path / "second", values).finish()
    assert rows_of(spark, tmp_path / "lake") == local

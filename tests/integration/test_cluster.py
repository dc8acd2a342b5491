"""The jobs on a standalone cluster, submitted as the docs say: the same tables as in local mode, whatever dies."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
from machines import Cluster, Submission, environment, page, wait_until
from same_tables import corpus_settings, rows_of, vote_settings

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    machines = Cluster(tmp_path_factory.mktemp("cluster") / "machines")
    yield machines
    machines.stop()


@pytest.fixture
def submit(project, cluster, tmp_path):
    """A function that submits the pipeline; whatever still runs at the end is killed."""
    submissions = []

    def start(settings):
        submissions.append(Submission(project, cluster, settings, tmp_path / f"log-{len(submissions)}"))
        return submissions[-1]

    yield start
    for submission in submissions:
        submission.kill()


@pytest.fixture
def voting(votes, tmp_path):
    return {**vote_settings(votes), "storage.root": tmp_path / "lake"}


@pytest.fixture
def corpora(raw, tmp_path):
    return {**corpus_settings(raw), "storage.root": tmp_path / "lake"}


def lose_an_executor(cluster, submission, *, after, during):
    """Kill an executor's process while it has a task of the job `during`, which starts when `after` is in the log.

    The process is halted first, so that the task cannot end before the kill.
    """
    submission.wait_for(after)
    executors = wait_until(lambda: cluster.executors(submission.application), "an executor")
    number, process = min(executors.items())
    os.kill(process, signal.SIGSTOP)
    task = min(wait_until(lambda: submission.running_tasks(number), f"a task on executor {number}"))
    assert f"event=done job={during} " not in submission.text()
    os.kill(process, signal.SIGKILL)
    submission.finish()
    assert re.search(rf"\(TID {task}\).*(its executor exited|ExecutorLostFailure)", submission.text())


def test_the_docs_say_how_spark_submit_of_pip_finds_spark_with_another_python(tmp_path):
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    other.chmod(0o755)
    (export,) = re.findall(r"`export (SPARK_HOME=[^`]+)`", page("cluster.md"))
    own = {name: value for name, value in environment(PYSPARK_PYTHON=str(other)).items() if name != "SPARK_HOME"}

    def version(before):
        submit = f"{before} {Path(sys.executable).parent}/spark-submit --version"
        return subprocess.run(["bash", "-c", submit], env=own, capture_output=True, text=True)

    assert "Could not find valid SPARK_HOME" in version("").stderr
    found = version(export.replace(".venv/bin/python", sys.executable))
    assert (found.returncode, pyspark.__version__ in found.stderr) == (0, True), found.stderr


@pytest.mark.slow  # .ci/run runs this one all the same
def test_submitted_jobs_give_the_tables_of_local_mode(spark, submit, voting, local_votes):
    submit(voting).finish()
    submitted = rows_of(voting)
    assert len(submitted["rating_replicates"]) == 4 * 30
    assert submitted == local_votes


@pytest.mark.slow
def test_the_whole_pipeline_gives_the_tables_of_local_mode(spark, submit, corpora, local_corpora):
    submit(corpora).finish()
    assert rows_of(corpora) == local_corpora


@pytest.mark.slow
def test_an_executor_lost_while_messages_are_measured_changes_no_table(spark, cluster, submit, corpora, local_corpora):
    # Without the jobs that would run at the same time, the task that is lost is one of this job.
    first = submit({**corpora, "pipeline.jobs": "[ingest,measure]"})
    lose_an_executor(cluster, first, after="event=done job=ingest ", during="measure")
    submit(corpora).finish()
    assert rows_of(corpora) == local_corpora


@pytest.mark.slow
def test_an_executor_lost_while_ratings_are_made_changes_no_table(spark, cluster, submit, voting, local_votes):
    lose_an_executor(cluster, submit(voting), after="event=done job=battle_stats ", during="ratings")
    assert rows_of(voting) == local_votes


@pytest.mark.slow
@pytest.mark.parametrize("after", ["event=written table=battles", "event=done job=battle_stats "])
def test_a_killed_driver_is_submitted_again(spark, submit, voting, local_votes, after):
    killed = submit(voting)
    killed.wait_for(after)
    killed.kill()
    assert "event=done job=ratings " not in killed.text()
    submit(voting).finish()
    assert rows_of(voting) == local_votes

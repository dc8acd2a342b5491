"""The jobs on a standalone cluster, submitted as the README says: the same tables as in local mode, whatever dies."""

import os
import signal

import pytest
from machines import Cluster, Submission, wait_until
from same_tables import corpus_settings, rows_of, vote_settings


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
    """Kill one executor's process as soon as `after` is in the log, while the job `during` runs."""
    submission.wait_for(after, seconds=500)
    os.kill(wait_until(cluster.executors, "an executor")[0], signal.SIGKILL)
    assert f"event=done job={during} " not in submission.text()
    submission.finish()
    assert "Lost executor" in submission.text()


@pytest.mark.slow
def test_submitted_jobs_give_the_tables_of_local_mode(spark, submit, voting, local_votes):
    submit(voting).finish()
    submitted = rows_of(spark, voting)
    assert len(submitted["rating_replicates"]) == 4 * 30
    assert submitted == local_votes


@pytest.mark.slow
def test_the_whole_pipeline_gives_the_tables_of_local_mode(spark, submit, corpora, local_corpora):
    submit(corpora).finish()
    assert rows_of(spark, corpora) == local_corpora


@pytest.mark.slow
def test_an_executor_lost_while_messages_are_measured_changes_no_table(spark, cluster, submit, corpora, local_corpora):
    lose_an_executor(cluster, submit(corpora), after="event=done job=ingest ", during="measure")
    assert rows_of(spark, corpora) == local_corpora


@pytest.mark.slow
def test_an_executor_lost_while_ratings_are_made_changes_no_table(spark, cluster, submit, voting, local_votes):
    lose_an_executor(cluster, submit(voting), after="event=done job=battle_stats ", during="ratings")
    assert rows_of(spark, voting) == local_votes


@pytest.mark.slow
@pytest.mark.parametrize("after", ["event=written table=battles", "event=done job=battle_stats "])
def test_a_killed_driver_is_submitted_again(spark, submit, voting, local_votes, after):
    killed = submit(voting)
    killed.wait_for(after, seconds=500)
    killed.kill()
    assert "event=done job=ratings " not in killed.text()
    submit(voting).finish()
    assert rows_of(spark, voting) == local_votes

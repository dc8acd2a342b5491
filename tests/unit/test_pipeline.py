"""The order of jobs: each after what it reads from, and nothing after a failure."""

import threading

import pytest

from arenalake.app.jobs import run_when_ready
from arenalake.jobs import JOBS


def test_every_job_waits_for_jobs_before_it():
    order = list(JOBS)
    for name, job in JOBS.items():
        assert all(order.index(before) < order.index(name) for before in job.after)


def test_a_job_starts_after_all_that_it_waits_for():
    done = []

    def run(job):
        assert set(JOBS[job].after) <= set(done)
        done.append(job)

    run_when_ready(reversed(list(JOBS)), run)
    assert sorted(done) == sorted(JOBS)


def test_a_job_waits_for_a_chosen_one_by_way_of_one_that_was_not_chosen():
    done = []
    run_when_ready(["token_stats", "ingest"], done.append)
    assert done == ["ingest", "token_stats"]


def test_jobs_that_do_not_need_each_other_run_at_the_same_time():
    meeting = threading.Barrier(2, timeout=10)
    run_when_ready(["token_stats", "moderation_stats"], lambda job: meeting.wait())


def test_after_a_failure_what_runs_is_finished_and_nothing_else_is_started():
    both_run, failed, done = threading.Barrier(2, timeout=10), threading.Event(), []

    def run(job):
        if job in ("token_stats", "moderation_stats"):
            both_run.wait()
        if job == "token_stats":
            failed.set()
            raise ValueError("no tokens")
        assert failed.wait(10) or job != "moderation_stats"
        done.append(job)

    with pytest.raises(ValueError, match="no tokens"):
        run_when_ready(["token_stats", "moderation_stats", "report"], run)
    assert done == ["moderation_stats"]

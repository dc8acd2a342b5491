"""Jobs that find nothing to work on: each says so in one line, and which rows the lake lacks."""

import pytest

from arenalake.app.jobs import step_of
from arenalake.config import parse_config
from arenalake.jobs import JOBS
from arenalake.step import Context

LACKS = {
    "measure": "conversations",
    "corpus_stats": "conversations",
    "token_stats": "messages",
    "moderation_stats": "messages",
    "battle_stats": "battles",
    "judge_agreement": "battles",
    "preference_stats": "annotated pairs",
    "tree_stats": "conversation trees",
    "ratings": "battles",
    "recovery": "generated votes",
    "reproduce": "records of a data set with published figures",
    "export": "conversation trees",
}


def test_every_job_that_reads_a_lake_is_listed_here():
    # `report` of an empty lake is refused before it starts.
    assert set(LACKS) == set(JOBS) - {"generate", "ingest", "report"}


@pytest.mark.parametrize("job", LACKS)
def test_on_an_empty_lake_a_job_says_what_is_not_there(lake, job):
    result = step_of(job)(Context(parse_config({"storage": {"root": lake.root}}), lake))
    assert result.lacks == LACKS[job]
    (line,) = result.lines
    assert line.startswith(f"{job}: no")
    assert not result.errors

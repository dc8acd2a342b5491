"""What the tests of different places to run share: inputs, and the tables that local mode makes of them."""

import pytest
from machines import packaged
from same_tables import JOBS, VOTE_JOBS, configuration, corpus_settings, rows_of, vote_settings, write_votes

from arenalake.app.runner import run_steps


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """The project as a user has it after `make package`."""
    return packaged(tmp_path_factory.mktemp("packaged") / "project")


@pytest.fixture(scope="session")
def votes(tmp_path_factory):
    """A file of votes."""
    file = tmp_path_factory.mktemp("votes") / "votes.csv"
    write_votes(file)
    return file


@pytest.fixture(scope="session")
def local_votes_lake(spark, votes, tmp_path_factory):
    """The folder of the tables that local mode makes of the votes."""
    root = tmp_path_factory.mktemp("local") / "lake"
    run_steps(configuration({**vote_settings(votes), "storage.root": root}), VOTE_JOBS)
    return root


@pytest.fixture(scope="session")
def local_votes(spark, votes, local_votes_lake):
    """Those tables as rows."""
    return rows_of({**vote_settings(votes), "storage.root": local_votes_lake})


@pytest.fixture(scope="session")
def raw(spark, tmp_path_factory):
    """Small generated corpora."""
    folder = tmp_path_factory.mktemp("raw")
    sizes = {"generate.conversations": 150, "generate.battles": 300, "generate.models": 6, "generate.files": 3}
    settings = {"storage.root": folder / "lake", "generate.path": folder, "mlflow.enabled": "false", **sizes}
    run_steps(configuration(settings), ["generate"])
    return folder


@pytest.fixture(scope="session")
def local_corpora_lake(spark, raw, tmp_path_factory):
    """The folder of the tables that local mode makes of the corpora."""
    root = tmp_path_factory.mktemp("local") / "lake"
    run_steps(configuration({**corpus_settings(raw), "storage.root": root}), JOBS)
    return root


@pytest.fixture(scope="session")
def local_corpora(spark, raw, local_corpora_lake):
    """Those tables as rows."""
    return rows_of({**corpus_settings(raw), "storage.root": local_corpora_lake})

"""What the tests of different places to run share: inputs, and the tables that local mode makes of them."""

import pytest
from machines import packaged
from same_tables import JOBS, VOTE_JOBS, configuration, corpus_settings, rows_of, vote_settings, write_votes

from arenalake.runner import run_steps


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
def local_votes(spark, votes, tmp_path_factory):
    """The tables that local mode makes of the votes."""
    settings = {**vote_settings(votes), "storage.root": tmp_path_factory.mktemp("local") / "lake"}
    run_steps(configuration(settings), VOTE_JOBS)
    return rows_of(spark, settings)


@pytest.fixture(scope="session")
def raw(spark, tmp_path_factory):
    """Small generated corpora."""
    folder = tmp_path_factory.mktemp("raw")
    sizes = {"generate.conversations": 150, "generate.battles": 300, "generate.models": 6, "generate.files": 3}
    settings = {"storage.root": folder / "lake", "generate.path": folder, "mlflow.enabled": "false", **sizes}
    run_steps(configuration(settings), ["generate"])
    return folder


@pytest.fixture(scope="session")
def local_corpora(spark, raw, tmp_path_factory):
    """The tables that local mode makes of the corpora."""
    settings = {**corpus_settings(raw), "storage.root": tmp_path_factory.mktemp("local") / "lake"}
    run_steps(configuration(settings), JOBS)
    return rows_of(spark, settings)

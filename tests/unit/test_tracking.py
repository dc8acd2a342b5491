"""What MLflow records of a pipeline: one run above those of the jobs, settings, versions, figures, and what failed."""

import json
from concurrent.futures import ThreadPoolExecutor

import mlflow
import pytest
from deltalake import write_deltalake

from arenalake.app.tracking import prepare_tracking, track_job, track_pipeline
from arenalake.battles.tables import BATTLE_COUNTS, PAIR_STATS
from arenalake.config import parse_config
from arenalake.errors import ConfigError
from arenalake.lake import Lake
from arenalake.step import StepResult


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A database of runs, which takes MLflow seconds to make."""
    yield f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/runs.db"
    mlflow.set_tracking_uri(None)


@pytest.fixture
def config(store, tmp_path, request):
    sections = {
        "storage": {"root": str(tmp_path / "lake")},
        "sources": {name: {"format": "votes", "path": f"{name}.csv"} for name in ("crowd", "gpt")},
        "ratings": {"methods": ["bradley_terry", "elo"], "slices": ["all"]},
        "bootstrap": {"rounds": 30, "seed": 7},
        "mlflow": {"tracking_uri": store, "experiment": request.node.name},
    }
    settings = parse_config(sections)
    prepare_tracking(settings)
    return settings


def run_jobs(config, results):
    """Each job in a thread of its own, as the pipeline does it; results by job."""
    lake = Lake(None, config.storage)
    failed = any(result.errors for result in results.values())

    def run(job):
        view = lake.with_own_log()
        write_deltalake(view.address_of(PAIR_STATS), PAIR_STATS.no_rows, mode="overwrite")
        view.load(PAIR_STATS)
        view.load(BATTLE_COUNTS)
        with track_job(job, config, view, parent=pipeline) as record:
            record(results[job])

    with track_pipeline(list(results), config, has_failed=lambda: failed) as pipeline, ThreadPoolExecutor(1) as pool:
        list(pool.map(run, results))
    runs = mlflow.search_runs(experiment_names=[config.mlflow.experiment], output_format="list")
    return {run.info.run_name: run for run in runs}


def test_jobs_stand_below_their_pipeline_with_settings_and_figures(config):
    results = {"battle_stats": StepResult(metrics={"battles": 240.0}), "ratings": StepResult(metrics={"models": 4.0})}
    runs = run_jobs(config, results)
    pipeline = runs["pipeline"]
    assert set(runs) == {"pipeline", "battle_stats", "ratings"}
    for job in results:
        assert runs[job].data.tags["mlflow.parentRunId"] == pipeline.info.run_id
    settings = {
        "sources": "crowd, gpt",
        "tokens.tokenizers": "sample",
        "ratings.methods": "bradley_terry, elo",
        "ratings.slices": "all",
        "bootstrap.rounds": "30",
        "bootstrap.seed": "7",
        "bootstrap.unit": "battle",
    }
    assert runs["ratings"].data.params == settings
    assert pipeline.data.params == {"jobs": "battle_stats, ratings", **settings}
    figures = {"battle_stats.battles", "battle_stats.seconds", "ratings.models", "ratings.seconds", "seconds"}
    assert set(pipeline.data.metrics) == figures
    assert pipeline.data.metrics["ratings.models"] == runs["ratings"].data.metrics["models"] == 4
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_tables_that_were_read_are_inputs_in_their_version(config, tmp_path):
    runs = run_jobs(config, {"ratings": StepResult(), "report": StepResult()})
    found = {}
    for job in ("ratings", "report"):
        (read,) = runs[job].inputs.dataset_inputs  # battle_counts was never written
        assert [(tag.key, tag.value) for tag in read.tags] == [("mlflow.data.context", "read")]
        assert (read.dataset.name, read.dataset.source_type) == ("pair_stats", "delta_table")
        found[job] = (read.dataset.digest, json.loads(read.dataset.source))
    path = f"{tmp_path}/lake/gold/pair_stats"
    versions = [source["delta_table_version"] for _, source in found.values()]
    assert [source["path"] for _, source in found.values()] == [path, path]
    assert versions[0] < versions[1]
    assert all(digest.startswith(f"v{source['delta_table_version']}-") for digest, source in found.values())


def test_what_could_not_be_done_does_not_look_like_success(config):
    failed = StepResult(errors=[ConfigError("export.only: crowd has no conversation trees")])
    runs = run_jobs(config, {"ratings": StepResult(), "export": failed})
    assert {name: run.info.status for name, run in runs.items()} == {
        "pipeline": "FAILED",
        "ratings": "FINISHED",
        "export": "FAILED",
    }


def test_a_job_alone_has_no_run_above_it(config):
    runs = run_jobs(config, {"ratings": StepResult()})
    assert set(runs) == {"ratings"}
    assert "mlflow.parentRunId" not in runs["ratings"].data.tags


def test_a_table_in_a_catalog_has_its_name_as_address():
    storage = parse_config({"storage": {"catalog": "main", "schema": "votes"}}).storage
    assert Lake(None, storage).address_of(PAIR_STATS) == "main.votes.pair_stats"
    assert Lake(None, storage).name_of(PAIR_STATS) == "`main`.`votes`.`pair_stats`"

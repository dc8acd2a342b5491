"""Where a lake may be: folders with signs that mean something in URIs or SQL, and folders that are copied."""

import shutil

import mlflow
import pytest
from same_tables import configuration, vote_settings

from arenalake.runner import run_steps
from arenalake.tracking import prepare_tracking

JOBS = ["ingest", "battle_stats", "ratings", "report"]


@pytest.fixture(autouse=True)
def tracking(monkeypatch):
    """MLflow without a server, as it is in a new process, before and after."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield
    mlflow.set_tracking_uri(None)


def settings_for(root, votes):
    """The votes with the record of runs on; the path goes past YAML, which has its own idea of some signs."""
    settings = configuration({**vote_settings(votes), "mlflow.enabled": "true", "bootstrap.rounds": 5})
    return settings.model_copy(update={"storage": settings.storage.model_copy(update={"root": str(root)})})


def logged(root):
    """Jobs that MLflow has a record of, each as often as it was run, and their files below the root."""
    runs = mlflow.search_runs(experiment_names=["arenalake"], output_format="list")
    files = [file.relative_to(root) for file in (root / "mlruns").rglob("config.yaml")]
    return sorted(run.data.tags["arenalake.job"] for run in runs), len(files)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a%20b?c#d", 'it\'s `{x}` é&c=1;"d"\\e'])
def test_a_folder_may_have_any_sign_in_its_name(spark, votes, tmp_path, monkeypatch, name):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    root = tmp_path / name / "lake"
    config = settings_for(root, votes)
    run_steps(config, JOBS)
    run_steps(config, JOBS)
    assert logged(root) == (sorted(2 * JOBS), 2 * len(JOBS))
    assert {path.name for path in root.iterdir()} == {".lock", "silver", "gold", "report", "mlflow.db", "mlruns"}
    assert {path.name for path in tmp_path.iterdir()} == {name, "elsewhere"}
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_record_of_runs_follows_a_lake_that_is_copied(votes, tmp_path):
    first, second = tmp_path / "first", tmp_path / "se%20cond"
    first.mkdir()

    def record(root):
        prepare_tracking(settings_for(root, votes))
        with mlflow.start_run() as run:
            mlflow.log_text(f"written to {root}", "words.txt")
        return run.info.run_id

    old = record(first)
    shutil.copytree(first, second)
    new = record(second)
    assert sorted(path.parent.parent.name for path in second.rglob("words.txt")) == sorted([old, new])
    assert [path.parent.parent.name for path in first.rglob("words.txt")] == [old]
    shutil.rmtree(first)
    assert mlflow.artifacts.load_text(f"runs:/{old}/words.txt") == f"written to {first}"
    assert mlflow.artifacts.load_text(f"runs:/{new}/words.txt") == f"written to {second}"

"""Where a lake may be: folders of any name, folders that are copied; and places that are refused before any work."""

import shutil

import mlflow
import pytest
from same_tables import configuration, vote_settings

from arenalake.app import runner
from arenalake.app.runner import run_steps
from arenalake.app.session import require_file_systems
from arenalake.app.tracking import prepare_tracking
from arenalake.errors import ConfigError, SessionError, StorageUnreachableError, TokenizerError

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
    recorded = 2 * ["pipeline", *JOBS]
    assert logged(root) == (sorted(recorded), len(recorded))
    pipeline = mlflow.search_runs(experiment_names=["arenalake"], filter_string="run_name = 'pipeline'")
    assert set(pipeline["metrics.ratings.rated_models_votes"]) == {4}
    # The votes are even, so every model has the mean.
    assert set(pipeline["metrics.ratings.top_rating_votes_bradley_terry"].round(6)) == {1000.0}
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


def test_files_of_a_store_that_is_given_lie_beside_it_where_the_tables_are_not_in_a_folder(tmp_path):
    store = {"mlflow.enabled": "true", "mlflow.tracking_uri": f"sqlite:///{tmp_path}/runs.db"}
    prepare_tracking(configuration({"storage.root": "s3a://bucket/lake", **store}))
    assert mlflow.get_experiment_by_name("arenalake").artifact_location == f"file://{tmp_path}/mlruns"


def test_a_tokenizer_that_cannot_be_loaded_is_told_before_anything_is_ingested(spark, votes, tmp_path):
    settings = {**vote_settings(votes), "storage.root": tmp_path / "lake", "tokens.tokenizers": "[spm:/no.model]"}
    with pytest.raises(TokenizerError, match=r"spm:/no\.model"):
        run_steps(configuration(settings), ["ingest", "measure"])
    assert not (tmp_path / "lake/silver").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"storage.root": "hdfs://host/lake"},
            r"report\.path: is not set, and the tables are neither in a local",
        ),
        (
            {"report.path": "hdfs://host/report"},
            r"report\.path: hdfs://host/report is neither a local or mounted",
        ),
        ({"report.path": "/"}, r"report\.path: / holds files that are not a report"),
        (
            {"storage.root": "s3a://bucket/lake", "report.path": "x", "mlflow.enabled": "true"},
            r"mlflow\.tracking_uri: is not set, .* set it or MLFLOW_TRACKING_URI, or set mlflow\.enabled=false",
        ),
    ],
)
def test_a_place_that_cannot_be_written_to_is_told_before_spark_starts(votes, tmp_path, monkeypatch, settings, said):
    monkeypatch.setattr(runner, "get_session", lambda config: pytest.fail("a session was started"))
    settings = {**vote_settings(votes), "storage.root": tmp_path / "lake", **settings}
    with pytest.raises(ConfigError, match=said) as refused:
        run_steps(configuration(settings), JOBS)
    assert refused.value.exit_status == 2
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    ("scheme", "package"),
    [
        ("s3a", "org.apache.hadoop:hadoop-aws"),
        ("abfss", "hadoop-azure"),
        ("gs", "gcs-connector"),
        ("xyz", "its classes"),
    ],
)
def test_a_file_system_that_spark_does_not_have_is_told_in_one_line(spark, scheme, package):
    root = f"{scheme}://bucket@host/lake"
    for call in ((root, {}), ("lake", {"votes": f"{root}/raw/*.csv"})):
        key = "storage.root" if call[0] == root else "sources.votes.path"
        with pytest.raises(SessionError, match=rf"^{key}: .* no file system for {scheme}://.*{package}.*$") as refused:
            require_file_systems(spark, *call)
        assert "\n" not in str(refused.value)


def test_storage_that_does_not_answer_is_told_in_one_line_and_a_folder_is_not_asked(spark, tmp_path):
    require_file_systems(spark, str(tmp_path), {"votes": "file:/nowhere/votes.csv"})
    with pytest.raises(StorageUnreachableError, match=r"storage\.root: .*hdfs://127.0.0.1:1/lake.*refused") as failed:
        require_file_systems(spark, "hdfs://127.0.0.1:1/lake", {})
    assert failed.value.exit_status == 1
    assert "\n" not in str(failed.value)

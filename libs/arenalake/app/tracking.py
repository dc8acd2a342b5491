"""Each job as an MLflow run, below one of the pipeline: settings, Delta versions, counts, timings, leaderboards."""

import hashlib
import json
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from arenalake import __version__
from arenalake.app.tables import ALL_TABLES
from arenalake.config import Config
from arenalake.disclosure.cells import hide_moderation_cells, hide_shape_cells, hide_token_cells
from arenalake.errors import ConfigError
from arenalake.lake import Lake
from arenalake.step import StepResult

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

log = logging.getLogger(__name__)

# The tag by which MLflow shows a run below another.
_PARENT = "mlflow.parentRunId"
_URI = "MLFLOW_TRACKING_URI"
Record = Callable[[StepResult], None]
# Runs may be shared as the report is: of these tables small cells are hidden in the same way.
_HIDE = {"corpus": hide_shape_cells, "flag_rates": hide_moderation_cells, "token_lengths": hide_token_cells}


def require_tracking(config: Config) -> None:
    """Check that runs can be recorded, before anything is done.

    Raises:
        ConfigError: MLflow is wanted and not installed, or would put its files into the working directory.
    """
    if not config.mlflow.enabled:
        return
    if find_spec("mlflow") is None:
        raise ConfigError("mlflow.enabled: mlflow is not installed; install it or set mlflow.enabled=false")
    # On Databricks MLflow knows its server by itself.
    has_own_place = config.storage.local_root is not None or bool(os.environ.get("DATABRICKS_RUNTIME_VERSION"))
    if _tracking_uri(config) is None and not has_own_place:
        raise ConfigError(
            "mlflow.tracking_uri: is not set, and has no default because the tables are not in a local folder; set it "
            "or MLFLOW_TRACKING_URI, or set mlflow.enabled=false"
        )


def _tracking_uri(config: Config) -> str | None:
    return config.mlflow.tracking_uri or os.environ.get(_URI)


def prepare_tracking(config: Config) -> None:
    """Set where MLflow keeps its runs; a local SQLite file is made below the storage root.

    Call `require_tracking` first.
    """
    if not config.mlflow.enabled:
        return
    import mlflow

    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    root = config.storage.local_root
    uri = _tracking_uri(config)
    name = config.mlflow.experiment
    if uri is None and root is not None:
        _move_artifacts(root, name)
        uri = _sqlite_uri(root / "mlflow.db")
    if uri is not None:
        outside = os.environ.get(_URI)
        mlflow.set_tracking_uri(uri)
        if outside is None:
            # MLflow sets the variable too, and the next lake of this process would be recorded with this one.
            os.environ.pop(_URI, None)
    if uri is not None and uri.startswith("sqlite") and mlflow.get_experiment_by_name(name) is None:
        from sqlalchemy import make_url

        # Without a place of its own a local store would put artifacts into the working directory.
        beside = root or Path(str(make_url(uri).database)).absolute().parent
        mlflow.create_experiment(name, (beside / "mlruns").as_uri())
    mlflow.set_experiment(name)


def _sqlite_uri(database: Path) -> str:
    """The file as a URI that SQLAlchemy and MLflow read alike, whatever characters are in its path."""
    from sqlalchemy import make_url

    path = str(database)
    quoted = quote(path)
    if quoted == path:
        return f"sqlite:///{path}"
    # With the driver's name MLflow does not make the folder of that name, which is the quoted path.
    uri = f"sqlite+pysqlite:///{quoted}"
    # Before version 2.1 SQLAlchemy passes a path on as it stands in the URI; then SQLite decodes it.
    return uri if make_url(uri).database == path else f"sqlite+pysqlite:///file:{quoted}?uri=true"


def _move_artifacts(root: Path, experiment: str) -> None:
    """Let an experiment keep its files in this lake, though it was made where the lake was copied or moved from.

    MLflow keeps absolute paths and has no call to change them, so this changes its tables.
    """
    database, artifacts = root / "mlflow.db", (root / "mlruns").as_uri()
    if not database.exists():
        return
    with closing(sqlite3.connect(database)) as connection, connection:
        try:
            found = connection.execute(
                "SELECT experiment_id, artifact_location FROM experiments WHERE name = ?", [experiment]
            ).fetchone()
        except sqlite3.OperationalError:  # a database that MLflow has not filled yet
            return
        if found is None or found[1] == artifacts:
            return
        key, before = found
        connection.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", [artifacts, key])
        connection.execute(
            "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, length(?) + 1) "
            "WHERE experiment_id = ? AND substr(artifact_uri, 1, length(?) + 1) = ? || '/'",
            [artifacts, before, key, before, before],
        )
    log.info("artifacts follow the lake", extra={"experiment": experiment, "before": before})


@contextmanager
def track_pipeline(jobs: Sequence[str], config: Config, *, has_failed: Callable[[], bool]) -> Iterator[str | None]:
    """A context around several jobs, which yields the id of the run above theirs; none where a job runs alone.

    Call `prepare_tracking` first.

    Args:
        has_failed: asked at the end, whether a job that ended could not do all of its work.
    """
    if not config.mlflow.enabled or len(jobs) == 1:
        yield None
        return
    import mlflow

    started = time.monotonic()
    tags = {"arenalake.job": "pipeline", "arenalake.version": __version__}
    with mlflow.start_run(run_name="pipeline", tags=tags) as run:
        _log_settings(config)
        mlflow.log_param("jobs", ", ".join(jobs))
        yield run.info.run_id
        mlflow.log_metric("seconds", time.monotonic() - started)
        if has_failed():
            mlflow.end_run("FAILED")


def track_job(job: str, config: Config, lake: Lake, *, parent: str | None = None) -> AbstractContextManager[Record]:
    """A context that yields a function to call with the step's result; a failure inside marks the run as failed.

    Call `prepare_tracking` first.

    Args:
        parent: what `track_pipeline` yields.
    """
    if not config.mlflow.enabled:
        return nullcontext(lambda result: None)
    return _mlflow_run(job, config, lake, parent)


@contextmanager
def _mlflow_run(job: str, config: Config, lake: Lake, parent: str | None) -> Iterator[Record]:
    import mlflow

    started = time.monotonic()
    tags = {"arenalake.job": job, "arenalake.version": __version__}
    # Jobs run in threads of their own, where MLflow does not see the run above.
    above = {} if parent is None else {_PARENT: parent}
    with mlflow.start_run(run_name=job, tags={**tags, **above}) as run:
        _log_settings(config)

        def record(result: StepResult) -> None:
            versions = lake.versions()
            mlflow.log_dict(versions, "delta_versions.json")
            mlflow.MlflowClient().log_inputs(run.info.run_id, _inputs(lake, versions["read"]))
            metrics = {**result.metrics, "seconds": time.monotonic() - started}
            mlflow.log_metrics(metrics)
            if parent is not None:
                mlflow.log_metrics({f"{job}.{name}": value for name, value in metrics.items()}, run_id=parent)
            for name, table in result.tables.items():
                shown = _HIDE[name](table, config.report.min_cell) if name in _HIDE else table
                mlflow.log_table(shown, f"{name}.json")
            if result.unreadable:
                mlflow.log_text("\n".join(result.unreadable), "unreadable_files.txt")
            if result.unreadable or result.errors:
                mlflow.end_run("FAILED")

        yield record


def _log_settings(config: Config) -> None:
    """The whole configuration as a file, and what people compare runs by as parameters."""
    import mlflow

    mlflow.log_dict(config.model_dump(mode="json", by_alias=True), "config.yaml")
    mlflow.log_params(
        {
            "sources": ", ".join(config.sources),
            "tokens.tokenizers": ", ".join(config.tokens.tokenizers),
            "ratings.methods": ", ".join(config.ratings.methods),
            "ratings.slices": ", ".join(config.ratings.slices),
            "bootstrap.rounds": config.bootstrap.rounds,
            "bootstrap.seed": config.bootstrap.seed,
            "bootstrap.unit": config.bootstrap.unit,
        }
    )


def _inputs(lake: Lake, versions: Mapping[str, int]) -> "list[DatasetInput]":
    """Tables in a Delta version, as MLflow's data sets.

    Equal names and digests are the same data to MLflow: a digest is made of the version and of where the table is.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    found = []
    for table in ALL_TABLES:
        if table.name not in versions:
            continue
        version, address = versions[table.name], lake.address_of(table)
        place = {"delta_table_name" if lake.root is None else "path": address, "delta_table_version": version}
        digest = f"v{version}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"
        dataset = Dataset(name=table.name, digest=digest, source_type="delta_table", source=json.dumps(place))
        found.append(DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "read")]))
    return found

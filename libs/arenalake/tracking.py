"""Each job as an MLflow run: resolved configuration, Delta versions, row counts, timings, the leaderboard."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from arenalake import __version__
from arenalake.config import Config
from arenalake.errors import ConfigError
from arenalake.lake import Lake
from arenalake.report.hide import hide_moderation_cells, hide_shape_cells, hide_token_cells
from arenalake.steps import StepResult

log = logging.getLogger(__name__)

Record = Callable[[StepResult], None]
# Runs may be shared as the report is: of these tables small cells are hidden in the same way.
_HIDE = {"corpus": hide_shape_cells, "flag_rates": hide_moderation_cells, "token_lengths": hide_token_cells}


def prepare_tracking(config: Config) -> None:
    """Set where MLflow keeps its runs; a local SQLite file is made below the storage root.

    Raises:
        ConfigError: MLflow is wanted and not installed.
    """
    if not config.mlflow.enabled:
        return
    try:
        import mlflow
    except ImportError:
        raise ConfigError("mlflow.enabled: mlflow is not installed; install it or set mlflow.enabled=false") from None
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    root = config.storage.local_root
    uri = config.mlflow.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    if uri is None and root is not None:
        uri = f"sqlite:///{root}/mlflow.db"
    if uri is not None:
        mlflow.set_tracking_uri(uri)
    name = config.mlflow.experiment
    if uri is not None and uri.startswith("sqlite:") and mlflow.get_experiment_by_name(name) is None:
        # Without a place of its own a local store would put artifacts into the working directory.
        mlflow.create_experiment(name, (root / "mlruns").as_uri() if root else None)
    mlflow.set_experiment(name)


def track_job(job: str, config: Config, lake: Lake) -> AbstractContextManager[Record]:
    """A context that yields a function to call with the step's result; a failure inside marks the run as failed.

    Call `prepare_tracking` first.
    """
    if not config.mlflow.enabled:
        return nullcontext(lambda result: None)
    return _mlflow_run(job, config, lake)


@contextmanager
def _mlflow_run(job: str, config: Config, lake: Lake) -> Iterator[Record]:
    import mlflow

    started = time.monotonic()
    with mlflow.start_run(run_name=job, tags={"arenalake.job": job, "arenalake.version": __version__}):
        mlflow.log_dict(config.model_dump(mode="json", by_alias=True), "config.yaml")

        def record(result: StepResult) -> None:
            mlflow.log_dict(lake.versions(), "delta_versions.json")
            mlflow.log_metrics({**result.metrics, "seconds": time.monotonic() - started})
            for name, table in result.tables.items():
                shown = _HIDE[name](table, config.report.min_cell) if name in _HIDE else table
                mlflow.log_table(shown, f"{name}.json")
            if result.unreadable:
                mlflow.log_text("\n".join(result.unreadable), "unreadable_files.txt")

        yield record

"""What every job entry does around its step: arguments, configuration, logs, session, lock, run record, exit status."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence

from arenalake.config import Config, load_config
from arenalake.errors import ArenalakeError, UnreadableFilesError
from arenalake.lake import Lake
from arenalake.lock import lake_lock
from arenalake.logs import configure_logging
from arenalake.pipeline import in_dependency_order, step_of
from arenalake.progress import Progress
from arenalake.session import get_session
from arenalake.steps import Context
from arenalake.tracking import track_job

log = logging.getLogger(__name__)


def run_job(job: str, arguments: Sequence[str] | None = None) -> None:
    """Run one job as a program: `--config FILE` and any number of `--set dotted.key=value`."""
    _main(job, [job], arguments)


def run_pipeline(arguments: Sequence[str] | None = None) -> None:
    """Run the jobs of `pipeline.jobs` in dependency order, in one session."""
    _main("pipeline", None, arguments)


def _main(program: str, jobs: Sequence[str] | None, arguments: Sequence[str] | None) -> None:
    parser = argparse.ArgumentParser(prog=f"jobs/{program}.py")
    parser.add_argument("--config", required=True, metavar="FILE", help="YAML configuration")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a dotted key")
    options = parser.parse_args(arguments)
    configure_logging("info")
    try:
        config = load_config(options.config, options.set)
        configure_logging(config.log_level)
        run_steps(config, jobs or in_dependency_order(config.pipeline.jobs))
    except ArenalakeError as error:
        # A raised exit status of 0 can count as failure on some clusters, so only failures exit here.
        print(f"{program}: {error}", file=sys.stderr)
        sys.exit(error.exit_status)


def run_steps(config: Config, jobs: Sequence[str]) -> None:
    """Run jobs in the given order; results go to stdout as each job ends.

    Raises:
        UnreadableFilesError: after everything else is done, if raw files could not be read.
    """
    unreadable: list[str] = []
    spark = get_session(config.spark)
    with lake_lock(config.storage, jobs), Progress(jobs) as progress:
        lake = Lake(spark, config.storage, rebuild=config.pipeline.rebuild)
        for job in jobs:
            lake.start_log()
            started = time.monotonic()
            with progress.stage(job), track_job(job, config, lake) as record:
                result = step_of(job)(Context(config, lake))
                record(result)
            log.info("done", extra={"job": job, "seconds": round(time.monotonic() - started, 1)})
            for line in result.lines:
                print(line)
            unreadable += result.unreadable
    if unreadable:
        raise UnreadableFilesError(
            f"{len(unreadable)} file(s) could not be read, everything else is done: " + "; ".join(unreadable)
        )

"""What every job entry does around its step: arguments, configuration, logs, session, lock, run record, exit status."""

import argparse
import logging
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession

from arenalake.app.checks import add_lack, require_records, require_usable
from arenalake.app.jobs import run_when_ready, step_of
from arenalake.app.lock import lake_lock
from arenalake.app.logs import configure_logging
from arenalake.app.progress import Progress
from arenalake.app.report import require_report
from arenalake.app.sample import sample_notice
from arenalake.app.session import (
    get_session,
    has_outer_session,
    require_file_systems,
    require_java,
    require_lasting_tables,
)
from arenalake.app.tracking import prepare_tracking, require_tracking, track_job, track_pipeline
from arenalake.config import Config, load_config
from arenalake.errors import ArenalakeError, SeveralErrors, UnreadableFilesError
from arenalake.jobs import JOBS
from arenalake.lake import Lake
from arenalake.lake.small import is_reached
from arenalake.paths import local_path
from arenalake.plurals import counted
from arenalake.step import Context

log = logging.getLogger(__name__)


def run_job(job: str, arguments: Sequence[str] | None = None) -> None:
    """Run one job as a program: `--config FILE` and any number of `--set dotted.key=value`."""
    _main(job, [job], arguments)


def run_pipeline(arguments: Sequence[str] | None = None) -> None:
    """Run the jobs of `pipeline.jobs` in one session, those that do not need each other at the same time."""
    _main("pipeline", None, arguments)


def _main(program: str, jobs: Sequence[str] | None, arguments: Sequence[str] | None) -> None:
    parser = argparse.ArgumentParser(prog=f"jobs/{program}.py")
    parser.add_argument("--config", required=True, metavar="FILE", help="YAML configuration")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a dotted key")
    options = parser.parse_args(arguments)
    try:
        run_configured(options.config, options.set, jobs)
    except ArenalakeError as error:
        # A raised exit status of 0 can count as failure on some clusters, so only failures exit here.
        print(f"{program}: {error}", file=sys.stderr)
        sys.exit(error.exit_status)


def run_configured(path: str, overrides: Sequence[str], jobs: Sequence[str] | None, *, named: bool = False) -> None:
    """Run jobs, or those of `pipeline.jobs` where none is named, by a configuration file.

    Args:
        named: a person asked for these very jobs, unlike the task of a workflow that runs every job.

    Raises:
        ArenalakeError: as `load_config` and `run_steps` say.
    """
    configure_logging("info")
    config = load_config(path, overrides)
    configure_logging(config.log_level)
    only = not jobs and len(config.pipeline.jobs) == 1
    run_steps(config, jobs or config.pipeline.jobs, named=named or only)


def run_steps(config: Config, jobs: Sequence[str], *, named: bool = False) -> None:
    """Run jobs, each after those it reads from; results go to stdout as each job ends.

    Args:
        named: each of the jobs was asked for, so one that has nothing to do is an error.

    Raises:
        ArenalakeError: after everything else is done, if raw files could not be read, a source brought nothing, or a
            job that was asked for had nothing to do.
    """
    began = time.monotonic()
    on_terminal = sys.stdout.isatty()
    summaries: dict[str, list[str]] = {}
    unreadable: list[str] = []
    errors: list[ArenalakeError] = []
    _require_places(config, jobs)
    require_usable(config, jobs)
    require_records(config.storage, jobs)
    with lake_lock(config.storage, jobs), Progress(len(jobs)) as progress:
        session = _Session(config, jobs, progress)
        # A session takes seconds to come up, and so do the record of runs and the tokenizers.
        with ThreadPoolExecutor(1) as beside:
            prepared = beside.submit(_prepare, config, jobs)
            spark = session if _may_need_no_spark(config, jobs) else session()
            prepared.result()
        lake = Lake(spark, config.storage, rebuild=config.pipeline.rebuild)

        def run(job: str) -> None:
            view = lake.with_own_log()
            started = time.monotonic()
            with progress.stage(job), track_job(job, config, view, parent=pipeline) as record:
                result = step_of(job)(Context(config, view))
                add_lack(job, result, view, jobs, named=named)
                record(result)
            log.info("done", extra={"job": job, "seconds": round(time.monotonic() - started, 1)})
            if on_terminal and result.summary:
                summaries[job] = result.summary
            elif result.lines:
                # A leaderboard of a sample has to say so wherever it is printed.
                notice = sample_notice(config) if job == "ratings" else ""
                print("\n".join([notice, *result.lines] if notice else result.lines), flush=True)
            unreadable.extend(result.unreadable)
            errors.extend(result.errors)

        with track_pipeline(jobs, config, has_failed=lambda: bool(errors or unreadable)) as pipeline:
            run_when_ready(jobs, run)
    if on_terminal:
        print("\n".join(closing_lines(config, jobs, summaries, time.monotonic() - began)), flush=True)
    elif "generate" in jobs and (notice := sample_notice(config)):
        print(notice, flush=True)
    if unreadable:
        n_files = counted(len(unreadable), "file")
        told = f"{n_files} could not be read; everything else is done: " + "; ".join(unreadable)
        errors.insert(0, UnreadableFilesError(told))
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralErrors(errors)


def closing_lines(
    config: Config, jobs: Sequence[str], summaries: Mapping[str, Sequence[str]], seconds: float
) -> list[str]:
    """The block at the end of a run in a terminal: leaderboards, the report, the time, and what to try next.

    Args:
        summaries: what jobs say, by job; ratings come first and the report last.
        seconds: how long the run took.
    """
    lines = [""]
    if notice := sample_notice(config):
        lines += [notice, ""]
    for job in sorted(summaries, key=list(JOBS).index):
        lines += [*summaries[job], ""]
    minutes, rest = divmod(round(seconds), 60)
    took = f"{minutes} min {rest} s" if minutes else f"{rest} s"
    lines.append(f"{counted(len(jobs), 'job')} in {took}")
    if notice:
        lines.append("next: for your own votes, run arenalake init VOTES.csv, then arenalake run")
    else:
        lines.append(f"next: {_what_to_try(config, jobs, has_ratings='ratings' in summaries)}")
    return lines


def _what_to_try(config: Config, jobs: Sequence[str], *, has_ratings: bool) -> str:
    if set(jobs) <= {"generate", "ingest", "measure"}:
        return "run the jobs that give statistics; arenalake jobs lists them"
    if "report" not in jobs:
        return "run the job report to see plots and tables"
    if not has_ratings:
        return "for more statistics, run further jobs and report; arenalake jobs lists them"
    if len(config.ratings.methods) == 1:
        return "to add a method or a slice, set ratings.methods or ratings.slices and run ratings report"
    return "to add a slice, set ratings.slices and run ratings report"


class _Session:
    """Gives the session in which jobs run; started by whoever asks first, in whatever thread."""

    def __init__(self, config: Config, jobs: Sequence[str], progress: Progress) -> None:
        self._config = config
        self._jobs = jobs
        self._progress = progress
        self._started: SparkSession | None = None
        self._lock = threading.Lock()

    def __call__(self) -> SparkSession:
        with self._lock:
            if self._started is None:
                self._started = self._start()
            return self._started

    def _start(self) -> SparkSession:
        config = self._config
        with self._progress.step("starting Spark…"):
            spark = get_session(config.spark)
        self._progress.follow(spark)
        require_lasting_tables(spark, config.storage)
        read = config.sources if "ingest" in self._jobs else {}
        require_file_systems(spark, config.storage.root, {name: source.path for name, source in read.items()})
        return spark


def _may_need_no_spark(config: Config, jobs: Sequence[str]) -> bool:
    """Whether Spark waits until it is needed: all is on this machine, and there are tables, so nothing may be new.

    If not, it starts at once, while other things are prepared.

    Raises:
        SessionError: it could not be started.
    """
    root = config.storage.local_root
    if root is None or not is_reached(root) or has_outer_session():
        return False
    read = config.sources.values() if "ingest" in jobs else ()
    if any(local_path(source.path) is None for source in read) or not any(root.glob("*/*/_delta_log")):
        return False
    if set(jobs) != {"report"}:
        require_java()
    return True


def _prepare(config: Config, jobs: Sequence[str]) -> None:
    if "measure" in jobs:
        from arenalake.text.messages import require_counters

        require_counters(config.tokens.tokenizers, config.language.detector)
    prepare_tracking(config)


def _require_places(config: Config, jobs: Sequence[str]) -> None:
    """What has no place to go is told before the first job, not after hours of work."""
    require_tracking(config)
    if "report" in jobs:
        require_report(config)

"""What can be told about a configuration before Spark starts."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from arenalake.app.report import require_report
from arenalake.app.session import has_outer_session, require_java, require_lasting_catalog
from arenalake.app.tracking import require_tracking
from arenalake.config import Config
from arenalake.entities.tables import INGESTED_FILES
from arenalake.errors import ArenalakeError, CallerError, ConfigError, SourceNotFoundError, VotesError
from arenalake.hints import did_you_mean
from arenalake.ingest.files import folder_values
from arenalake.jobs import JOBS
from arenalake.labels import clean_name
from arenalake.lake import Lake
from arenalake.lake.options import StorageConfig
from arenalake.paths import is_hidden, local_path
from arenalake.sources import SOURCES
from arenalake.sources.settings import SourceSettings
from arenalake.step import StepResult
from arenalake.text.detectors import require_detector
from arenalake.text.tokenizers import load_counter, require_specs, tokenizer_keys

# Files whose columns are known without reading them whole.
_WITH_HEADER = (".csv", ".tsv", ".parquet")
# So many columns of a file are listed where one is missing.
_LISTED = 12


def require_usable(config: Config, jobs: Sequence[str]) -> None:
    """Check what needs no Spark and takes no time: that files are there, and that packages are installed.

    A single source that is missing, or has other columns, is left to `ingest`, which reads the others first; and so are
    sources of several files, of which some may be right, files that cannot be read, and every path where Spark runs
    elsewhere, whose files this process may not see.

    Raises:
        SourceNotFoundError, ConfigError: no source has a file, or one with its columns.
        TokenizerError, ConfigError, DetectorError: `measure` could not count or detect, or a later job would miss a
            tokenizer.
    """
    problems = _source_problems(config, jobs, closely=False)
    if problems and len(problems) == len(config.sources):
        told = "; ".join(map(str, problems))
        raise SourceNotFoundError(told) if isinstance(problems[0], SourceNotFoundError) else ConfigError(told)
    for check in _of_settings(config, jobs):
        check()


def require_records(storage: StorageConfig, jobs: Sequence[str]) -> None:
    """Check that a local lake holds tables, where these jobs bring no records themselves.

    Raises:
        CallerError: it holds none, so that every job would find nothing to do.
    """
    root = storage.local_root
    if root is None or {"generate", "ingest"} & set(jobs) or has_outer_session():
        return
    if not any((root / layer).is_dir() for layer in ("silver", "gold")):
        raise CallerError(
            f"storage.root: {root} holds no tables, so {', '.join(jobs)} would have no input; run the job ingest "
            "first, or give the folder of a lake"
        )


def add_lack(job: str, result: StepResult, lake: Lake, jobs: Sequence[str], *, named: bool) -> None:
    """Make it an error that a job had nothing to do, wherever the lake is and whatever other tables it holds.

    Where nobody named the job, its list may fit other data sets too: then only a lake into which nothing was ever
    ingested is an error, unless `ingest` is in the list and reports it.
    """
    if result.lacks and (named or not ({"generate", "ingest"} & set(jobs) or lake.exists(INGESTED_FILES))):
        between = ", ".join(other for other in JOBS[job].after if other != "ingest")
        first = f"ingest a source that has them{f' and run {between}' if between else ''}"
        result.errors.append(CallerError(f"{job}: the lake holds no {result.lacks}; leave {job} out, or first {first}"))


def find_problems(config: Config, jobs: Sequence[str]) -> list[ArenalakeError]:
    """All that would stop these jobs or a source, as far as it can be told without Spark.

    Other than before a run, this takes a second or more: tokenizers are loaded.
    """
    problems: list[ArenalakeError] = []
    checks: list[Callable[[], object]] = [partial(require_tracking, config), *_of_settings(config, jobs)]
    if "report" in jobs:
        checks.append(partial(require_report, config))
    checks.append(partial(require_records, config.storage, jobs))
    if config.spark.master is not None and not has_outer_session():
        checks.append(require_java)
        if not {"PYSPARK_SUBMIT_ARGS", "SPARK_CONF_DIR"} & set(os.environ):  # where more settings may come from
            settings = config.spark.conf
            checks.append(partial(require_lasting_catalog, settings.get, config.storage))
    if "measure" in jobs:
        checks += [partial(_load_tokenizer, spec) for spec in config.tokens.tokenizers]
    for check in checks:
        try:
            check()
        except ArenalakeError as error:
            if str(error) not in map(str, problems):
                problems.append(error)
    return [*_source_problems(config, jobs, closely=True), *problems]


def _load_tokenizer(spec: str) -> None:
    """Load a tokenizer, unless it would have to be downloaded."""
    require_specs([spec])
    if not spec.startswith("tiktoken:") or os.path.exists(spec.removeprefix("tiktoken:").removesuffix("+bos")):
        load_counter(spec)


def _of_settings(config: Config, jobs: Sequence[str]) -> list[Callable[[], object]]:
    """Checks that look at no raw file and load nothing."""
    checks: list[Callable[[], object]] = []
    if "measure" in jobs:
        checks.append(partial(require_specs, config.tokens.tokenizers))
        checks.append(partial(require_detector, config.language.detector))
    if "ratings" in jobs:
        checks.append(lambda: config.ratings.require_tokenizers(tokenizer_keys(config.tokens.tokenizers)))
    if "judge_agreement" in jobs:
        checks.append(lambda: config.judges.with_tokenizer(list(tokenizer_keys(config.tokens.tokenizers))))
    return checks


def _source_problems(config: Config, jobs: Sequence[str], *, closely: bool) -> list[ArenalakeError]:
    """Sources without a file, or whose file has not the columns; none where this process may not see them.

    Args:
        closely: also tell of files that cannot be read, and look at the first of several files.
    """
    if "ingest" not in jobs or "generate" in jobs or has_outer_session():
        return []
    found = (_problem_of(name, source, closely=closely) for name, source in config.sources.items())
    return [problem for problem in found if problem is not None]


def _problem_of(name: str, source: SourceSettings, *, closely: bool) -> ArenalakeError | None:
    if not _may_exist(source.path):
        return SourceNotFoundError(f"sources.{name}.path: {source.path} does not exist")
    file = _file_with_header(source.path, alone=not closely)
    if file is None:
        return None
    from arenalake.api.files import scan_votes  # which takes seconds to import, with all that `rate` needs

    try:
        columns = scan_votes(file).collect_schema().names()
    except VotesError as error:
        return ConfigError(f"sources.{name}.path: {error}") if closely else None
    fields = SOURCES[source.format].fields(source)
    names = {clean_name(column) for column in columns} | set(map(clean_name, folder_values(str(file))))
    listed = ", ".join([*columns[:_LISTED], *(["…"] if len(columns) > _LISTED else [])])
    for field in fields:
        if field.mapped and clean_name(field.column) not in names:
            return ConfigError(
                f"sources.{name}.columns: {file} has no column {field.column!r} for {field.name}"
                f"{did_you_mean(field.column, columns)}; it has {listed}"
            )
    if not names & {clean_name(field.column.partition(".")[0]) for field in fields}:
        return ConfigError(f"sources.{name}.format: {file} has none of the columns of {source.format}; it has {listed}")
    return None


def _may_exist(path: str) -> bool:
    """Whether something is there, as far as this machine can tell."""
    own = local_path(path)
    return own is None or any(sign in own for sign in "*?[{") or os.path.exists(own)


def _file_with_header(path: str, *, alone: bool) -> Path | None:
    """The first file on this machine whose columns are known without reading it whole.

    Args:
        alone: not if there are further files.
    """
    own = local_path(path)
    if own is None or os.path.isfile(own):
        return Path(own) if own is not None and own.lower().endswith(_WITH_HEADER) else None
    files = _visible_files(own)
    if alone:
        first, further = next(files, None), next(files, None)
        files = iter([] if first is None or further is not None else [first])
    return next((file for file in files if file.name.lower().endswith(_WITH_HEADER)), None)


def _visible_files(root: str) -> Iterator[Path]:
    """The files under a folder that Spark reads, in the order of their names, without listing all of them first."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        yield from (Path(folder, name) for name in sorted(files) if not is_hidden(name))

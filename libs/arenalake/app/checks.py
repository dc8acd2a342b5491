"""What can be told about a configuration before Spark starts."""

import os
from collections.abc import Sequence

from arenalake.app.session import has_outer_session
from arenalake.config import Config
from arenalake.errors import SourceNotFoundError
from arenalake.paths import local_path
from arenalake.text.detectors import require_detector
from arenalake.text.tokenizers import require_specs


def require_usable(config: Config, jobs: Sequence[str]) -> None:
    """Check what needs no Spark and takes no time: that files are there, and that packages are installed.

    A single source that is missing is left to `ingest`, which reads the others first; and so is every path where Spark
    runs elsewhere, whose files this process may not see.

    Raises:
        SourceNotFoundError: no source has a file.
        TokenizerError, ConfigError, DetectorError: `measure` could not count or detect.
    """
    reads_files = "ingest" in jobs and "generate" not in jobs and config.sources
    if reads_files and not has_outer_session():
        missing = {name: source.path for name, source in config.sources.items() if not _may_exist(source.path)}
        if len(missing) == len(config.sources):
            told = "; ".join(f"sources.{name}.path: there is nothing at {path}" for name, path in missing.items())
            raise SourceNotFoundError(told)
    if "measure" in jobs:
        require_specs(config.tokens.tokenizers)
        require_detector(config.language.detector)


def _may_exist(path: str) -> bool:
    """Whether something is there, as far as this machine can tell."""
    own = local_path(path)
    return own is None or any(sign in own for sign in "*?[{") or os.path.exists(own)

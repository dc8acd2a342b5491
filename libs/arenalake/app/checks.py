"""What can be told about a configuration before Spark starts."""

import os
from collections.abc import Sequence

from arenalake.config import Config
from arenalake.errors import SourceNotFoundError, TokenizerError
from arenalake.paths import local_path


def require_usable(config: Config, jobs: Sequence[str]) -> None:
    """Check what needs no Spark and takes no time: that files are there, and that packages are installed.

    A single source that is missing is left to `ingest`, which reads the others first.

    Raises:
        SourceNotFoundError: no source has a file.
        TokenizerError, ConfigError, DetectorError: `measure` could not count or detect.
    """
    if "ingest" in jobs and "generate" not in jobs and config.sources:
        missing = {name: source.path for name, source in config.sources.items() if not _may_exist(source.path)}
        if len(missing) == len(config.sources):
            told = "; ".join(f"sources.{name}.path: there is nothing at {path}" for name, path in missing.items())
            raise SourceNotFoundError(told)
    if "measure" in jobs:
        _require_tokenizers(config.tokens.tokenizers)
        from arenalake.text.detectors import require_detector

        require_detector(config.language.detector)


def _may_exist(path: str) -> bool:
    """Whether something is there, as far as this machine can tell."""
    own = local_path(path)
    return own is None or any(sign in own for sign in "*?[{") or os.path.exists(own)


def _require_tokenizers(specs: Sequence[str]) -> None:
    from arenalake.text.tokenizers import tokenizer_keys

    for spec in tokenizer_keys(specs).values():
        kind, _, path = spec.removesuffix("+bos").partition(":")
        if kind in ("spm", "hf") and not os.path.isfile(path):
            raise TokenizerError(f"tokens.tokenizers: {spec}: there is no file {path}")

"""Files of votes, read without Spark: only the columns that are asked for, where a kind of file allows it."""

import glob
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from arenalake.errors import VotesError

_READERS: dict[str, Callable[[Path], pl.LazyFrame]] = {
    # Every cell of a CSV is text: a model may be called 1.0, and a label 007.
    ".csv": lambda path: _scan_csv(path, ","),
    ".tsv": lambda path: _scan_csv(path, "\t"),
    # Signs of a pattern in a name are the name's.
    ".jsonl": lambda path: pl.scan_ndjson(glob.escape(str(path))),
    ".ndjson": lambda path: pl.scan_ndjson(glob.escape(str(path))),
    ".json": lambda path: pl.read_json(path).lazy(),
    ".parquet": lambda path: pl.scan_parquet(path, glob=False),
}
SUFFIXES = frozenset(_READERS)


def scan_votes(path: str | Path) -> pl.LazyFrame:
    """A file of votes by its suffix, which `.gz` may follow (CSV and JSON Lines).

    Raises:
        VotesError: there is no such file, its suffix is not known, or it does not hold what its suffix says.
    """
    path = Path(path)
    if not path.is_file():
        raise VotesError(f"{path}: there is no such file")
    suffix = next((part for part in reversed(path.suffixes) if part.lower() not in (".gz", ".zst")), "").lower()
    if suffix not in _READERS:
        raise VotesError(f"{path}: its suffix says not what it is; known: {', '.join(_READERS)}")
    try:
        frame = _READERS[suffix](path)
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise unreadable(path, error) from None
    return frame


def _scan_csv(path: Path, separator: str) -> pl.LazyFrame:
    # Of two columns of one name polars would rename the second.
    first = pl.read_csv(path, has_header=False, n_rows=1, infer_schema=False, separator=separator, glob=False)
    header = [name for name in first.row(0) if name] if first.height else []
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise VotesError(f"{path}: the header has {header.count(twice[0])} columns {twice[0]!r}; rename all but one")
    return pl.scan_csv(path, infer_schema=False, separator=separator, glob=False)


def unreadable(path: str | Path, error: Exception) -> VotesError:
    """The error about a file that does not hold what its suffix says."""
    return VotesError(f"{path}: cannot be read: {next(iter(str(error).splitlines()), type(error).__name__)}")


def write_frame(frame: Any, path: str | Path) -> None:
    """Write a polars frame as CSV, JSON Lines or parquet, by the suffix.

    Raises:
        VotesError: the suffix is another one, or the file cannot be written.
    """
    path = Path(path)
    writers = {".csv": frame.write_csv, ".jsonl": frame.write_ndjson, ".parquet": frame.write_parquet}
    if path.suffix not in writers:
        raise VotesError(f"{path}: the suffix of an output is one of {', '.join(writers)}")
    try:
        writers[path.suffix](path)
    except OSError as error:
        raise VotesError(f"{path}: cannot be written ({error.strerror or error})") from None

"""Files of votes, read without Spark: only the columns that are asked for, where a kind of file allows it."""

import glob
import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any

import polars as pl

from arenalake.errors import VotesError
from arenalake.first_bytes import unlike_its_name

_READERS: dict[str, Callable[[Path], pl.LazyFrame]] = {
    # Every cell of a CSV is text: a model may be called 1.0, and a label 007.
    ".csv": lambda path: _scan_csv(path, ","),
    ".tsv": lambda path: _scan_csv(path, "\t"),
    ".jsonl": lambda path: _scan_lines(path),
    ".ndjson": lambda path: _scan_lines(path),
    ".json": lambda path: _of_records(path, _elements(path)),
    # Signs of a pattern in a name are the name's.
    ".parquet": lambda path: pl.scan_parquet(path, glob=False),
}
# What JSON calls white space.
_JSON_SPACE = " \t\r\n"
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
        raise VotesError(f"{path}: the suffix is not known; known: {', '.join(_READERS)}")
    reason = unlike_its_name(str(path))
    if reason:
        raise VotesError(f"{path}: {reason}")
    try:
        frame = _READERS[suffix](path)
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError, EOFError, ValueError) as error:
        raise unreadable(path, error) from None
    return frame


def _scan_csv(path: Path, separator: str) -> pl.LazyFrame:
    # Of two columns of one name polars would rename the second.
    first = pl.read_csv(path, has_header=False, n_rows=1, infer_schema=False, separator=separator, glob=False)
    header = [name for name in first.row(0) if name] if first.height else []
    if any("\r" in name.strip("\r\n") for name in header):
        raise VotesError(f"{path}: lines end with a carriage return only; save the file with line feeds")
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise VotesError(f"{path}: the header has {header.count(twice[0])} columns {twice[0]!r}; rename all but one")
    return pl.scan_csv(path, infer_schema=False, separator=separator, glob=False)


def _scan_lines(path: Path) -> pl.LazyFrame:
    """Polars reads lines many times as fast; what it does not read, or would read wrongly, is read one by one."""
    try:
        frame = pl.read_ndjson(glob.escape(str(path)), infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return _of_records(path, _lines(path))
    return _of_records(path, _lines(path)) if _may_be_misread(path, frame.columns) else frame.lazy()


def _may_be_misread(path: Path, columns: Iterable[str]) -> bool:
    """Whether a line may hold half of a character, or a key twice, of which polars keeps the last."""
    key = re.compile(rb'"(?:%s)"(?=\s*:)' % b"|".join(re.escape(json.dumps(name)[1:-1].encode()) for name in columns))
    with _open(path) as file:
        for line in file:
            keys = key.findall(line)
            if len(set(keys)) < len(keys) or b"\\ud" in line.lower():
                return True
    return False


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _text(file: gzip.GzipFile | BufferedReader) -> TextIOWrapper:
    return TextIOWrapper(file, encoding="utf-8-sig")


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    with _open(path) as file:
        for number, line in enumerate(_text(file), 1):
            if line.strip(_JSON_SPACE):
                yield f"line {number}", _parsed(path, f"line {number}", line)


def _elements(path: Path) -> Iterator[tuple[str, Any]]:
    with _open(path) as file:
        whole = _parsed(path, "the file", _text(file).read())
    yield from ((f"element {number}", one) for number, one in enumerate(whole if isinstance(whole, list) else [whole]))


def _parsed(path: Path, where: str, text: str) -> Any:
    """JSON by the rules of `ingest`: no key twice; NaN and the infinities are missing."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}, column {error.colno}"
        raise VotesError(f"{path}: {where} is not JSON: {error.msg} ({place})") from None
    except (ValueError, RecursionError) as error:
        raise VotesError(f"{path}: {where} is not JSON: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"an object has the key {key!r} twice")
        found[key] = value
    return found


def _of_records(path: Path, records: Iterable[tuple[str, Any]]) -> pl.LazyFrame:
    """Records as columns of text; one in which a list or an object stands is of lists, so it holds no names."""
    columns: dict[str, list[str | None]] = {}
    nested: set[str] = set()
    n = 0
    for where, record in records:
        if not isinstance(record, dict):
            raise VotesError(f"{path}: {where} is not a JSON object")
        for key, value in record.items():
            column = columns.setdefault(key, [])
            column.extend([None] * (n - len(column)))
            if isinstance(value, (list, dict)):
                nested.add(key)
                value = None
            text = value if value is None or isinstance(value, str) else json.dumps(value)
            if text is not None and not text.isascii():
                _require_whole(path, where, key, text)
            column.append(text)
        n += 1
    padded = {key: pl.Series(key, [*column, *[None] * (n - len(column))], pl.String) for key, column in columns.items()}
    return pl.LazyFrame(
        [pl.Series(key, [None] * n, pl.List(pl.Null)) if key in nested else column for key, column in padded.items()]
    )


def _require_whole(path: Path, where: str, key: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise VotesError(f"{path}: {where}: {key!r} has half a surrogate pair, such as \\ud83d") from None


def unreadable(path: str | Path, error: Exception) -> VotesError:
    """The error about a file that does not hold what its suffix says."""
    told = next(iter(str(error).splitlines()), type(error).__name__)
    if "utf-8" in told.lower():
        told = "the file has bytes that are not UTF-8; save it as UTF-8"
    return VotesError(f"{path}: cannot be read: {told}")


def write_frame(frame: Any, path: str | Path) -> None:
    """Write a polars frame as CSV, JSON Lines or parquet, by the suffix.

    Raises:
        VotesError: the suffix is another one, or the file cannot be written.
    """
    path = Path(path)
    writers = {".csv": frame.write_csv, ".jsonl": frame.write_ndjson, ".parquet": frame.write_parquet}
    if path.suffix not in writers:
        raise VotesError(f"{path}: the suffix of an output must be one of {', '.join(writers)}")
    try:
        writers[path.suffix](path)
    except OSError as error:
        raise VotesError(f"{path}: cannot be written ({error.strerror or error})") from None

"""Which raw files a source has, and what identifies a version of one."""

import hashlib
import os
import re
from dataclasses import dataclass
from urllib.parse import unquote

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from arenalake.errors import SourceNotFoundError
from arenalake.paths import local_path

# File name ending to how the file is read; each may be followed by .gz.
FORMATS = {"parquet": "parquet", "jsonl": "json", "ndjson": "json", "json": "json", "csv": "csv", "tsv": "csv"}
_ENDING = re.compile(r"\.(" + "|".join(FORMATS) + r")(\.gz)?$", re.IGNORECASE)


@dataclass(frozen=True)
class RawFile:
    """One file of a source.

    Attributes:
        path: full path, as Spark reads it.
        name: path relative to the source's path; ids of votes without an id are made of it, so it is the same wherever
            the folder lies.
        kind: parquet, json (one record per line) or csv.
        modified: microseconds since 1970.
    """

    path: str
    name: str
    kind: str
    size: int
    modified: int


def list_files(spark: SparkSession, source: str, path: str) -> tuple[list[RawFile], list[str]]:
    """The data files under a path (a file, a folder with folders in it, or a glob), sorted by name.

    Returns:
        The files, and the names of those whose ending is not a data format's, which are left alone.

    Raises:
        SourceNotFoundError: there is nothing there, or nothing that could be read.
    """
    location = local_path(path) or path
    try:
        # The columns without `content` come from the file listing alone: no file is opened.
        listing = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(location)
        rows = listing.select("path", F.unix_micros("modificationTime").alias("modified"), "length").collect()
        everything = [unquote(path) for path in listing.inputFiles()]
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        raise SourceNotFoundError(
            f"sources.{source}.path: {path} does not exist; give a file, a folder or a glob"
        ) from None
    found = {_plain(row["path"]): (row["path"], row["length"], row["modified"]) for row in rows}
    # A reader leaves out files of no bytes. As data they are empty or, as parquet, broken: both have to be told.
    found = {_plain(path): (path, 0, _modified(path)) for path in everything} | found
    files, others = [], []
    for path, length, modified in found.values():
        name = _relative_name(path, location)
        ending = _ending(path)
        if ending:
            files.append(RawFile(path, name, FORMATS[ending], length, modified))
        else:
            others.append(name)
    if not files:
        endings = ", ".join(f".{ending}" for ending in FORMATS)
        raise SourceNotFoundError(
            f"sources.{source}.path: {path} holds no file that ends in {endings} (or that with .gz)"
        )
    return sorted(files, key=lambda file: file.name), sorted(others)


def digest_of(file: RawFile) -> str | None:
    """SHA-256 of the content, streamed; None where the file is not on local or mounted storage."""
    path = _local(file.path)
    if path is None:
        return None
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_named(file: RawFile, message: str) -> bool:
    """Whether an error message of Spark names this file."""
    return any(re.search(re.escape(_plain(file.path)) + r"(?!\w|[.]\w)", said) for said in (message, unquote(message)))


def _modified(path: str) -> int:
    """Microseconds since 1970; 0 where the file is not on local or mounted storage."""
    local = _local(path)
    return 0 if local is None else os.stat(local).st_mtime_ns // 1000


def _local(path: str) -> str | None:
    local = local_path(path.replace("dbfs:/Volumes/", "/Volumes/"))
    return local if local is not None and os.path.isfile(local) else None


def _plain(path: str) -> str:
    """A path without its scheme, which Spark writes with one slash or with three."""
    return re.sub(r"^\w+:/+", "/", path)


def _ending(path: str) -> str | None:
    match = _ENDING.search(path)
    return match.group(1).lower() if match else None


def _relative_name(path: str, location: str) -> str:
    """`path` relative to `location`, to the part of it before a glob, or to the folder of a single file."""
    plain_path, plain_location = _plain(path), _plain(location)
    if plain_path == plain_location.rstrip("/"):
        return os.path.basename(plain_path)
    before_glob = re.split(r"[*?\[{]", plain_location, maxsplit=1)
    base = before_glob[0] if len(before_glob) == 1 else os.path.dirname(before_glob[0])
    return os.path.relpath(plain_path, base)

"""Which raw files a source has, and what identifies a version of one."""

import hashlib
import os
import re
from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from arenalake.errors import SourceNotFoundError

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
    location = path if "://" in path else os.path.abspath(path)
    try:
        # The columns without `content` come from the file listing alone: no file is opened.
        listing = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(location)
        rows = listing.select("path", F.unix_micros("modificationTime").alias("modified"), "length").collect()
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        raise SourceNotFoundError(
            f"sources.{source}.path: {path} does not exist; give a file, a folder or a glob"
        ) from None
    files, others = [], []
    for row in rows:
        name = _relative_name(row["path"], location)
        ending = _ending(row["path"])
        if ending:
            files.append(RawFile(row["path"], name, FORMATS[ending], row["length"], row["modified"]))
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
    path = file.path.removeprefix("file://").removeprefix("file:").replace("dbfs:/Volumes/", "/Volumes/")
    if "://" in path or not os.path.isfile(path):
        return None
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _ending(path: str) -> str | None:
    match = _ENDING.search(path)
    return match.group(1).lower() if match else None


def _relative_name(path: str, location: str) -> str:
    """`path` relative to `location`, to the part of it before a glob, or to the folder of a single file."""
    plain_path, plain_location = (re.sub(r"^\w+:/+", "/", text) for text in (path, location))
    if plain_path == plain_location.rstrip("/"):
        return os.path.basename(plain_path)
    before_glob = re.split(r"[*?\[{]", plain_location, maxsplit=1)
    base = before_glob[0] if len(before_glob) == 1 else os.path.dirname(before_glob[0])
    return os.path.relpath(plain_path, base)

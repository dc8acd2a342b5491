"""Which raw files a source has, what identifies a version of one, and how Spark is told to read it."""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from arenalake.errors import SourceNotFoundError, UnreadableFileError
from arenalake.first_bytes import LFS_POINTER, LFS_REASON, unlike_its_name
from arenalake.paths import local_path

# File name ending to how the file is read; each may be followed by the ending of a compression that Spark unpacks.
FORMATS = {"parquet": "parquet", "jsonl": "json", "ndjson": "json", "json": "json", "csv": "csv", "tsv": "csv"}
_UNPACKED = ("gz", "bz2")
_PACKED = ("zst", "xz", "zip", "7z", "lz4", "br", "Z")
_ENDING = re.compile(
    rf"\.({'|'.join(FORMATS)})(?:\.(?:{'|'.join(_UNPACKED)}|(?P<packed>{'|'.join(_PACKED)})))?$", re.IGNORECASE
)
# A folder like `_model=x` gives a value and is none of them.
_HIDDEN = re.compile(r"(^|/)(\.|_(?![^/]*=))")
_POINTER_SIZE = 1024
_GLOB = re.compile(r"[*?\[\]{}\\]")
# For a local path that stands for itself. The option is Spark's own; the plain file system, unlike Hadoop's usual one,
# keeps no checksum file beside each file, whose name a colon would break.
_LITERALLY = {
    "__globPaths__": "false",
    "fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "fs.file.impl.disable.cache": "true",
}


@dataclass(frozen=True)
class RawFile:
    """One file of a source.

    Attributes:
        path: full path, as Spark reads it.
        name: path relative to the source's path; ids of votes without an id are made of it, so it is the same wherever
            the folder lies.
        kind: parquet, json (one record per line, or an array of them) or csv.
        modified: microseconds since 1970.
    """

    path: str
    name: str
    kind: str
    size: int
    modified: int

    @property
    def folder_values(self) -> dict[str, str]:
        """What folders like `language=French` say about all records of the file, by column."""
        return folder_values(_plain(self.path))


@dataclass
class Listing:
    """The files under the path of a source.

    Attributes:
        files: what can be read, sorted by name.
        unreadable: path and reason of each file that is data and that no reader here understands.
        others: names of files whose ending is not a data format's, and of those that Spark takes for hidden, since they
            or a folder of theirs begin with `_` or `.`; they are left alone.
    """

    files: list[RawFile] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def list_files(spark: SparkSession, source: str, path: str) -> Listing:
    """The files under a path: a file, a folder with folders in it, or a glob where no file or folder has that name.

    Raises:
        SourceNotFoundError: there is nothing there, or nothing that looks like data.
    """
    location = local_path(path) or path
    is_literal = os.path.exists(location)
    try:
        # The columns without `content` come from the file listing alone: no file is opened.
        reader = reader_of(spark, [location] if is_literal else [])
        listing = reader.format("binaryFile").option("recursiveFileLookup", "true").load(location)
        rows = listing.select("path", F.unix_micros("modificationTime").alias("modified"), "length").collect()
        everything = [unquote(path) for path in listing.inputFiles()]
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        raise SourceNotFoundError(
            f"sources.{source}.path: {path} does not exist; give a file, a folder or a glob"
        ) from None
    except IllegalArgumentException as error:  # Hadoop's globs take a colon for the end of a scheme
        if "URISyntaxException" not in str(error):
            raise
        raise SourceNotFoundError(
            f"sources.{source}.path: {path} is a glob, and a name in it has a colon, which globs do not support; give "
            "the file or folder"
        ) from None
    found = {_plain(row["path"]): (row["path"], row["length"], row["modified"]) for row in rows}
    # A reader leaves out files of no bytes. As data they are empty or, as parquet, broken: both have to be told.
    found = {_plain(path): (path, 0, _modified(path)) for path in everything} | found
    pointers = _pointers(listing, [path for path, length, _ in found.values() if length <= _POINTER_SIZE])
    result = Listing()
    for path_, length, modified in found.values():
        name = _relative_name(path_, location, is_literal=is_literal)
        ending = _ENDING.search(path_)
        if ending is None:
            result.others.append(name)
        elif ending["packed"]:
            wanted = " or ".join(f".{known}" for known in _UNPACKED)
            result.unreadable.append(f"{path_} (Spark does not unpack .{ending['packed']}; unpack it, or use {wanted})")
        elif _plain(path_) in pointers:
            result.unreadable.append(f"{path_} ({LFS_REASON})")
        else:
            result.files.append(RawFile(path_, name, FORMATS[ending[1].lower()], length, modified))
    result.others += _hidden(location)
    if not result.files and not result.unreadable:
        endings = ", ".join(f".{ending}" for ending in FORMATS)
        packed = " or ".join(f".{ending}" for ending in _UNPACKED)
        raise SourceNotFoundError(
            f"sources.{source}.path: {path} holds no file that ends in {endings} (or one of these with {packed})"
        )
    result.files.sort(key=lambda file: file.name)
    result.unreadable.sort()
    result.others.sort()
    return result


def folder_values(path: str) -> dict[str, str]:
    """What the folders in a path without a scheme say, like `language=French`, by column."""
    named = [part.partition("=") for part in os.path.dirname(path).split("/")]
    values = {unquote(column): unquote(value) for column, equals, value in named if column and equals}
    return {column: value for column, value in values.items() if value != "__HIVE_DEFAULT_PARTITION__"}


def is_hidden(name: str) -> bool:
    """Whether Spark leaves alone a file of this name or relative path, or all in a folder of it."""
    return _HIDDEN.search(name) is not None


def _hidden(location: str) -> list[str]:
    """Names of files of data under a local folder that Spark does not list, in folders with a sign of their own too."""
    names = (
        os.path.relpath(os.path.join(folder, file), location)
        for folder, _, files in os.walk(location)
        for file in files
    )
    return [name for name in names if _ENDING.search(name) and is_hidden(name)]


def reader_of(spark: SparkSession, paths: Sequence[str]) -> DataFrameReader:
    """A reader to which these paths, as `for_reader` gives them, are names of files and never patterns."""
    strange = any(_is_strange(path) for path in paths)
    return spark.read.options(**_LITERALLY) if strange else spark.read


def for_reader(path: str) -> str:
    """The path of a file as a reader from `reader_of` wants it: elsewhere than here, signs of globs are escaped."""
    return path if local_path(path) is not None else _GLOB.sub(r"\\\g<0>", path)


def _is_strange(path: str) -> bool:
    local = local_path(path)
    return local is not None and (":" in local or _GLOB.search(local) is not None)


def _pointers(listing: DataFrame, paths: Iterable[str]) -> set[str]:
    """Which of some small files, by plain path, stand for large ones that Git LFS has not fetched."""
    local = {path: local_file(path) for path in paths}
    found = {_plain(path) for path, here in local.items() if here is not None and unlike_its_name(here) == LFS_REASON}
    if None in local.values():
        small = listing.where(F.col("length") <= _POINTER_SIZE)
        starts = F.substring("content", 1, len(LFS_POINTER)) == F.lit(LFS_POINTER)
        found |= {_plain(row["path"]) for row in small.where(starts).select("path").collect()}
    return found


def require_content_of_its_kind(file: RawFile) -> None:
    """Look at the first bytes of a file that is here.

    Raises:
        UnreadableFileError: it would be read as something that it is not.
    """
    local = local_file(file.path)
    if local is None:
        return
    reason = unlike_its_name(local)
    if reason:
        raise UnreadableFileError(file.path, reason)


def digest_of(file: RawFile) -> str | None:
    """SHA-256 of the content, streamed; None where the file is not on local or mounted storage."""
    path = local_file(file.path)
    if path is None:
        return None
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_named(file: RawFile, message: str) -> bool:
    """Whether an error message of Spark names this file."""
    return any(re.search(re.escape(_plain(file.path)) + r"(?!\w|[.]\w)", said) for said in (message, unquote(message)))


def _modified(path: str) -> int:
    """Microseconds since 1970; 0 where the file is not on local or mounted storage."""
    local = local_file(path)
    return 0 if local is None else os.stat(local).st_mtime_ns // 1000


def local_file(path: str) -> str | None:
    """The path of a file on local or mounted storage; None where it is elsewhere."""
    local = local_path(path.replace("dbfs:/Volumes/", "/Volumes/"))
    return local if local is not None and os.path.isfile(local) else None


def _plain(path: str) -> str:
    """A path without its scheme, which Spark writes with one slash or with three."""
    return re.sub(r"^\w+:/+", "/", path)


def _relative_name(path: str, location: str, *, is_literal: bool) -> str:
    """`path` relative to `location`, to the part of it before a glob, or to the folder of a single file."""
    plain_path, plain_location = _plain(path), _plain(location)
    if plain_path == plain_location.rstrip("/"):
        return os.path.basename(plain_path)
    before_glob = [plain_location] if is_literal else re.split(r"[*?\[{]", plain_location, maxsplit=1)
    base = before_glob[0] if len(before_glob) == 1 else os.path.dirname(before_glob[0])
    return os.path.relpath(plain_path, base)

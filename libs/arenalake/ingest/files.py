"""Which raw files a source has, what identifies a version of one, and how Spark is told to read it."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from arenalake.errors import SourceNotFoundError, UnreadableFileError
from arenalake.first_bytes import LFS_POINTER, LFS_REASON, unlike_its_name
from arenalake.lake import Lake
from arenalake.paths import is_hidden, local_path

# File name ending to how the file is read; each may be followed by the ending of a compression that Spark unpacks.
FORMATS = {"parquet": "parquet", "jsonl": "json", "ndjson": "json", "json": "json", "csv": "csv", "tsv": "csv"}
_UNPACKED = ("gz", "bz2")
_PACKED = ("zst", "xz", "zip", "7z", "lz4", "br", "Z")
_ENDING = re.compile(
    rf"\.({'|'.join(FORMATS)})(?:\.(?:{'|'.join(_UNPACKED)}|(?P<packed>{'|'.join(_PACKED)})))?$", re.IGNORECASE
)
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


def list_files(lake: Lake, source: str, path: str) -> Listing:
    """The files under a path: a file, a folder with folders in it, or a glob where no file or folder has that name.

    A file or folder of this machine is looked at without Spark, with the same result.

    Raises:
        SourceNotFoundError: there is nothing there, or nothing that looks like data.
    """
    location = local_path(path) or path
    is_literal = os.path.exists(location)
    is_here = is_literal and not lake.has_remote_disk
    result = Listing()
    for found in _look_into(location, result) if is_here else _ask_spark(lake.spark, source, path, location):
        name = _relative_name(found.path, location, is_literal=is_literal)
        ending = _ENDING.search(found.path)
        if ending is None:
            result.others += [] if is_hidden(name) else [name]
        elif is_hidden(name):
            result.others.append(name)
        elif ending["packed"]:
            wanted = " or ".join(f".{known}" for known in _UNPACKED)
            told = f"Spark does not unpack .{ending['packed']}; unpack it, or use {wanted}"
            result.unreadable.append(f"{found.path} ({told})")
        elif found.is_pointer:
            result.unreadable.append(f"{found.path} ({LFS_REASON})")
        else:
            kind = FORMATS[ending[1].lower()]
            result.files.append(RawFile(found.path, name, kind, found.size, found.modified))
    result.others += [] if is_here else _hidden(location)
    if not result.files and not result.unreadable:
        endings = ", ".join(f".{ending}" for ending in FORMATS)
        packed = " or ".join(f".{ending}" for ending in _UNPACKED)
        raise SourceNotFoundError(
            f"sources.{source}.path: {path} holds no file that ends in {endings} (or one of these with {packed})"
        )
    result.files.sort(key=lambda file: file.name)
    result.unreadable.sort()
    result.others = sorted(set(result.others))
    return result


@dataclass(frozen=True)
class _Found:
    """A file: its path as Spark writes it, bytes, microseconds since 1970, and whether it stands for another one."""

    path: str
    size: int
    modified: int
    is_pointer: bool


def _look_into(location: str, result: Listing) -> Iterator[_Found]:
    """The files at a local path, hidden ones too. What cannot be looked at is told in `result`."""

    def tell(error: OSError) -> None:
        result.unreadable.append(f"file:{error.filename} ({error.strerror})")

    if os.path.isfile(location):
        paths: Iterable[str] = [location]
    else:
        walked = os.walk(location, onerror=tell, followlinks=True)
        paths = (os.path.join(folder, name) for folder, _, names in walked for name in names)
    for path in paths:
        try:
            stat = os.stat(path)
            is_pointer = stat.st_size <= _POINTER_SIZE and _is_pointer(path)
        except OSError as error:
            tell(error)
        else:
            yield _Found(f"file:{path}", stat.st_size, _modified(stat), is_pointer)


def _ask_spark(spark: SparkSession, source: str, path: str, location: str) -> Iterator[_Found]:
    """The same wherever Spark reaches, without hidden files.

    Raises:
        SourceNotFoundError: there is nothing there.
    """
    try:
        # The columns without `content` come from the file listing alone: no file is opened.
        reader = reader_of(spark, [location] if os.path.exists(location) else [])
        listing = reader.format("binaryFile").option("recursiveFileLookup", "true").load(location)
        rows = listing.select("path", F.unix_micros("modificationTime").alias("modified"), "length").collect()
        everything = [re.sub("^file:/+", "file:/", unquote(path)) for path in listing.inputFiles()]
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
    for path_ in everything:
        local = local_file(path_)
        found.setdefault(_plain(path_), (path_, 0, 0 if local is None else _modified(os.stat(local))))
    pointers = _pointers(listing, [path_ for path_, length, _ in found.values() if length <= _POINTER_SIZE])
    for path_, length, modified in found.values():
        yield _Found(path_, length, modified, _plain(path_) in pointers)


def folder_values(path: str) -> dict[str, str]:
    """What the folders in a path without a scheme say, like `language=French`, by column."""
    named = [part.partition("=") for part in os.path.dirname(path).split("/")]
    values = {unquote(column): unquote(value) for column, equals, value in named if column and equals}
    return {column: value for column, value in values.items() if value != "__HIVE_DEFAULT_PARTITION__"}


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
    found = {_plain(path) for path, here in local.items() if here is not None and _is_pointer(here)}
    if None in local.values():
        small = listing.where(F.col("length") <= _POINTER_SIZE)
        starts = F.substring("content", 1, len(LFS_POINTER)) == F.lit(LFS_POINTER)
        found |= {_plain(row["path"]) for row in small.where(starts).select("path").collect()}
    return found


def _is_pointer(path: str) -> bool:
    return unlike_its_name(path) == LFS_REASON


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


def _modified(stat: os.stat_result) -> int:
    """Microseconds since 1970, in steps of a thousand, as Spark knows them."""
    return stat.st_mtime_ns // 1_000_000 * 1000


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

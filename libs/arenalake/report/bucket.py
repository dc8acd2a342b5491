"""A report in a bucket, by Arrow's file systems: there a folder cannot be renamed, so files are replaced one by one."""

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pyarrow import ArrowInvalid
from pyarrow.fs import FileSelector, FileSystem, FileType

from arenalake.errors import ConfigError
from arenalake.report.site import MARKER

# Spark's names of these are Hadoop's. Arrow reads the credentials of S3 and of Google from where their own tools do.
_SCHEMES = {"s3a": "s3", "s3": "s3", "gs": "gs", "abfss": "abfss", "abfs": "abfs"}
BUCKETS = ", ".join(f"{scheme}://" for scheme in ("s3a", "gs", "abfss"))


def is_bucket(path: str) -> bool:
    """Whether a path names a bucket that a report can be written to."""
    return re.match(r"(\w+)://", path) is not None and path.partition("://")[0] in _SCHEMES


@dataclass(frozen=True)
class Bucket:
    """A folder in a bucket.

    Attributes:
        url: as the configuration names it.
        system: the file system of the bucket.
        folder: the folder in it, beginning with the bucket's name.
    """

    url: str
    system: FileSystem
    folder: str

    @classmethod
    def at(cls, url: str) -> "Bucket":
        """The folder of a URL for which `is_bucket` holds.

        Raises:
            ConfigError: it is no URL of a bucket.
        """
        scheme, _, rest = url.rstrip("/").partition("://")
        try:
            system, folder = FileSystem.from_uri(f"{_SCHEMES[scheme]}://{rest}")
        except (ArrowInvalid, OSError) as error:
            raise ConfigError(f"report.path: {url}: {_first_line(error)}") from None
        return cls(url.rstrip("/"), system, folder)

    def require_free(self) -> None:
        """Check that the bucket is there and the folder is new, empty or a report.

        Raises:
            ConfigError: it is not, or the bucket does not let itself be looked into.
        """
        bucket = self.folder.partition("/")[0]
        try:
            if self.system.get_file_info(bucket).type == FileType.NotFound:
                raise ConfigError(f"report.path: {self.url}: there is no bucket {bucket}")
            names = self._names()
        except OSError as error:
            raise ConfigError(f"report.path: {self.url} cannot be listed: {_first_line(error)}") from None
        if names and MARKER not in names:
            raise ConfigError(f"report.path: {self.url} holds files that are not a report; give a new or empty folder")

    def write(self, files: Mapping[str, bytes]) -> None:
        """Put the files in place of those of an earlier report. Whoever reads meanwhile may see pages of both.

        Raises:
            ConfigError: as `require_free` says, or the bucket cannot be written to.
        """
        self.require_free()
        # The mark comes first, so that a report that was interrupted can be replaced; pages come after what they show.
        ordered = sorted(files, key=lambda name: (name != MARKER, name.endswith(".html"), name == "index.html", name))
        try:
            for name in ordered:
                kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
                with self.system.open_output_stream(f"{self.folder}/{name}", metadata={"Content-Type": kind}) as stream:
                    stream.write(files[name])
            for name in sorted(self._names() - set(files)):
                self.system.delete_file(f"{self.folder}/{name}")
        except OSError as error:
            raise ConfigError(f"report.path: {self.url} cannot be written: {_first_line(error)}") from None

    def _names(self) -> set[str]:
        """Names of the files in the folder, relative to it."""
        selector = FileSelector(self.folder, recursive=True, allow_not_found=True)
        there = [info.path for info in self.system.get_file_info(selector) if info.type == FileType.File]
        return {path.removeprefix(f"{self.folder}/") for path in there}


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]

"""The one tree of exceptions.

Each class says whose mistake it is through `exit_status`: 2 when the caller can mend it by changing the call
(a configuration key, a path, an option), 1 for everything else.
"""

from collections.abc import Sequence


class ArenalakeError(Exception):
    """Anything this library raises on purpose."""

    exit_status = 1


class CallerError(ArenalakeError):
    """The call cannot be carried out as it was made; the message names the key or the file and what is allowed."""

    exit_status = 2


class ConfigError(CallerError):
    """A configuration file, a `--set` override or a combination of values is not usable."""


class SourceNotFoundError(CallerError):
    """A configured source path holds no file that could be read."""


class NothingKeptError(CallerError):
    """A source has no records, or none of its records could be kept."""


class VotesError(CallerError):
    """A table of votes cannot be rated, or an argument of the call does not fit it."""


class TokenizerError(CallerError):
    """A tokenizer specification is unknown or its model file cannot be loaded."""


class DetectorError(CallerError):
    """A language detector cannot be loaded."""


class SessionError(CallerError):
    """The Spark session at hand cannot do the work, for example because Delta Lake is missing."""


class StorageUnreachableError(ArenalakeError):
    """Spark cannot read the storage root or the folder of a source, for example because a server does not answer."""


class LakeLockedError(ArenalakeError):
    """Another job is writing to the same local lake and did not finish in time."""


class SchemaMismatchError(ArenalakeError):
    """A DataFrame does not have the columns that its table declares."""


class UnreadableFileError(ArenalakeError):
    """One raw file cannot be read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} ({reason})")
        self.path, self.reason = path, reason


class UnreadableFilesError(ArenalakeError):
    """Some raw files could not be read; the others were ingested."""


class RatingError(ArenalakeError):
    """Ratings do not exist for the votes as they are, or a fit failed."""


class SeveralErrors(ArenalakeError):
    """Several things failed after everything else was done; the caller's mistake only if all of them are."""

    def __init__(self, errors: Sequence[ArenalakeError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.exit_status = min(error.exit_status for error in errors)

"""Where files are: on this machine (or a mount), or where only Spark reaches."""

import os
import re

# A folder like `_model=x` gives a value and is none of them.
_HIDDEN = re.compile(r"(^|/)(\.|_(?![^/]*=))")


def local_path(path: str) -> str | None:
    """The absolute path on this machine; None for a URI of other storage, such as s3a://… or dbfs:/….

    `file:` and a leading `~` are understood.
    """
    plain = re.sub(r"^file:/+", "/", path)
    # One letter before a colon would be a drive.
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", plain):
        return None
    return os.path.abspath(os.path.expanduser(plain))


def is_hidden(name: str) -> bool:
    """Whether Spark leaves alone a file of this name or relative path, or all in a folder of it."""
    return _HIDDEN.search(name) is not None

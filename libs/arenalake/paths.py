"""Where files are: on this machine (or a mount), or where only Spark reaches."""

import os
import re


def local_path(path: str) -> str | None:
    """The absolute path on this machine; None for a URI of other storage, such as s3a://… or dbfs:/….

    `file:` and a leading `~` are understood.
    """
    plain = re.sub(r"^file:/+", "/", path)
    # One letter before a colon would be a drive.
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", plain):
        return None
    return os.path.abspath(os.path.expanduser(plain))

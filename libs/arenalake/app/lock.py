"""One writer at a time on a local lake; on a metastore or object store the scheduler sees to that."""

import json
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from arenalake.errors import ConfigError, LakeLockedError
from arenalake.lake.options import StorageConfig

log = logging.getLogger(__name__)


@contextmanager
def lake_lock(storage: StorageConfig, jobs: Sequence[str]) -> Iterator[None]:
    """Hold the lake's lock file while jobs write.

    The operating system frees the lock of a killed process, so nobody has to clean up after one.

    Raises:
        LakeLockedError: it stayed taken for `storage.lock_wait_seconds`; the message says who holds it.
    """
    root = storage.local_root
    if root is None:
        yield
        return
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"storage.root: {root} cannot be created ({error.strerror}); give another folder") from None
    holder_file = root / ".lock.holder"
    lock = FileLock(root / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning("waiting for the lake's lock", extra={"holder": _describe_holder(holder_file)})
        try:
            lock.acquire(timeout=storage.lock_wait_seconds)
        except Timeout:
            raise LakeLockedError(
                f"{root} is in use by {_describe_holder(holder_file)}; waited {storage.lock_wait_seconds:g} s "
                "(storage.lock_wait_seconds). Run again when that run has ended."
            ) from None
    except OSError as error:
        raise ConfigError(
            f"storage.root: {root} is not writable ({error.strerror}); give another folder, or change its permissions"
        ) from None
    try:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        holder = {"jobs": list(jobs), "pid": os.getpid(), "host": socket.gethostname(), "since": since}
        holder_file.write_text(json.dumps(holder), encoding="utf-8")
        yield
    finally:
        holder_file.unlink(missing_ok=True)
        lock.release()


def _describe_holder(holder_file: Path) -> str:
    try:
        holder = json.loads(holder_file.read_text(encoding="utf-8"))
        return f"{', '.join(holder['jobs'])} (process {holder['pid']} on {holder['host']}, since {holder['since']})"
    except (OSError, ValueError, KeyError):
        return "another process"

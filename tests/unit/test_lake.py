"""What a lake knows of its tables when several threads use it."""

import threading

from arenalake.config import StorageConfig
from arenalake.lake import Lake
from arenalake.tables import BATTLES


def test_a_version_that_was_asked_for_before_a_write_is_not_remembered_after_it(spark):
    writers = []

    class Session:
        def sql(self, query):
            """History as of now; another thread's write comes in between, unless it has to wait."""
            writer = threading.Thread(target=write)
            writers.append(writer)
            history = spark.sql("SELECT 7 version, 'WRITE' operation, now() timestamp, '' userMetadata")
            writer.start()
            writer.join(0.5)
            return history

    def write():
        with lake._alone(BATTLES):
            lake._wrote(BATTLES)

    lake = Lake(Session(), StorageConfig(root="nowhere"))
    assert lake._commit(BATTLES)["version"] == 7
    writers[0].join()
    lake._commit(BATTLES)
    assert len(writers) == 2, "the version from before the write was taken for the newest"

"""Spark writes the corpora, one task per file, to any file system that it can write to."""

import json
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession

from arenalake.lake import Lake
from arenalake.paths import is_hidden, local_path

_Read = TypeVar("_Read")
_PART = re.compile(r"part-(\d{5})-.*")


def write_chunks(
    spark: SparkSession, make: Callable[[int], pa.RecordBatch], ddl: str, *, chunks: int, files: int, path: str
) -> None:
    """Write `make(0)` to `make(chunks - 1)` as parquet; file k always holds the same chunks."""
    files = min(files, chunks)
    frame = spark.range(0, chunks, 1, files).mapInArrow(partial(_make_batches, make), ddl)
    _plain(frame).option("compression", "snappy").parquet(path)
    _name_files(path, "train", "parquet", files)


def _make_batches(make: Callable[[int], pa.RecordBatch], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for chunk in batch.column(0).to_pylist():
            yield make(chunk)


def write_small(frame: DataFrame, path: str) -> None:
    """Write a small table as one parquet file."""
    _plain(frame.coalesce(1)).parquet(path)
    _name_files(path, os.path.basename(path), "parquet", 1)


def write_document(spark: SparkSession, document: dict[str, Any], path: str) -> None:
    """Write one JSON document into the folder `path`."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    _plain(spark.createDataFrame([(text,)], "value string").coalesce(1)).text(path)
    _name_files(path, os.path.basename(path), "json", 1)


def read_document(lake: Lake, path: str) -> dict[str, Any] | None:
    """The JSON document in the folder `path`, or None where there is none."""
    files = _local_files(lake, path)
    if files is None:
        rows = or_none(lambda: lake.spark.read.text(_twice(path), wholetext=True).collect())
        texts = [row.value for row in rows or []]
    else:
        texts = [file.read_text(encoding="utf-8") for file in files]
    document: dict[str, Any] | None = json.loads(texts[0]) if texts else None
    return document


def read_rows(lake: Lake, path: str) -> pd.DataFrame | None:
    """The rows that `write_small` put into the folder `path`, or None where there are none."""
    files = _local_files(lake, path)
    if files is None:
        return or_none(lambda: lake.spark.read.parquet(path).toPandas())
    return pd.read_parquet(str(local_path(path))) if files else None


def _local_files(lake: Lake, path: str) -> list[Path] | None:
    """The files that Spark would read in a folder of this machine; None where only Spark reaches."""
    here = local_path(path)
    if here is None or lake.has_remote_disk:
        return None
    folder = Path(here)
    return [file for file in folder.iterdir() if not is_hidden(file.name)] if folder.is_dir() else []


def first_file(spark: SparkSession, path: str) -> str | None:
    """Some file below `path` (a glob may stand for several folders), or None; hidden files do not count."""
    reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    found = or_none(lambda: reader.load(_twice(path)).select("path").head(1))
    return str(found[0].path) if found else None


def or_none(read: Callable[[], _Read]) -> _Read | None:
    """What `read` gives, or None where its path does not exist."""
    try:
        return read()
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return None
        raise


def _twice(path: str) -> list[str]:
    # A single path that is missing is also looked at as a streaming sink, and Spark logs a stack trace about it.
    return [path, path]


def _plain(frame: DataFrame) -> DataFrameWriter:
    # The folder holds the data files and nothing else, one per task, whatever the session's settings.
    return (
        frame.write.mode("overwrite")
        .option("maxRecordsPerFile", 0)
        .option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    )


def _name_files(path: str, stem: str, suffix: str, files: int) -> None:
    """Give the files the names of the hub, as in `train-00000-of-00004.parquet`.

    Spark puts a random id into every file name. On a local or mounted folder the files are renamed, so that the
    names too are a function of the configuration; on an object store they keep Spark's names.
    """
    folder = path.removeprefix("file://").removeprefix("file:")
    if not os.path.isdir(folder):
        return
    for name in os.listdir(folder):
        part = _PART.fullmatch(name.removeprefix(".").removesuffix(".crc"))
        if part:
            target = f"{stem}-{part[1]}-of-{files:05d}.{suffix}"
            os.replace(
                os.path.join(folder, name),
                os.path.join(folder, f".{target}.crc" if name.endswith(".crc") else target),
            )

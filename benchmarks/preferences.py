"""Annotated pairs read and fitted: `python benchmarks/preferences.py [--times 1 100]`.

5,240 pairs, as many as are published, and so many times as many, as parquet and as one JSON array: seconds of `ingest`
and the largest memory of a process so far, also as a multiple of the size of the file. With `--stats`, also seconds of
the fits alone, which run first and so warm up the session, and of the whole of `preference_stats`.
The larger files hold the same pairs with other queries. Session start is excluded, JVM warm-up is not.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from generate import ProcessTree  # the benchmark beside this one

from arenalake.app.session import get_session
from arenalake.config import parse_config
from arenalake.config.spark import SparkConfig
from arenalake.entities.tables import PREFERENCE_PAIRS
from arenalake.ingest import job as ingest
from arenalake.lake import Lake
from arenalake.preferences import job as preference_stats
from arenalake.preferences.spread import fit_preferences
from arenalake.preferences.tables import PREFERENCE_FITS
from arenalake.samples.preferences import SCHEMA, preference_design, preference_records
from arenalake.step import Context

PUBLISHED = 5240


def chunks(times: int) -> Iterator[list[dict[str, Any]]]:
    """The pairs, some at a time."""
    design = preference_design(seed=0, pairs=PUBLISHED)
    made = [preference_records(design, chunk) for chunk in range(design.chunks)]
    for copy in range(times):
        for records in made:
            yield [record | {"query": f"{record['query']} ({copy})"} for record in records]


def write_parquet(folder: Path, times: int) -> None:
    """One parquet file in the published schema."""
    with pq.ParquetWriter(folder / "pairs.parquet", SCHEMA) as writer:
        for records in chunks(times):
            writer.write_table(pa.Table.from_pylist(records, SCHEMA))


def write_array(folder: Path, times: int) -> None:
    """One JSON array."""
    with (folder / "pairs.json").open("w", encoding="utf-8") as file:
        file.write("[")
        for i, records in enumerate(chunks(times)):
            file.write("," * (i > 0) + ",\n".join(map(json.dumps, records)))
        file.write("]")


def main() -> None:
    """Print a line for each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 100])
    parser.add_argument("--stats", action="store_true", help="fit the parquet files and run preference_stats as well")
    options = parser.parse_args()
    spark = get_session(SparkConfig(master="local[2]", shuffle_partitions=2))
    for times in options.times:
        for kind, write in (("parquet", write_parquet), ("array", write_array)):
            folder = Path(tempfile.mkdtemp())
            try:
                (folder / "raw").mkdir()
                write(folder / "raw", times)
                size = sum(os.path.getsize(file) for file in (folder / "raw").iterdir()) / 1e6
                source = {"format": "preference_dissection", "path": str(folder / "raw")}
                config = parse_config({"storage": {"root": str(folder / "lake")}, "sources": {"gair": source}})
                context = Context(config, Lake(spark, config.storage))
                with ProcessTree() as tree:
                    start = time.perf_counter()
                    result = ingest.run(context)
                    seconds = time.perf_counter() - start
                peaks = sorted(tree.peak_mb.items())
                memory = ", ".join(f"{name} {mb:,.0f} MB ({mb / size:,.1f} times the file)" for name, mb in peaks)
                print(f"{kind}: {size:,.0f} MB, {seconds:,.0f} s; most memory so far: {memory}; {result.lines[0]}")
                if options.stats and kind == "parquet":
                    start = time.perf_counter()
                    fits = fit_preferences(context.lake.read(PREFERENCE_PAIRS), preferences=config.preferences)
                    n_fits = len(PREFERENCE_FITS.in_memory(fits))
                    print(f"  fits alone: {time.perf_counter() - start:,.0f} s, {n_fits:,} fits")
                    start = time.perf_counter()
                    lines = preference_stats.run(context).lines
                    print(f"  preference_stats: {time.perf_counter() - start:,.0f} s; {lines[0]}")
            finally:
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()

"""Corpus statistics side by side with a hand-written pipeline: `python benchmarks/corpus.py [--conversations 1000000]`.

Both read the same generated raw files and compute the same token statistics, in two processes each. Ours writes its
Delta tables on the way and does the moderation statistics as well. Session start is excluded, JVM warm-up is not.
CPU seconds of all processes are given beside wall-clock time: a busy machine does not distort them as much.
"""

import argparse
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sentencepiece
from generate import ProcessTree  # the benchmark beside this one

from arenalake.config import GenerateConfig, SparkConfig, parse_config
from arenalake.generate.corpora import CONVERSATIONS_FOLDER, generate_corpora
from arenalake.lake import Lake
from arenalake.pipeline import step_of
from arenalake.session import get_session
from arenalake.steps import Context
from arenalake.tables import TOKEN_STATS

JOBS = ("ingest", "measure", "token_stats", "moderation_stats")


def peer_count(paths: list[str], target: str) -> None:
    """Tokens of every message of some raw files, without text, as parquet: pyarrow and sentencepiece."""
    model = str(files("mistral_common") / "data" / "tokenizer.model.v1")
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    writer = None
    columns = ["conversation_id", "model", "language", "conversation"]
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(4096, columns=columns):
            conversation = batch.column("conversation")
            sizes = pc.list_value_length(conversation).to_numpy()
            parent = np.repeat(np.arange(len(sizes)), sizes)
            position = np.arange(len(parent)) - (np.cumsum(sizes) - sizes)[parent]
            messages = conversation.flatten()
            texts = pc.struct_field(messages, "content").to_pylist()
            counts = [len(ids) for ids in processor.encode(texts, num_threads=1)]
            table = pa.table(
                {
                    **{name: batch.column(name).take(parent) for name in columns[:3]},
                    "role": pc.struct_field(messages, "role"),
                    "turn": position // 2 + 1,
                    "n_tokens": np.array(counts, np.int32),
                }
            )
            writer = writer or pq.ParquetWriter(target, table.schema)
            writer.write_table(table)
    if writer:
        writer.close()


def peer(raw: Path, folder: Path) -> list[tuple[Any, ...]]:
    """The peer from raw files to token statistics, in two processes."""
    paths = [str(path) for path in sorted(raw.glob("*.parquet"))]
    shares = [(paths[i::2], str(folder / f"{i}.parquet")) for i in range(2)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(peer_count, shares)
    duckdb.execute("SET threads = 2")
    quantiles = ", ".join(f"quantile_disc(n_tokens, {p / 100})" for p in (1, 5, 25, 50, 75, 95, 99))
    rows: list[tuple[Any, ...]] = duckdb.sql(
        f"""
        SELECT model, language, turn, role, grouping(model, language, turn) AS level,
               count(DISTINCT conversation_id), count(*), sum(n_tokens), min(n_tokens), max(n_tokens), {quantiles},
               avg(n_tokens), stddev_samp(n_tokens)
        FROM '{folder}/*.parquet'
        GROUP BY GROUPING SETS ((role), (role, model), (role, language), (role, model, language), (role, turn))
        """
    ).fetchall()
    return [row[:-2] for row in rows]  # means and deviations are doubles, added up in any order


def timed(name: str, work: Callable[[], object]) -> tuple[float, float]:
    """Run, print and return wall-clock and CPU seconds; the peak memory of each kind of process too."""
    with ProcessTree() as tree:
        started, own = time.monotonic(), time.process_time()
        work()
        wall, own = time.monotonic() - started, time.process_time() - own
    cpu = tree.total_cpu_seconds() + own
    peaks = ", ".join(f"{kind} {peak:.0f} MB" for kind, peak in sorted(tree.peak_mb.items()))
    load = os.getloadavg()[0]
    print(f"{name:32s} {wall:7.1f} s {cpu:7.1f} CPU s   peak memory: {peaks}; load {load:.1f}", flush=True)
    return wall, cpu


def same_statistics(ours: Lake, theirs: list[tuple[Any, ...]]) -> None:
    """Stop if a figure that both have differs."""
    level = {"all": 7, "model": 3, "language": 5, "model,language": 1, "turn": 6}
    figures = ("n_conversations", "n_messages", "total", "min", "max", "p1", "p5", "p25", "p50", "p75", "p95", "p99")
    left = {
        (row.model, row.language, row.turn, row.role, level[row.grouping]): tuple(row[figure] for figure in figures)
        for row in ours.read(TOKEN_STATS).where("grouping <> 'month'").collect()
    }
    right = {row[:5]: row[5:] for row in theirs}
    differing = [key for key in left.keys() | right.keys() if left.get(key) != right.get(key)]
    for key in differing[:5]:
        print("differs:", key, left.get(key), right.get(key))
    if differing:
        raise SystemExit(f"{len(differing)} of {len(right)} groups differ")
    print(f"all {len(left)} groups have the same conversations, messages, totals and quantiles")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conversations", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--raw", help="folder of raw files to keep and use again; a temporary one if left out")
    parser.add_argument("--memory", default="2g", help="heap of the Java process, driver and executor in one")
    parser.add_argument("--detect", choices=("missing", "sample", "all"), default="missing", help="language.detect")
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    spark = get_session(SparkConfig(master="local[2]", shuffle_partitions=4, driver_memory=options.memory))
    work = Path(tempfile.mkdtemp())
    raw = Path(options.raw) if options.raw else work / "raw"
    try:
        generate_corpora(
            spark,
            GenerateConfig(path=str(raw), conversations=options.conversations, battles=0, files=options.files),
        )
        source = {"format": "lmsys_chat_1m", "path": str(raw / CONVERSATIONS_FOLDER)}
        config = parse_config(
            {
                "storage": {"root": str(work / "lake")},
                "sources": {"chat": source},
                "language": {"detect": options.detect},
            }
        )
        context = Context(config, Lake(spark, config.storage))
        times = {job: timed(job, lambda job=job: step_of(job)(context)) for job in JOBS}
        timed("all of them again", lambda: [step_of(job)(context) for job in JOBS])
        if options.no_peer:
            return
        found = []
        peer_times = timed(
            "pyarrow, sentencepiece, DuckDB", lambda: found.append(peer(raw / CONVERSATIONS_FOLDER, work))
        )
        same_statistics(context.lake, found[0])
        for title, jobs in (("from raw, tokens", JOBS[:3]), ("from entities, tokens and moderation", JOBS[1:])):
            wall, cpu = (sum(times[job][i] for job in jobs) for i in range(2))
            print(f"{title}: {wall:.1f} s, {peer_times[0] / wall:.2f} times as fast; {peer_times[1] / cpu:.2f} by CPU")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()

"""Corpus statistics side by side with a hand-written pipeline: `python benchmarks/corpus.py [--conversations 1000000]`.

Both read the same generated raw files and compute the same token statistics, in two processes each. Ours writes its
Delta tables on the way and does the moderation statistics as well. Session start is excluded, JVM warm-up is not.
CPU seconds of all processes are given beside wall-clock time: a busy machine does not distort them as much.

More is asked with options, each of which ends in a line that says what is wanted and whether it holds:

The JVM is warm for the comparison with the peer too where one of the first two is asked for.

    --small 250000     cost per conversation of the whole against that of a smaller corpus, both warm
    --uniform          half of the rows in one model against the same share for each, both warm
    --increment        a second run with 1 % new files, in a new session
    --detect sample    what language detection adds, by jobs that look at languages
"""

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
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
from pyspark.sql import SparkSession

from arenalake.app.jobs import run_when_ready, step_of
from arenalake.app.session import get_session
from arenalake.config import Config, parse_config
from arenalake.config.spark import SparkConfig
from arenalake.lake import Lake
from arenalake.lake.options import StorageConfig
from arenalake.samples.corpora import CONVERSATIONS_FOLDER, generate_corpora
from arenalake.samples.options import GenerateConfig
from arenalake.step import Context
from arenalake.tokens.tables import TOKEN_STATS

JOBS = ("ingest", "measure", "token_stats", "moderation_stats")
LANGUAGE_JOBS = ("ingest", "measure", "corpus_stats")
WARM_UP = 20_000
# What is wanted: times as fast as the peer, shares of a cost, MB, and seconds.
FROM_RAW, FROM_ENTITIES, SAME_COST, PYTHON_MB, INCREMENT_SECONDS, DETECT_SECONDS = 2.0, 4.0, 1.1, 500.0, 20.0, 120.0

Times = dict[str, tuple[float, float]]


# Largest memory of a process so far, by kind; the peer's are not among them.
peak_mb: dict[str, float] = {}


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
    """Run, print and return wall-clock and CPU seconds; the peak memory of each kind of process is printed too."""
    with ProcessTree() as tree:
        started, own = time.monotonic(), time.process_time()
        work()
        wall, own = time.monotonic() - started, time.process_time() - own
    cpu = tree.total_cpu_seconds() + own
    peak_mb.update({kind: max(peak, peak_mb.get(kind, 0.0)) for kind, peak in tree.peak_mb.items()})
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


def start_session(memory: str) -> SparkSession:
    return get_session(SparkConfig(master="local[2]", shuffle_partitions=4, driver_memory=memory))


def generate(path: Path, conversations: int, files: int, **settings: Any) -> Path:
    """The folder of a generated corpus of conversations, made in a process of its own: its memory is not the jobs'."""
    sizes = {"conversations": conversations, "battles": 0, "files": files}
    wanted = json.dumps({"path": str(path), **sizes, **settings})
    subprocess.run([sys.executable, __file__, "--generate", wanted], check=True)
    return path / CONVERSATIONS_FOLDER


def configure(raw: Path, lake: Path, detect: str = "missing") -> Config:
    source = {"format": "lmsys_chat_1m", "path": str(raw)}
    return parse_config({"storage": {"root": str(lake)}, "sources": {"chat": source}, "language": {"detect": detect}})


def run_jobs(spark: SparkSession, config: Config, title: str, jobs: Sequence[str] = JOBS) -> Times:
    """Times of the jobs one after the other, and of all of them together as `all`."""
    context = Context(config, Lake(spark, config.storage))
    times = {job: timed(f"{title}{job}", lambda job=job: step_of(job)(context)) for job in jobs}
    walls, cpus = zip(*times.values(), strict=True)
    return {**times, "all": (sum(walls), sum(cpus))}


def judge(what: str, value: float, wanted: str, holds: bool) -> None:
    print(f"{'holds' if holds else 'FALLS SHORT':12s} {what}: {value:.2f}, wanted {wanted}", flush=True)


def compare_with_peer(spark: SparkSession, config: Config, times: Times, raw: Path, work: Path) -> None:
    found: list[list[tuple[Any, ...]]] = []
    ours_mb = dict(peak_mb)
    peer_times = timed("pyarrow, sentencepiece, DuckDB", lambda: found.append(peer(raw, work)))
    peak_mb.clear()
    peak_mb.update(ours_mb)
    same_statistics(Lake(spark, config.storage), found[0])
    for title, jobs, wanted in (
        ("from raw, tokens", JOBS[:3], FROM_RAW),
        ("from entities, tokens and moderation", JOBS[1:], FROM_ENTITIES),
    ):
        wall, cpu = (sum(times[job][i] for job in jobs) for i in range(2))
        judge(
            f"{title}, times as fast by clock",
            peer_times[0] / wall,
            f"{wanted} or more",
            peer_times[0] / wall >= wanted,
        )
        print(f"             the same by CPU seconds: {peer_times[1] / cpu:.2f}")


def compare_costs(what: str, one: tuple[float, float], other: tuple[float, float]) -> None:
    """Judge `one` by `other`, each wall-clock and CPU seconds for the same amount of work."""
    for measure, mine, base in zip(("clock", "CPU"), one, other, strict=True):
        judge(f"{what}, by {measure}", mine / base, f"{SAME_COST} or less", mine / base <= SAME_COST)


def compare_increment(spark: SparkSession, raw: Path, work: Path, options: argparse.Namespace) -> None:
    """Add 1 % of the conversations in files of their own, and run the jobs again in a process of its own."""
    added = generate(work / "added", max(1, options.conversations // 100), 1, seed=1)
    grown = work / "grown"
    shutil.copytree(raw, grown)  # a folder to keep is left as it is
    grown_config = configure(grown, work / "grown_lake")
    run_jobs(spark, grown_config, "before the increment: ")
    for file in added.glob("*.parquet"):
        shutil.copy(file, grown / f"added-{file.name}")
    command = [sys.executable, __file__, "--again", str(grown), str(work / "grown_lake"), "--memory", options.memory]
    subprocess.run(command, check=True)


def run_again(spark: SparkSession, raw: str, lake: str) -> None:
    config = configure(Path(raw), Path(lake))
    tables = Lake(spark, config.storage)

    def run(job: str) -> None:
        step_of(job)(Context(config, tables.with_own_log()))

    wall, _ = timed("second run, 1 % new files", lambda: run_when_ready(JOBS, run))
    judge(
        "second run after session start, seconds", wall, f"{INCREMENT_SECONDS:.0f} or less", wall <= INCREMENT_SECONDS
    )


def compare_detection(spark: SparkSession, raw: Path, work: Path, mode: str) -> None:
    walls = []
    for detect in ("missing", mode):
        config = configure(raw, work / f"lake_{detect}", detect)
        walls.append(run_jobs(spark, config, f"detect {detect}: ", LANGUAGE_JOBS)["all"][0])
    added = walls[1] - walls[0]
    judge(f"detection of {mode} adds, seconds", added, f"{DETECT_SECONDS:.0f} or less", added <= DETECT_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--conversations", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--raw", help="folder of raw files to keep and use again; a temporary one if left out")
    parser.add_argument("--memory", default="2g", help="heap of the Java process, driver and executor in one")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--small", type=int, metavar="N", help="compare the cost per conversation with that of N")
    parser.add_argument("--uniform", action="store_true", help="compare with models of equal share")
    parser.add_argument("--increment", action="store_true", help="run again with 1 %% new files")
    parser.add_argument("--detect", choices=("sample", "all"), help="run the jobs on languages with this detection too")
    parser.add_argument("--generate", metavar="JSON", help=argparse.SUPPRESS)
    parser.add_argument("--again", nargs=2, metavar=("RAW", "LAKE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.generate:
        config = GenerateConfig(**json.loads(options.generate))
        generate_corpora(Lake(start_session(options.memory), StorageConfig(root=config.path)), config)
        return
    spark = start_session(options.memory)
    if options.again:
        run_again(spark, *options.again)
        return
    work = Path(tempfile.mkdtemp())
    try:
        raw = generate(Path(options.raw) if options.raw else work / "raw", options.conversations, options.files)
        config = configure(raw, work / "lake")
        smaller: Times | None = None
        if options.small or options.uniform:
            warm = generate(work / "warm", min(WARM_UP, options.conversations), 2)
            run_jobs(spark, configure(warm, work / "warm_lake"), "warm-up: ")
        if options.small:
            small = generate(work / "small", options.small, max(2, options.files // 4))
            smaller = run_jobs(spark, configure(small, work / "small_lake"), f"{options.small:,}: ")
        times = run_jobs(spark, config, "")
        timed("all of them again", lambda: [step_of(job)(Context(config, Lake(spark, config.storage))) for job in JOBS])
        if not options.no_peer:
            compare_with_peer(spark, config, times, raw, work)
        if smaller:
            share = options.small / options.conversations
            wall, cpu = times["all"]
            what = f"cost per conversation at {options.conversations:,} over that at {options.small:,}"
            compare_costs(what, (wall * share, cpu * share), smaller["all"])
        if options.uniform:
            even = generate(work / "even", options.conversations, options.files, uniform_models=True)
            evenly = run_jobs(spark, configure(even, work / "even_lake"), "uniform models: ")
            compare_costs("skewed over uniform models", times["all"], evenly["all"])
        if options.detect:
            compare_detection(spark, raw, work, options.detect)
        largest = peak_mb.get("python", 0.0)
        judge("largest Python worker, MB", largest, f"under {PYTHON_MB:.0f}", largest < PYTHON_MB)
        print(f"             Java: heap of {options.memory}, {peak_mb.get('java', 0.0):.0f} MB in all")
        if options.increment:
            compare_increment(spark, raw, work, options)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()

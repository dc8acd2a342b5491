"""A forest of the published size of OASST1 from files to all its tables: `python benchmarks/trees.py [--times 1]`.

The trees are drawn from a seed: as many messages and trees as were published (times `--times`), most of them prompts
alone.
Session start is excluded, JVM warm-up is not.
"""

import argparse
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arenalake.app.jobs import step_of
from arenalake.app.session import get_session
from arenalake.config import parse_config
from arenalake.config.spark import SparkConfig
from arenalake.lake import Lake
from arenalake.step import Context

N_MESSAGES, N_TREES, N_ALONE = 161_443, 66_497, 52_159
LABELS = ("spam", "quality", "toxicity", "humor", "creativity", "violence", "helpfulness")
JOBS = ("ingest", "measure", "token_stats", "tree_stats")


def draw_parents(rng: np.random.Generator, times: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tree, the parent (-1 for a root) and the depth of each message."""
    n_trees = N_TREES * times
    n_grown = (N_TREES - N_ALONE) * times
    tree, parent, depth = [np.arange(n_trees)], [np.full(n_trees, -1)], [np.zeros(n_trees, np.int64)]
    n, level = n_trees, np.arange(n_grown)
    while n < N_MESSAGES * times:
        # Prompts and their answers have several replies, deeper messages about one.
        replies = rng.poisson(2.0 if len(depth) == 1 else 0.95, len(level))
        if len(depth) == 1:
            replies = np.maximum(replies, 1)
        above = np.repeat(level, replies)[: N_MESSAGES * times - n]
        if not len(above):
            above = rng.choice(n_grown, N_MESSAGES * times - n)  # what is missing answers prompts
        trees = np.concatenate(tree)[above]
        tree.append(trees)
        parent.append(above)
        depth.append(np.concatenate(depth)[above] + 1)
        level = np.arange(n, n + len(above))
        n += len(above)
    return np.concatenate(tree), np.concatenate(parent), np.concatenate(depth)


def write_forest(path: Path, times: int, seed: int = 0) -> None:
    """Write the messages as parquet in the published flat form."""
    rng = np.random.default_rng(seed)
    tree, parent, depth = draw_parents(rng, times)
    n = len(tree)
    ids = [f"{i:08x}-e5db-49ae-a1bf-7002bd8ecd70" for i in range(n)]
    words = np.array([f"word{i}" for i in range(5000)])
    lengths = rng.poisson(40, n)
    text = words[np.minimum(rng.zipf(1.3, lengths.sum()) - 1, len(words) - 1)]
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    order = np.lexsort((rng.random(n), parent))
    first = np.concatenate([[True], np.diff(parent[order]) != 0])
    starts = np.flatnonzero(first)
    place = np.empty(n, np.int64)
    place[order] = np.arange(n) - np.repeat(starts, np.diff(np.append(starts, n)))
    users = rng.zipf(1.6, n) % 13_500
    people = [f"{user:05}-user" for user in users]
    month = rng.integers(1, 5, n)
    value = rng.integers(0, 13, (n, len(LABELS))) / 12
    roles = np.where(depth % 2 == 0, "prompter", "assistant")
    labels = [{"name": list(LABELS), "value": row, "count": [3] * len(LABELS)} for row in value.tolist()]
    languages = rng.choice(["en", "es", "ru", "de", "pt-BR", "uk-UA"], n, p=[0.45, 0.27, 0.1, 0.1, 0.05, 0.03])
    columns = {
        "message_id": ids,
        "parent_id": [None if above < 0 else ids[above] for above in parent],
        "user_id": people,
        "created_date": [f"2023-{of:02}-05T14:23:50.983374+00:00" for of in month],
        "text": [" ".join(text[a:b]) for a, b in pairwise(bounds)],
        "role": roles,
        "lang": languages,
        "review_count": np.full(n, 3, np.int32),
        "review_result": rng.random(n) < 0.97,
        "deleted": rng.random(n) < 0.02,
        "rank": [int(one) if answer else None for one, answer in zip(place, roles == "assistant", strict=True)],
        "synthetic": rng.random(n) < 0.05,
        "model_name": pa.nulls(n, pa.string()),
        "detoxify": [{"toxicity": one} for one in rng.random(n)],
        "message_tree_id": [ids[one] for one in tree],
        "tree_state": np.where(tree < (N_TREES - N_ALONE) * times, "ready_for_export", "initial_prompt_review"),
        "emojis": [{"name": ["+1"], "count": [2]}] * n,
        "labels": labels,
    }
    path.mkdir(parents=True)
    table = pa.table(columns)
    shuffled = table.take(pa.array(rng.permutation(n)))
    pq.write_table(shuffled, path / "messages.parquet", row_group_size=20_000)


def main() -> None:
    """Generate, run, and print the seconds of each job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_forest(Path(folder) / "raw", arguments.times)
        source = {"format": "oasst1", "path": f"{folder}/raw"}
        config = parse_config({"storage": {"root": f"{folder}/lake"}, "sources": {"oasst": source}})
        spark = get_session(SparkConfig(master=f"local[{arguments.cores}]", shuffle_partitions=4, app_name="trees"))
        context = Context(config, Lake(spark, config.storage))
        start = time.perf_counter()
        for job in JOBS:
            before = time.perf_counter()
            result = step_of(job)(context)
            print(f"{job}: {time.perf_counter() - before:.1f} s", *result.lines, *map(str, result.errors), sep="\n  ")
        print(
            f"all: {time.perf_counter() - start:.1f} s after session start, {N_MESSAGES * arguments.times:,} messages"
        )


if __name__ == "__main__":
    main()

"""How long `judge_agreement` takes on made-up votes, and how much memory all of its processes need.

    python benchmarks/judges.py --votes 375000 750000 1500000 --judges 5000 [--single]

Votes are drawn by a hash of their number: question, pair of models, turn, judge and outcome each evenly. The session is
started and the votes are written before the clock is. Several numbers of votes, each in a lake of its own, show how the
time grows. The first one runs in a Java process that has just started, and later ones in one that keeps what the
earlier ones took, so that memory is comparable only between runs of one number each.
"""

import argparse
import tempfile
import time
from pathlib import Path

from generate import ProcessTree  # the benchmark beside this one
from pyspark.sql import functions as F

from arenalake.app.session import get_session
from arenalake.config import parse_config
from arenalake.entities.tables import BATTLES
from arenalake.judges import job as judge_agreement
from arenalake.lake import Lake
from arenalake.step import Context


def drawn(stream, size):
    """A column of numbers from 0, a function of id and stream."""
    return F.pmod(F.xxhash64("id", F.lit(stream)), F.lit(size)).cast("int")


def write_votes(lake, *, votes, judges, models, questions):
    """Put votes of people into `battles`."""
    first, apart = drawn(1, models), drawn(2, models - 1) + 1
    question = drawn(3, questions)
    columns = {
        "source": F.lit("made_up"),
        "file": F.lit("none"),
        "battle_id": F.col("id").cast("string"),
        "question_id": F.concat(F.lit("question_"), question),
        "model_a": F.concat(F.lit("model_"), first),
        "model_b": F.concat(F.lit("model_"), F.pmod(first + apart, F.lit(models))),
        "winner": F.element_at(F.array(*map(F.lit, ("model_a", "model_b", "tie"))), drawn(4, 3) + 1),
        "judge": F.concat(F.lit("judge_"), drawn(5, judges)),
        "judge_kind": F.lit("human"),
        "turn": drawn(6, 2) + 1,
        "category": F.concat(F.lit("category_"), question % 8),
    }
    rows = lake.spark.range(votes).select(
        *[columns.get(c.name, F.lit(None)).cast(c.type).alias(c.name) for c in BATTLES.columns]
    )
    lake.append(BATTLES, rows)


def main():
    """Write votes, then time the job; once for each number of votes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--votes", type=int, nargs="+", default=[1_500_000])
    for name, default in (("judges", 5_000), ("models", 20), ("questions", 500)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--single", action="store_true", help="compare single judges as well as groups")
    options = parser.parse_args()
    sizes = {name: getattr(options, name) for name in ("judges", "models", "questions")}
    for votes in options.votes:
        with tempfile.TemporaryDirectory() as folder:
            settings = {"storage": {"root": str(Path(folder, "lake"))}, "mlflow": {"enabled": False}}
            spark = {"master": "local[2]", "shuffle_partitions": 4}
            config = parse_config({**settings, "spark": spark, "judges": {"single": options.single}})
            lake = Lake(get_session(config.spark), config.storage)
            write_votes(lake, votes=votes, **sizes)
            with ProcessTree() as tree:
                start = time.perf_counter()
                lines = judge_agreement.run(Context(config, lake)).lines
                seconds = time.perf_counter() - start
        print(
            f"{votes:,} votes: {seconds:.1f} s, {seconds * 1e6 / votes:.1f} s a million, "
            f"{tree.peak_total_mb / 1024:.2f} GiB in all processes",
            *lines,
            sep="\n",
        )


if __name__ == "__main__":
    main()

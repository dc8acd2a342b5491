"""Five records ingested in a warm session: `python benchmarks/few_records.py [CHECKOUT ...]`.

Each checkout of this project is measured by turns in the same environment, this one if none is given. What takes time
here is planning and committing, which the tests of this project do more often than anything else.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
TURNS = [{"role": role, "content": "A few words."} for role in ("user", "assistant")]


def records(name: str) -> list[dict[str, object]]:
    """Five records in a published form."""
    if name == "votes":
        return [{"model_a": "a", "model_b": f"b{n}", "winner": "model_a", "judge": f"j{n}"} for n in range(5)]
    chat = {"model": "m", "conversation": TURNS, "turn": 1, "language": "English", "redacted": False}
    return [{"conversation_id": f"c{n}", **chat} for n in range(5)]


def measure(checkout: Path, rounds: int) -> None:
    """Print the seconds of each round after the first, for each format, as JSON."""
    from arenalake.app.session import get_session
    from arenalake.config import parse_config
    from arenalake.ingest import job
    from arenalake.lake import Lake
    from arenalake.step import Context

    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("lmsys_chat_1m", "votes"):
            raw = Path(folder, "raw", f"{name}.jsonl")
            raw.parent.mkdir(exist_ok=True)
            raw.write_text("".join(json.dumps(record) + "\n" for record in records(name)))
            for number in range(rounds + 1):
                settings = {"storage": {"root": f"{folder}/{name}{number}"}, "mlflow": {"enabled": False}}
                source = {"five": {"format": name, "path": str(raw)}}
                session = {"master": "local[2]", "shuffle_partitions": 2}
                config = parse_config({**settings, "spark": session, "sources": source})
                lake = Lake(get_session(config.spark), config.storage)
                started = time.monotonic()
                done = job.run(Context(config, lake))
                if done.errors:
                    sys.exit(f"{checkout}: {done.errors}")
                if number:
                    seconds[name].append(time.monotonic() - started)
    print(json.dumps(seconds))


def main() -> None:
    """Run each checkout in processes of its own, by turns, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", nargs="*", type=Path, default=[HERE])
    parser.add_argument("--rounds", type=int, default=3, help="sessions of each checkout, of five warm runs each")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.in_this_process:
        measure(options.checkouts[0].resolve(), 5)
        return
    seen: dict[tuple[Path, str], list[float]] = defaultdict(list)
    for _ in range(options.rounds):
        for checkout in options.checkouts:
            command = [sys.executable, __file__, "--in-this-process", str(checkout)]
            environment = {**os.environ, "PYTHONPATH": f"{checkout.resolve()}/libs"}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr[-2000:])
            for name, seconds in json.loads(done.stdout.splitlines()[-1]).items():
                seen[checkout, name] += seconds
    for (checkout, name), seconds in seen.items():
        what = f"{checkout.resolve().name}: five records of {name}"
        print(f"{what}: {statistics.median(seconds):.2f} s (median of {len(seconds)})")


if __name__ == "__main__":
    main()

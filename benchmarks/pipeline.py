"""The sample pipeline, fresh and again, and the report alone: `python benchmarks/pipeline.py [CHECKOUT ...]`.

Each checkout of this project is measured by turns in the same environment, this one if none is given; so two versions
stand side by side. Each run is a process of its own: start of Java and session are in it, installation is not.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from generate import ProcessTree  # the benchmark beside this one

HERE = Path(__file__).resolve().parents[1]
JOB = re.compile(r"event=done job=(\w+) seconds=([\d.]+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", nargs="*", type=Path, default=[HERE])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    seen: dict[tuple[Path, str], list[tuple[float, float]]] = defaultdict(list)
    jobs: dict[tuple[Path, str], list[float]] = defaultdict(list)
    for _ in range(options.rounds):
        for checkout in options.checkouts:
            with tempfile.TemporaryDirectory() as folder:
                for name, job in (("fresh", "pipeline"), ("again", "pipeline"), ("report", "report")):
                    clock, cpu, log = run(checkout.resolve(), job, folder)
                    seen[checkout, name].append((clock, cpu))
                    if name == "fresh":
                        for found, seconds in JOB.findall(log):
                            jobs[checkout, found].append(float(seconds))
    for (checkout, name), figures in seen.items():
        clock, cpu = (statistics.median(column) for column in zip(*figures, strict=True))
        print(f"{checkout.name}: {name:8} {clock:6.1f} s  {cpu:6.1f} CPU s (medians of {len(figures)})")
    for (checkout, job), seconds in jobs.items():
        print(f"{checkout.name}: fresh, {job:16} {statistics.median(seconds):6.1f} s, beside others")


def run(checkout: Path, job: str, folder: str) -> tuple[float, float, str]:
    """Clock and CPU seconds of a job of a checkout with its lake in `folder`, and its log."""
    # Relative paths of the configuration lead into the folder.
    command = [sys.executable, f"{checkout}/jobs/{job}.py", "--config", f"{checkout}/conf/local.yml"]
    environment = {**os.environ, "PYTHONPATH": f"{checkout}/libs"}
    started = time.monotonic()
    with ProcessTree() as processes:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{checkout}: {job} ended with status {done.returncode}\n{done.stderr[-2000:]}")
    return time.monotonic() - started, processes.total_cpu_seconds(), done.stderr


if __name__ == "__main__":
    main()

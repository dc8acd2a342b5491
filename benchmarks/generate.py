"""How fast the generator writes: `python benchmarks/generate.py [--conversations 100000] [--master local[2]]`.

Prints rows a second without the session's start, the time a million would take, CPU seconds of all processes (which a
busy machine does not distort) and the largest memory of the Java process and of any Python worker.
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

from arenalake.app.session import get_session
from arenalake.config.spark import SparkConfig
from arenalake.lake import Lake
from arenalake.lake.options import StorageConfig
from arenalake.samples.corpora import generate_corpora
from arenalake.samples.options import GenerateConfig


class ProcessTree:
    """CPU seconds and peak memory of this process's descendants, read from /proc twice a second.

    `peak_mb` has the most that one process of a name ever had; `peak_total_mb` is the most that this process and all of
    its descendants have had at one look, where memory that several of them share counts for each.
    """

    def __init__(self) -> None:
        self.cpu_seconds: dict[tuple[str, str], float] = {}
        self.peak_mb: dict[str, float] = {}
        self.peak_total_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "ProcessTree":
        self._look()
        self.cpu_at_start = dict(self.cpu_seconds)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def total_cpu_seconds(self) -> float:
        return sum(seconds - self.cpu_at_start.get(key, 0.0) for key, seconds in self.cpu_seconds.items())

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            self._look()

    def _look(self) -> None:
        parents, facts, total, own = {}, {}, 0.0, str(os.getpid())
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, rest = stat.read_text().split("(", 1)[1].rsplit(")", 1)
                status = (stat.parent / "status").read_text()
            except OSError:
                continue
            fields = rest.split()
            pid = stat.parent.name
            parents[pid] = fields[1]
            sizes = [line.split() for line in status.splitlines() if line.startswith(("VmHWM", "VmRSS"))]
            mb = {size[0]: float(size[1]) / 1024 for size in sizes}
            seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            facts[pid] = (name, seconds, mb.get("VmHWM:", 0.0), mb.get("VmRSS:", 0.0))
        for pid, (name, seconds, peak, now) in facts.items():
            ancestor = pid
            while ancestor in parents and ancestor != own:
                ancestor = parents[ancestor]
            if ancestor != own:
                continue
            total += now
            if pid != own and name.startswith(("java", "python")):
                self.cpu_seconds[pid, name] = seconds
                self.peak_mb[name] = max(self.peak_mb.get(name, 0.0), peak)
        self.peak_total_mb = max(self.peak_total_mb, total)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--battles", type=int, default=0)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--memory", default="2g")
    options = parser.parse_args()
    spark = get_session(SparkConfig(master=options.master, shuffle_partitions=2, driver_memory=options.memory))
    spark.range(1).count()
    with tempfile.TemporaryDirectory() as folder, ProcessTree() as tree:
        started = time.monotonic()
        config = GenerateConfig(
            path=folder, conversations=options.conversations, battles=options.battles, files=options.files
        )
        generate_corpora(Lake(spark, StorageConfig(root=folder)), config)
        seconds = time.monotonic() - started
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.parquet"))
    rows = options.conversations + options.battles
    cpu = tree.total_cpu_seconds()
    print(f"{rows:,} rows in {seconds:.1f} s: {rows / seconds:,.0f} rows/s; a million: {seconds * 1e6 / rows:.0f} s")
    print(f"{cpu:.1f} CPU seconds; a million: {cpu * 1e6 / rows:.0f} CPU seconds; load {os.getloadavg()[0]:.1f}")
    print(f"{size / 1e6:.0f} MB of parquet")
    for name, peak in sorted(tree.peak_mb.items()):
        print(f"peak memory of one {name}: {peak:.0f} MB")


if __name__ == "__main__":
    main()

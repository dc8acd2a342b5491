"""Progress for people: a live list of stages in a terminal; a log file gets one line per stage from the runner."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from urllib.request import ProxyHandler, build_opener

from pyspark.sql import SparkSession
from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

# Seconds after which a job is long, and a stage of Spark. Before, nobody asks Spark: its first answer costs 2 seconds
# of processor time.
_LONG = 5.0
_EVERY = 1.0


class Progress:
    """Shows which of `n_jobs` are running, and the tasks of long stages. Silent unless stderr is a terminal."""

    def __init__(self, n_jobs: int) -> None:
        self._n_jobs = n_jobs
        self._started = 0
        self._ended = threading.Event()
        self.display = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> "Progress":
        self.display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self.display.stop()

    @contextmanager
    def stage(self, job: str) -> Iterator[None]:
        """Show a job while it runs."""
        self._started += 1
        with self.step(f"[{self._started}/{self._n_jobs}] {job}"):
            yield

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show what is no job while it runs."""
        task = self.display.add_task(name, total=1)
        yield
        self.display.update(task, completed=1)

    def follow(self, spark: SparkSession) -> None:
        """Show how many tasks of long stages are done, if Spark runs on this machine and has its own pages there."""
        # Spark is elsewhere by Spark Connect, and serverless compute refuses questions about these settings.
        if self.display.disable or "connect" in type(spark).__module__:
            return
        master, has_pages, port, app = (
            str(spark.conf.get(f"spark.{name}", default))
            for name, default in {"master": "", "ui.enabled": "true", "ui.port": "4040", "app.id": ""}.items()
        )
        if not master.startswith("local") or has_pages != "true":
            return
        address = f"http://127.0.0.1:{port}/api/v1/applications/{app}/stages?status=active"
        threading.Thread(target=self._follow, args=[address], name="tasks", daemon=True).start()

    def _follow(self, address: str) -> None:
        """Until the end, keep a row with the tasks of all stages that have been running for long."""
        since: dict[int, float] = {}
        row = None
        while not self._ended.wait(_EVERY):
            running = [task for task in self.display.tasks if not task.finished and task.id != row]
            is_long = any((task.elapsed or 0) >= _LONG for task in running)
            now, stages = time.monotonic(), _stages_of(address) if is_long else {}
            since = {stage: since.get(stage, now) for stage in stages}
            of_long = [stages[stage] for stage, began in since.items() if now - began >= _LONG]
            if row is not None and not of_long:
                self.display.remove_task(row)
                row = None
            if of_long:
                done, total = (sum(counts) for counts in zip(*of_long, strict=True))
                words = f"Spark: {done:,} of {total:,} tasks done"
                if row is None:
                    row = self.display.add_task(words, total=None)
                self.display.update(row, description=words)


def _stages_of(address: str) -> dict[int, tuple[int, int]]:
    """Tasks that are done, and all tasks, of each active stage; none where Spark does not answer."""
    try:
        # No proxy leads to this machine.
        with build_opener(ProxyHandler({})).open(address, timeout=30) as answer:
            stages: list[dict[str, Any]] = json.load(answer)
    except (OSError, ValueError):
        return {}
    return {stage["stageId"]: (stage["numCompleteTasks"], stage["numTasks"]) for stage in stages}

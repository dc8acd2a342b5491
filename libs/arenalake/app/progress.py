"""Progress for people: a live list of stages in a terminal; a log file gets one line per stage from the runner."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn


class Progress:
    """Shows which of `n_jobs` are running. Silent unless stderr is a terminal."""

    def __init__(self, n_jobs: int) -> None:
        self._n_jobs = n_jobs
        self._started = 0
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

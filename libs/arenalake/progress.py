"""Progress for people: a live list of stages in a terminal; a log file gets one line per stage from the runner."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn


class Progress:
    """Shows which of `jobs` is running. Silent unless stderr is a terminal."""

    def __init__(self, jobs: Sequence[str]) -> None:
        self._jobs = jobs
        self._done = 0
        self._display = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> "Progress":
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    @contextmanager
    def stage(self, job: str) -> Iterator[None]:
        self._done += 1
        task = self._display.add_task(f"[{self._done}/{len(self._jobs)}] {job}", total=1)
        yield
        self._display.update(task, completed=1)

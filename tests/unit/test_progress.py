"""What a person sees in a terminal, and what a log file holds."""

import io
import logging
import re
import sys

import pytest

from arenalake.app.logs import configure_logging
from arenalake.app.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def log():
    logger = logging.getLogger("arenalake")
    before = (logger.handlers, logger.level, logger.propagate)
    yield logger
    logger.handlers, logger.level, logger.propagate = before


def run_two_stages(log):
    configure_logging("info")
    with Progress(2) as progress:
        for job in ("ingest", "measure"):
            with progress.stage(job):
                progress.display.refresh()
                log.info("done", extra={"job": job})


def test_a_log_file_has_one_line_per_stage_and_no_display(log, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    run_two_stages(log)
    lines = sys.stderr.getvalue().splitlines()
    assert [re.sub(r"^time=\S+ ", "", line) for line in lines] == [
        "level=info logger=arenalake event=done job=ingest",
        "level=info logger=arenalake event=done job=measure",
    ]


def test_in_a_terminal_log_lines_stand_above_the_display_and_not_in_it(log, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "stderr", Terminal())
    run_two_stages(log)
    # Without colours: what is left of the control sequences moves the cursor or erases a line.
    plain = re.sub(r"\x1b\[[0-9;]*m", "", sys.stderr.getvalue())
    assert "[1/2] ingest" in plain
    assert "[2/2] measure" in plain
    before_log_lines = re.findall(r"(.{0,4})time=\S+ level=info", plain, flags=re.DOTALL)
    assert len(before_log_lines) == 2
    assert all(text.endswith(("\x1b[2K", "\n")) for text in before_log_lines)

"""What a person sees in a terminal, and what a log file holds."""

import io
import json
import logging
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from arenalake.app import progress as module
from arenalake.app.logs import configure_logging
from arenalake.app.progress import Progress
from arenalake.app.runner import closing_lines
from arenalake.app.sample import generated_sources, sample_notice
from arenalake.config import parse_config


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
        with progress.step("starting Spark…"):
            progress.display.refresh()
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
    assert "starting Spark…" in plain
    assert "[1/2] ingest" in plain
    assert "[2/2] measure" in plain
    before_log_lines = re.findall(r"(.{0,4})time=\S+ level=info", plain, flags=re.DOTALL)
    assert len(before_log_lines) == 2
    assert all(text.endswith(("\x1b[2K", "\n")) for text in before_log_lines)


@pytest.fixture
def pages_of_spark(monkeypatch):
    """Settings of a session whose pages say that two stages run, and what they were asked for."""
    asked = []
    stages = [
        {"stageId": 3, "numTasks": 1200, "numCompleteTasks": 37},
        {"stageId": 4, "numTasks": 8, "numCompleteTasks": 1},
    ]

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(stages).encode())

        def log_message(self, *_):
            pass

    monkeypatch.setattr(module, "_LONG", 0.05)
    monkeypatch.setattr(module, "_EVERY", 0.01)
    with HTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        conf = {"spark.master": "local[2]", "spark.ui.port": str(server.server_port), "spark.app.id": "local-1"}
        yield conf, asked
        server.shutdown()


def wait_for(condition):
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def rows_of(progress):
    return [task.description for task in progress.display.tasks]


def test_in_a_terminal_the_tasks_of_long_stages_are_counted(monkeypatch, pages_of_spark):
    conf, asked = pages_of_spark
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress(1) as progress:
        progress.follow(SimpleNamespace(conf=conf))
        assert not asked, "a session in which no job is long is left alone"
        with progress.stage("measure"):
            assert wait_for(lambda: len(rows_of(progress)) > 1)
            assert rows_of(progress) == ["[1/1] measure", "Spark: 38 of 1,208 tasks done"]
        assert wait_for(lambda: rows_of(progress) == ["[1/1] measure"]), "no job, no tasks"
    assert set(asked) == {"/api/v1/applications/local-1/stages?status=active"}


@pytest.mark.parametrize(
    "other", [{"spark.ui.port": "1"}, {"spark.ui.enabled": "false"}, {"spark.master": "yarn"}], ids=str
)
def test_where_spark_has_no_pages_here_a_run_shows_its_jobs_only(monkeypatch, pages_of_spark, other):
    conf, asked = pages_of_spark
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress(1) as progress, progress.stage("measure"):
        progress.follow(SimpleNamespace(conf=conf | other))
        time.sleep(0.3)
        assert rows_of(progress) == ["[1/1] measure"]
    assert not asked


def test_a_log_file_asks_spark_nothing(monkeypatch, pages_of_spark):
    conf, asked = pages_of_spark
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Progress(1) as progress, progress.stage("measure"):
        progress.follow(SimpleNamespace(conf=conf))
        time.sleep(0.3)
    assert not asked


def config_of(tmp_path, *, generated):
    (tmp_path / "chatbot_arena").mkdir()
    if generated:
        (tmp_path / "truth" / "begun").mkdir(parents=True)
    return parse_config(
        {
            "storage": {"root": str(tmp_path / "lake")},
            "sources": {"arena": {"format": "arena", "path": str(tmp_path / "chatbot_arena")}},
        }
    )


def test_a_corpus_beside_its_truth_is_called_a_sample_and_real_files_are_not(tmp_path):
    (tmp_path / "real").mkdir()
    assert generated_sources(config_of(tmp_path, generated=True)) == ["arena"]
    assert sample_notice(config_of(tmp_path / "real", generated=False)) == ""


def test_elsewhere_a_sample_is_what_the_configuration_generates():
    tree = {
        "storage": {"root": "s3a://b/lake"},
        "generate": {"path": "s3a://b/raw"},
        "sources": {
            "made": {"format": "arena", "path": "s3a://b/raw/chatbot_arena"},
            "real": {"format": "arena", "path": "s3a://b/raw2/chatbot_arena"},
        },
    }
    assert generated_sources(parse_config(tree)) == []
    assert generated_sources(parse_config(tree | {"pipeline": {"jobs": ["generate", "ingest"]}})) == ["made"]


def test_a_sample_of_several_sources_lists_them(tmp_path):
    config = config_of(tmp_path, generated=True)
    three = config.model_copy(update={"sources": dict.fromkeys("abc", config.sources["arena"])})
    assert sample_notice(three).startswith("Sample data: the records of a, b and c are generated, votes included.")


def test_a_run_ends_with_leaderboards_the_report_the_time_and_what_to_try_next(tmp_path):
    config = config_of(tmp_path, generated=True)
    said = {"report": ["report: file:///r/index.html"], "ratings": ["arena: bradley_terry"]}
    lines = closing_lines(config, ["ratings", "report"], said, 75.4)
    assert lines[1].startswith("Sample data: the records of arena are generated")
    assert [line for line in lines[2:] if line] == [
        "arena: bradley_terry",
        "report: file:///r/index.html",
        "2 jobs in 1 min 15 s",
        "next: for your own votes, run arenalake init VOTES.csv, then arenalake run",
    ]
    assert "1 job in 3 s" in closing_lines(config, ["report"], {}, 3.2)


@pytest.mark.parametrize(
    ("jobs", "methods", "said", "line"),
    [
        (["ingest"], ["elo"], {}, "run the jobs that give statistics; arenalake jobs lists them"),
        (["ratings"], ["elo"], {"ratings": ["r"]}, "run the job report to see plots and tables"),
        (["tree_stats"], ["elo"], {}, "run the job report to see plots and tables"),
        (["tree_stats", "report"], ["elo"], {"report": ["r"]}, "for more statistics, run further jobs and report"),
        (["ratings", "report"], ["elo"], {"ratings": ["r"], "report": ["r"]}, "to add a method or a slice, set"),
        (["ratings", "report"], ["elo", "win_rate"], {"ratings": ["r"], "report": ["r"]}, "to add a slice, set"),
    ],
)
def test_every_run_ends_with_what_to_try_next(tmp_path, jobs, methods, said, line):
    settings = {"storage": {"root": str(tmp_path / "lake")}, "ratings": {"methods": methods}}
    last = closing_lines(parse_config(settings), jobs, said, 1.0)[-1]
    assert last.startswith(f"next: {line}")

"""The command `arenalake`: what it prints, its exit status, and that a mistake is one line."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
import test_bundle
from cli_cases import MAPPED, mistake, status_of

from arenalake.app import checks, cli, runner
from arenalake.app.tables import ALL_TABLES
from arenalake.config import load_config, parse_config
from arenalake.errors import ConfigError
from arenalake.jobs import JOBS
from arenalake.step import StepResult

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rate", "none.csv"], "none.csv: there is no such file"),
        (["rate", "votes.csv"], "model_a: the table has no column 'model_a'; it has 'left', 'right'"),
        (
            ["rate", "votes.csv", *MAPPED[:4]],
            r"labels without a meaning: 'left' \(12 votes\).*--label left=model_a",
        ),
        (["rate", "votes.csv", *MAPPED, "--label", "tie"], "--label tie: write it as LABEL=OUTCOME"),
        (["rate", "votes.csv", *MAPPED, "--model-c", "x"], "No such option.*--model-c"),
        (["rate", "votes.csv", *MAPPED, "--rounds", "many"], "Invalid value for '--rounds'"),
        (["rate", "votes.csv", *MAPPED, "--output", "out.xls"], "out.xls: the suffix of an output must be one of"),
        (["rate", "votes.txt"], "votes.txt: .*known: .csv"),
        (["rate", "empty.csv"], "empty.csv: cannot be read"),
        (["rate", "heading.csv"], "the table has no rows"),
        (["rate", "broken.parquet"], "broken.parquet: cannot be read"),
        (["rate", "broken.jsonl"], "broken.jsonl: line 1 is not JSON: Expecting value .column 13."),
        (["rats"], "No such command 'rats'"),
        (["run", "raitings"], "raitings: no such job; did you mean 'ratings'"),
        (["run"], "--config arenalake.yml: cannot be read"),
        (["run", "--config", "x.yml", "--set", "bootstrap.round=9"], "bootstrap.round: no such key.*mean 'rounds'"),
        (["config", "show", "--config", "no.yml"], "--config no.yml: cannot be read"),
        (["init", "votes.csv", "--output", "x.yml"], "--output x.yml: exists already"),
        (["init", "votes.csv", "--output", "y.yml", "--name", "a b/c"], "--name a b/c: use letters, digits, dots"),
        (["init", "people.csv"], "no column looks like model_a, model_b, winner; the file has name, age"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(folder, capsys, arguments, said):
    for name, text in {
        "votes.txt": "x",
        "empty.csv": "",
        "heading.csv": "model_a,model_b,winner\n",
        "broken.parquet": "PAR1",
        "broken.jsonl": '{"model_a": ',
        "people.csv": "name,age\nx,1\n",
        "x.yml": "storage: {root: lake}\n",
    }.items():
        Path(name).write_text(text)
    if said.startswith("out.xls"):  # told after the leaderboard, which is right
        assert status_of(*arguments) == 2
        assert re.search(said, capsys.readouterr().err)
    else:
        assert re.search(said, mistake(capsys, *arguments))


def test_run_hands_jobs_and_overrides_to_the_runner(folder, monkeypatch):
    asked = []

    def note(config, jobs, *, named):
        asked.append((config.bootstrap.rounds, list(jobs), named))

    monkeypatch.setattr(runner, "run_steps", note)
    Path("arenalake.yml").write_text("storage: {root: lake}\npipeline: {jobs: [ratings]}\n")
    assert status_of("run") == 0
    assert status_of("run", "--set", "bootstrap.rounds=9", "report", "ratings") == 0
    assert status_of("run", "--set", "pipeline.jobs=[measure,ratings]") == 0
    assert asked == [
        (1000, ["ratings"], True),  # the only job
        (9, ["report", "ratings"], True),
        (1000, ["measure", "ratings"], False),
    ]


@pytest.mark.parametrize(
    ("lacks", "jobs", "named", "is_ingested", "fails"),
    [
        ("battles", ["ratings"], True, True, True),
        ("battles", ["ratings"], False, True, False),  # one task of many, which also run on a data set without battles
        ("battles", ["ratings"], False, False, True),
        ("battles", ["ingest", "ratings"], False, False, False),  # `ingest` reports it
        ("battles", ["ingest", "ratings"], True, True, True),
        ("", ["ratings"], True, False, False),
    ],
)
def test_a_job_that_has_nothing_to_do_is_a_mistake_where_it_was_asked_for(lacks, jobs, named, is_ingested, fails):
    result = StepResult(lines=["ratings: no battles"], lacks=lacks)
    lake = SimpleNamespace(exists=lambda table: is_ingested)
    checks.add_lack("ratings", result, lake, jobs, named=named)
    assert [(str(error), error.exit_status) for error in result.errors] == [
        (
            "ratings: the lake holds no battles; leave ratings out, or first ingest a source that has them and run "
            "measure, battle_stats",
            2,
        )
    ] * fails


def test_a_failure_that_is_not_the_callers_has_status_1(folder, monkeypatch, capsys):
    def fail(*_, **__):
        raise runner.UnreadableFilesError("disk")

    monkeypatch.setattr(runner, "run_steps", fail)
    Path("arenalake.yml").write_text("storage: {root: lake}\n")
    assert status_of("run") == 1
    assert capsys.readouterr().err == "arenalake: disk\n"


def test_config_show_prints_what_can_be_read_again(folder, capsys):
    assert (
        status_of("config", "show", "--config", str(ROOT / "conf/votes_example.yml"), "--set", "bootstrap.seed=7") == 0
    )
    Path("shown.yml").write_text(capsys.readouterr().out)
    again = load_config("shown.yml")
    assert again == load_config(ROOT / "conf/votes_example.yml", ["bootstrap.seed=7"])


def test_jobs_lists_what_the_code_reads_and_writes(capsys):
    assert status_of("jobs") == 0
    printed = capsys.readouterr().out
    assert all(f"\n{name}" in f"\n{printed}" for name in JOBS)
    written = [table for job in JOBS.values() for table in job.writes]
    assert sorted(written) == sorted(table.name for table in ALL_TABLES)
    for name, job in JOBS.items():
        named = {table.lower() for table in test_bundle.tables_touched(name)}
        assert set(job.writes) <= named, name
        assert job.reads
        assert job.writes or job.instead


@pytest.mark.parametrize("labels", [{"1": "model_a", "1.0": "model_b"}, {"left": "model_a", "left ": "tie"}])
def test_a_label_of_the_configuration_stands_for_one_outcome(labels):
    with pytest.raises(
        ConfigError, match=r"winner_labels: the label '(1|left)' stands for model_a and for (model_b|tie)"
    ):
        parse_config({"sources": {"s": {"format": "votes", "path": "x", "winner_labels": labels}}})


def test_every_command_has_help_with_an_example():
    def commands(group, path):
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                yield from commands(command, f"{path} {name}")
            yield f"{path} {name}", command

    found = dict(commands(cli.cli, "arenalake"))
    assert len(found) == 7
    for path, command in found.items():
        assert re.search(r"Examples?:", command.help), path
        assert isinstance(command, click.Group) or re.search(rf"{path}\b", command.help), path
    assert status_of("--help") == 0
    assert status_of() == 2


def test_files_that_the_help_names_are_there():
    texts = [cli.cli.help, *(command.help for command in cli.cli.commands.values())]
    named = {name for text in texts for name in re.findall(r"(?:docs|conf)/[\w.]+\w", text)}
    assert named
    assert all((ROOT / name).is_file() for name in named)


def test_the_wheel_gives_the_command():
    assert '"arenalake=arenalake.app.cli:main"' in (ROOT / "setup.py").read_text()
    done = subprocess.run([sys.executable, "-m", "arenalake", "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"arenalake, version [\d.]+\n", done.stdout)


def test_a_package_of_an_extra_that_is_missing_is_one_line(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "arenalake.app.starter", None)  # importing it now fails
    with pytest.raises(ModuleNotFoundError):
        status_of("init", "votes.csv")
    monkeypatch.setitem(cli._EXTRAS, "arenalake.app.starter", "local")
    assert "pip install 'arenalake[local]'" in mistake(capsys, "init", "votes.csv")

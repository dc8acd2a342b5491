"""The command `arenalake`: what it prints, its exit status, and that a mistake is one line."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pandas as pd
import polars as pl
import pytest
import test_bundle

from arenalake.app import checks, cli, runner, starter
from arenalake.app.checks import require_usable
from arenalake.app.session import require_java
from arenalake.app.starter import find_format, guess_label
from arenalake.app.tables import ALL_TABLES
from arenalake.config import load_config, parse_config
from arenalake.errors import ConfigError, SessionError, SourceNotFoundError, TokenizerError
from arenalake.jobs import JOBS
from arenalake.step import StepResult

ROOT = Path(__file__).resolve().parents[2]
VOTES = pd.DataFrame(
    {
        "left": ["1.0", "b", "c", "b", "1.0", "c"] * 4,
        "right": ["b", "c", "1.0", "1.0", "c", "b"] * 4,
        "winner": ["left", "right", "tie", "left", "left", "right"] * 4,
        "language": ["en", "de", "en"] * 8,
        "text": ["a, b\nc"] * 24,
    }
)
MAPPED = ["--model-a", "left", "--model-b", "right", "--label", "left=model_a", "--label", "right=model_b"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    VOTES.to_csv("votes.csv", index=False)
    return tmp_path


def status_of(*arguments):
    try:
        cli.main(list(arguments))
    except SystemExit as stopped:
        return stopped.code
    return 0


def mistake(capsys, *arguments):
    """The one line that a mistake in the call is told in."""
    assert status_of(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_a_csv_is_rated_without_spark(folder):
    code = "import sys; from arenalake.app.cli import main; main(sys.argv[1:]); print('pyspark' in sys.modules)"
    call = [sys.executable, "-c", code, "rate", "votes.csv", *MAPPED, "--rounds", "20", "--top", "2"]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=folder)
    lines = done.stdout.splitlines()
    assert lines[0] == "24 votes on 3 models"
    assert lines[2] == "all: bradley_terry, 95 % intervals from 20 rounds over battles"
    assert [line.split()[:2] for line in lines[4:6]] == [["1", "1"], ["2", "b"]]  # 1.0 is 1, as in other files
    assert lines[-2:] == ["… and 1 more", "False"]


@pytest.mark.parametrize("name", ["votes.jsonl", "votes.json", "votes.parquet", "votes.tsv", "votes.csv.gz"])
def test_every_kind_of_file_gives_the_same(folder, capsys, name):
    frame = pl.from_pandas(VOTES)
    writers = {
        "votes.jsonl": lambda: frame.write_ndjson(name),
        "votes.json": lambda: frame.write_json(name),
        "votes.parquet": lambda: frame.write_parquet(name),
        "votes.tsv": lambda: frame.write_csv(name, separator="\t"),
        "votes.csv.gz": lambda: Path(name).write_bytes(gzip.compress(Path("votes.csv").read_bytes())),
    }
    writers[name]()
    printed = []
    for file in ("votes.csv", name):
        assert status_of("rate", file, *MAPPED, "--by", "language", "--min-battles", "9", "--rounds", "9") == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "language=en (16)" in printed[0]


def test_all_ratings_are_written_to_a_file(folder):
    assert status_of("rate", "votes.csv", *MAPPED, "--method", "elo", "--rounds", "9", "--output", "out.csv") == 0
    written = pl.read_csv("out.csv")
    assert written["method"].unique().to_list() == ["elo"]
    assert len(written) == 3


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


def test_what_init_writes_for_votes_can_be_run(folder, capsys):
    assert status_of("init", "votes.csv") == 0
    told = capsys.readouterr().out
    assert "model_a = left, model_b = right, winner = winner" in told
    config = load_config("arenalake.yml")
    source = config.sources["votes"]
    assert source.columns == {"model_a": "left", "model_b": "right", "winner": "winner", "language": "language"}
    assert source.winner_labels == {"left": "model_a", "right": "model_b", "tie": "tie"}
    assert status_of("config", "check") == 0


def test_init_sees_that_the_winner_is_named(folder, capsys):
    named = VOTES.assign(winner=VOTES["left"].where(VOTES["winner"] == "left", VOTES["right"]))
    named.loc[VOTES["winner"] == "tie", "winner"] = "draw"
    named.to_csv("named.csv", index=False)
    assert status_of("init", "named.csv") == 0
    source = load_config("arenalake.yml").sources["votes"]
    assert (source.winner_is, source.winner_labels) == ("model", {"draw": "tie"})
    assert "give the outcomes of these labels" not in capsys.readouterr().out
    assert status_of("rate", "named.csv", "--model-a", "left", "--model-b", "right") == 2
    assert "holds names of models, such as" in capsys.readouterr().err


def test_rate_says_that_votes_beside_their_truth_are_generated(folder, capsys, monkeypatch):
    notice = "Sample data: these votes are generated."
    Path("raw/chatbot_arena").mkdir(parents=True)
    VOTES.to_csv("raw/chatbot_arena/votes.csv", index=False)
    assert status_of("rate", "raw/chatbot_arena/votes.csv", *MAPPED, "--rounds", "9") == 0
    assert notice not in capsys.readouterr().out
    Path("raw/truth/begun").mkdir(parents=True)
    assert status_of("rate", "raw/chatbot_arena/votes.csv", *MAPPED, "--rounds", "9") == 0
    assert capsys.readouterr().out.startswith(notice)
    monkeypatch.chdir("raw/chatbot_arena")
    assert status_of("rate", "votes.csv", *MAPPED, "--rounds", "9") == 0
    assert capsys.readouterr().out.startswith(notice)


def test_a_label_stands_for_one_outcome(folder, capsys):
    labels = ["--label", "left=model_a", "--label", "left =model_b", "--label", "right=model_b"]
    assert status_of("rate", "votes.csv", "--model-a", "left", "--model-b", "right", *labels) == 2
    assert "--label: the label 'left' stands for model_a and for model_b" in capsys.readouterr().err


@pytest.mark.parametrize("labels", [{"1": "model_a", "1.0": "model_b"}, {"left": "model_a", "left ": "tie"}])
def test_a_label_of_the_configuration_stands_for_one_outcome(labels):
    with pytest.raises(
        ConfigError, match=r"winner_labels: the label '(1|left)' stands for model_a and for (model_b|tie)"
    ):
        parse_config({"sources": {"s": {"format": "votes", "path": "x", "winner_labels": labels}}})


@pytest.mark.parametrize("name", ["v*.csv", "[v].csv", "v?.jsonl", "[v].jsonl", "v*.parquet"])
def test_a_file_is_the_one_of_its_name_and_no_pattern(folder, capsys, name):
    file = folder / name
    writers = {
        ".csv": pl.DataFrame.write_csv,
        ".jsonl": pl.DataFrame.write_ndjson,
        ".parquet": pl.DataFrame.write_parquet,
    }
    for path, model in ((file, "m"), (folder / f"vv{file.suffix}", "other"), (folder / f"v{file.suffix}", "other")):
        votes = pl.DataFrame({"model_a": [model, model], "model_b": ["n", "n"], "winner": ["model_a", "model_b"]})
        writers[file.suffix](votes, path)
    assert status_of("rate", name) == 0
    assert capsys.readouterr().out.startswith("2 votes on 2 models")


VOTE = '{"model_a": "a", "model_b": "b", "winner": "model_a"'


def test_json_means_the_same_as_in_the_jobs(folder, capsys):
    lines = [
        VOTE + ', "judge": NaN, "language": Infinity, "text": [1]}',
        "  ",
        '{"winner": "tie", "model_b": "b", "model_a": "a", "language": 1e400}',
        '{"model_a": 81.0, "model_b": true, "winner": "model_b"}',
        '{"model_a": "true", "model_b": 81, "winner": "model_b"}',
    ]
    (folder / "votes.jsonl").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    with gzip.open(folder / "votes.json.gz", "wt") as file:
        file.write(f"[{','.join(line for line in lines if line.strip())}]")
    for name in ("votes.jsonl", "votes.json.gz"):
        assert status_of("rate", name, "--output", "out.csv") == 0
        assert capsys.readouterr().out.startswith("4 votes on 4 models")
        rated = pd.read_csv("out.csv", dtype=str).query("interval == 'percentile'").set_index("model")
        assert rated["n_battles"].to_dict() == {"a": "2", "b": "2", "81": "2", "true": "2"}
        assert status_of("rate", name, "--judge", "judge") == 2
        assert "judge: 4 of 4 votes have no value in column 'judge'" in capsys.readouterr().err
        assert status_of("rate", name, "--by", "text") == 2
        assert "holds values of type large_list" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (VOTE + ', "model_a": "z", "language": NaN}', "line 2 is not JSON: an object has the key 'model_a' twice"),
        (VOTE + ', "winner": "tie"}', "line 2 is not JSON: an object has the key 'winner' twice"),
        (VOTE.replace('"a"', '"a\\ud83d"') + "}", r"line 2: 'model_a' has half a surrogate pair, such as \ud83d"),
        (VOTE + "} {}", "line 2 is not JSON: Extra data (column 55)"),
        ("[1]", "line 2 is not a JSON object"),
        ("version https://git-lfs.github.com/spec/v1", "line 2 is not JSON: Expecting value"),
        ("[" * 100_000, "line 2 is not JSON"),
    ],
)
def test_what_is_no_json_is_named_with_its_line(folder, capsys, line, told):
    (folder / "broken.jsonl").write_text(VOTE + "}\n" + line + "\n")
    assert status_of("rate", "broken.jsonl") == 2
    assert told in capsys.readouterr().err


HEADER = b"model_a,model_b,winner\n"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("pointer.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer"),
        ("pointer.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "run git lfs pull"),
        ("packed.csv", gzip.compress(HEADER, mtime=0), "compressed with gzip, but its name does not end in .gz"),
        ("wide.csv", HEADER.decode().encode("utf-16"), "UTF-16; save the file as UTF-8"),
        (
            "latin.csv",
            HEADER + "café,b,tie\n".encode("latin-1"),
            "the file has bytes that are not UTF-8; save it as UTF-8",
        ),
        (
            "latin.jsonl",
            f"{VOTE.replace('a', 'é')}}}\n".encode("latin-1"),
            "the file has bytes that are not UTF-8; save it as UTF-8",
        ),
        ("old.csv", HEADER.replace(b"\n", b"\r") + b"a,b,tie\r", "lines end with a carriage return only"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused_with_the_reason(folder, capsys, name, content, told):
    (folder / name).write_bytes(content)
    assert status_of("rate", name) == 2
    assert told in capsys.readouterr().err


def test_a_key_as_a_value_is_no_key_twice(folder):
    (folder / "keys.jsonl").write_text('{"model_a": "winner", "model_b": "model_a", "winner": "model_b"}\n' * 3)
    assert status_of("rate", "keys.jsonl", "--rounds", "10") == 0


def test_a_header_with_a_name_twice_is_refused(folder, capsys):
    (folder / "twice.csv").write_text("model_a,model_b,winner,winner\na,b,model_a,model_b\n")
    assert status_of("rate", "twice.csv") == 2
    assert "the header has 2 columns 'winner'; rename all but one" in capsys.readouterr().err


def test_names_that_look_alike_are_told_by_rate(folder, capsys):
    rows = "".join(f"{a},{b},model_a\n" for a, b in [("gpt", "x"), ("GPT", "x"), ("x", "gpt")])
    (folder / "alike.csv").write_text("model_a,model_b,winner\n" + rows)
    assert status_of("rate", "alike.csv") == 0
    assert (
        "votes: model has names that differ only in case, width or spaces; they count as different: "
        "'gpt' (2), 'GPT' (1)" in (capsys.readouterr().out)
    )


def test_init_guesses_no_label_that_nobody_could_know(folder, capsys):
    VOTES.assign(winner=VOTES["winner"].map({"left": "0", "right": "1", "tie": "tie"})).to_csv("coded.csv", index=False)
    assert status_of("init", "coded.csv", "--name", "coded") == 0
    assert "give the outcomes of these labels in winner_labels: '0', '1'" in capsys.readouterr().out
    assert load_config("arenalake.yml").sources["coded"].winner_labels == {"tie": "tie"}
    assert guess_label("A") == "model_a"
    assert guess_label("0") is None


def test_init_knows_the_published_formats_by_their_columns():
    from arenalake.sources import SOURCES

    for name, source in SOURCES.items():
        if name in ("votes", "arena_expert"):  # arena_expert is arena_140k with printed conversations
            continue
        columns = [field.column for field in source.fields(source.settings(format=name, path="-"))]
        assert find_format(columns) == name
    assert find_format(["left", "right", "winner"]) is None
    assert find_format(["model_a", "model_b", "winner", "judge"]) is None


# The jobs beside `ingest` and `report` that `init` writes for each format.
TEXTS = {"measure", "corpus_stats", "token_stats"}
VOTES_ON_TEXTS = TEXTS | {"battle_stats", "ratings"}
JOBS_OF_FORMAT = {
    "lmsys_chat_1m": TEXTS | {"moderation_stats", "reproduce"},
    "wildchat": TEXTS | {"moderation_stats"},
    "arena": VOTES_ON_TEXTS | {"moderation_stats", "reproduce"},
    "arena_55k": VOTES_ON_TEXTS,
    "arena_100k": VOTES_ON_TEXTS,
    "arena_140k": VOTES_ON_TEXTS,
    "mt_bench": VOTES_ON_TEXTS | {"judge_agreement", "reproduce"},
    "likert": VOTES_ON_TEXTS | {"judge_agreement", "reproduce"},
    "oasst1": {"measure", "token_stats", "moderation_stats", "tree_stats", "reproduce"},
    "preference_dissection": TEXTS | {"judge_agreement", "preference_stats", "reproduce"},
}


def test_jobs_are_known_for_every_format():
    from arenalake.reproduction.ledgers import LEDGERS
    from arenalake.sources import SOURCES

    assert JOBS_OF_FORMAT.keys() | {"arena_expert", "votes"} == SOURCES.keys() == starter._JOBS.keys()
    assert {name for name, jobs in starter._JOBS.items() if "reproduce" in jobs} == LEDGERS.keys()


@pytest.mark.parametrize("name", JOBS_OF_FORMAT)
def test_init_writes_the_jobs_of_a_published_format(folder, capsys, name):
    from arenalake.sources import SOURCES

    source = SOURCES[name]
    fields = source.fields(source.settings(format=name, path="-"))
    Path("published.jsonl").write_text(json.dumps({field.column.partition(".")[0]: None for field in fields}) + "\n")
    assert status_of("init", "published.jsonl") == 0
    assert f"looks like {source.terms.title}" in capsys.readouterr().out
    config = load_config("arenalake.yml")
    assert {key: source.format for key, source in config.sources.items()} == {name: name}
    assert set(config.pipeline.jobs) == JOBS_OF_FORMAT[name] | {"ingest", "report"}
    assert ("bootstrap:" in Path("arenalake.yml").read_text()) == ("ratings" in config.pipeline.jobs)
    assert status_of("init", "published.jsonl", "--name", "mine", "--force") == 0
    assert list(load_config("arenalake.yml").sources) == ["mine"]


@pytest.mark.parametrize(
    ("name", "record"),
    [
        (
            "oasst1",
            {
                "message_tree_id": "a",
                "tree_state": "ready_for_export",
                "prompt": {"message_id": "a", "replies": [{"message_id": "b", "replies": [{"message_id": "c"}]}]},
            },
        ),
        ("likert", {"model_a": "x", "model_b": "y", "completion_a": "", "completion_b": "", "rating": 3}),
        ("likert", {"task_id": "1", "status": "completed", "params": {}, "response": {}}),
        ("likert", {"review_id": "1", "model1": "x", "model2": "y", "score": [1, 8]}),
    ],
)
def test_init_knows_forms_of_a_format_that_lack_most_of_its_columns(folder, name, record):
    Path("form.jsonl").write_text(json.dumps(record) + "\n")
    assert status_of("init", "form.jsonl") == 0
    assert load_config("arenalake.yml").sources[name].format == name


def test_init_knows_real_nested_trees(folder, real_data):
    assert status_of("init", str(real_data / "oasst" / "en_100_tree.jsonl.gz")) == 0
    assert load_config("arenalake.yml").sources["oasst1"].format == "oasst1"


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


def test_a_wrong_java_home_is_told_before_spark_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SessionError, match=r"JAVA_HOME: .* has no bin/java"):
        require_java()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/java").touch(mode=0o755)
    require_java()
    (tmp_path / "release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="11.0.2"\n')
    with pytest.raises(SessionError, match="is Java 11; Spark needs Java 17 or 21"):
        require_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path / "links"))
    (tmp_path / "links").mkdir()
    (tmp_path / "links/java").symlink_to(tmp_path / "bin/java")
    with pytest.raises(SessionError, match=r"links/java is Java 11; Spark needs Java 17 or 21: set JAVA_HOME"):
        require_java()
    (tmp_path / "links/java").unlink()
    with pytest.raises(SessionError, match="no Java found: install Java 17 or 21"):
        require_java()


def test_a_java_that_does_not_start_spark_is_told_in_one_line_under_its_own_words(folder):
    (folder / "java/bin").mkdir(parents=True)
    (folder / "java/bin/java").write_text("#!/bin/sh\necho 'Could not create the Java Virtual Machine' >&2\nexit 1\n")
    (folder / "java/bin/java").chmod(0o755)
    Path("arenalake.yml").write_text("storage: {root: lake}\nspark: {master: local}\nmlflow: {enabled: false}\n")
    (folder / "lake/silver").mkdir(parents=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    call = [sys.executable, "-m", "arenalake", "run", "ratings"]
    done = subprocess.run(call, capture_output=True, text=True, env={**env, "JAVA_HOME": f"{folder}/java"})
    assert done.returncode == 2
    *above, last = done.stderr.splitlines()
    assert "Could not create the Java Virtual Machine" in above
    assert last.startswith("arenalake: Java ended before Spark started; see its message above; check spark.packages")
    assert "Traceback" not in done.stderr


def test_what_needs_no_spark_is_checked_before_it(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "has_outer_session", lambda: False)  # other tests may have started one
    source = {"format": "votes", "path": str(tmp_path / "none.csv")}
    config = parse_config({"storage": {"root": "x"}, "sources": {"a": source}})
    with pytest.raises(SourceNotFoundError, match=r"sources.a.path: .*none.csv does not exist"):
        require_usable(config, ["ingest"])
    require_usable(config, ["ratings"])
    require_usable(config, ["generate", "ingest"])
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(checks, "has_outer_session", lambda: True)
        require_usable(config, ["ingest"])
    tokens = parse_config({"storage": {"root": "x"}, "tokens": {"tokenizers": ["spm:/none/tokenizer.model+bos"]}})
    with pytest.raises(TokenizerError, match=r"there is no file /none/tokenizer\.model"):
        require_usable(tokens, ["measure"])
    unknown = parse_config({"storage": {"root": "x"}, "tokens": {"tokenizers": ["llama"]}})
    with pytest.raises(TokenizerError, match="'llama' is not a tokenizer; allowed are sample, spm"):
        require_usable(unknown, ["measure"])


def problems(capsys, *overrides):
    """What `config check` finds wrong with check.yml, a line each."""
    settings = [part for override in overrides for part in ("--set", override)]
    status = status_of("config", "check", "--config", "check.yml", *settings)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert all(line.startswith("arenalake: ") for line in lines)
    assert (status, out) == ((2, "") if lines else (0, "check.yml: no problems found\n"))
    return [line.removeprefix("arenalake: ") for line in lines]


@pytest.fixture
def checked(folder, monkeypatch):
    """A folder with a configuration in which nothing is wrong."""
    monkeypatch.setattr(checks, "has_outer_session", lambda: False)  # other tests may have started one
    for name in ("PYSPARK_SUBMIT_ARGS", "SPARK_CONF_DIR"):
        monkeypatch.delenv(name, raising=False)
    source = {"format": "votes", "path": "votes.csv", "columns": {"model_a": "left", "model_b": "right"}}
    tree = {"storage": {"root": "lake"}, "spark": {"master": "local[1]"}, "sources": {"s": source}}
    Path("check.yml").write_text(json.dumps(tree))
    return folder


def test_all_that_is_wrong_with_a_configuration_is_told_a_line_each(checked, capsys, monkeypatch):
    assert problems(capsys) == []
    Path("broken.model").write_text("x")
    monkeypatch.setenv("JAVA_HOME", str(checked))
    found = problems(
        capsys,
        "sources.t={format: votes, path: none.csv}",
        "sources.s.columns.model_a=lft",
        "tokens.tokenizers=[sample, 'spm:broken.model', 'hf:none.json']",
        "ratings.methods=[style_control]",
        "ratings.style.tokenizer=llama",
        "judges.tokenizer=llama",
    )
    expected = [
        r"sources\.s\.columns: .*votes\.csv has no column 'lft' for model_a; did you mean 'left'\?; it has left, right",
        r"sources\.t\.path: none\.csv does not exist$",
        r"tokens\.tokenizers: 'hf:none\.json' cannot be loaded: there is no file none\.json$",
        r"ratings\.style\.tokenizer: 'llama' is not among the names",
        r"judges\.tokenizer: 'llama' is not among the names",
        r"JAVA_HOME: .* has no bin/java",
        r"tokens\.tokenizers: 'spm:broken\.model' cannot be loaded: broken\.model is not a SentencePiece model",
    ]
    assert len(found) == len(expected)
    for line, pattern in zip(found, expected, strict=True):
        assert re.match(pattern, line), line


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "cannot be read: empty CSV"),
        ("broken.parquet", b"PAR1", "cannot be read"),
        ("twice.csv", b"left,right,winner,winner\n", "the header has 2 columns 'winner'"),
        ("others.csv", b"left,winner\n", "has no column 'right' for model_b"),
        ("bare.tsv", b"left\tright\n", "has no column 'winner' for winner"),
        ("spaces.csv", b" left,right ,winner\n", None),
        ("records.json", b"[", None),  # would have to be read whole, which the job does
    ],
)
def test_a_file_is_opened_for_its_columns(checked, capsys, name, content, said):
    (checked / name).write_bytes(content)
    found = problems(capsys, f"sources.s.path={name}")
    assert len(found) == (said is not None)
    assert not said or said in found[0]


def test_a_folder_that_gives_a_value_is_looked_into_even_where_its_name_begins_as_hidden_ones_do(checked, capsys):
    for folder in ("votes/_judge=ann", "other/_judge"):
        (checked / folder).mkdir(parents=True)
        (checked / folder / "votes.csv").write_text("left,winner\n")
    assert "has no column 'right' for model_b" in problems(capsys, "sources.s.path=votes")[0]
    assert problems(capsys, "sources.s.path=other") == []


def test_columns_may_be_names_of_folders(checked, capsys):
    (checked / "votes/judge=ann").mkdir(parents=True)
    (checked / "votes/judge=ann/votes.csv").write_bytes((checked / "votes.csv").read_bytes())
    assert problems(capsys, "sources.s.path=votes", "sources.s.columns.judge=judge") == []
    assert (
        "no column 'worker' for judge" in problems(capsys, "sources.s.path=votes", "sources.s.columns.judge=worker")[0]
    )


def test_a_file_of_another_format_is_told(checked, capsys):
    (checked / "people.csv").write_text("name,age\n")
    found = problems(capsys, "sources.s={format: arena, path: people.csv}")
    assert found == [
        f"sources.s.format: {checked}/people.csv has none of the columns of arena; it has name, age",
    ]


def test_a_catalog_that_forgets_its_tables_is_told_without_spark(checked, capsys, monkeypatch):
    catalog = ["storage={catalog: spark_catalog, schema: s}", "report.path=report", "mlflow.enabled=false"]
    assert problems(capsys, *catalog)[0].startswith("storage.catalog: spark_catalog has no metastore here")
    assert problems(capsys, *catalog, "spark.conf={spark.sql.catalogImplementation: hive}") == []
    other = ["storage={catalog: main, schema: s}", *catalog[1:]]
    assert problems(capsys, *other)[0].startswith("storage.catalog: this Spark session has no catalog main")
    assert problems(capsys, *other, "spark.conf={spark.sql.catalog.main: Catalog}") == []
    monkeypatch.setenv("SPARK_CONF_DIR", "conf")  # where Spark may be told more
    assert problems(capsys, *catalog) == []


def test_a_mapping_that_fits_no_source_ends_a_run_before_spark_starts(checked, monkeypatch):
    monkeypatch.setattr(runner, "get_session", lambda config: pytest.fail("a session was started"))
    wrong = ["sources.s.columns.model_a=lft", "mlflow.enabled=false"]
    with pytest.raises(ConfigError, match=r"sources\.s\.columns: .* has no column 'lft'"):
        runner.run_configured("check.yml", wrong, ["ingest"])
    require_usable(load_config("check.yml", [*wrong, "sources.t={format: votes, path: votes.json}"]), ["ratings"])
    assert not Path("lake").exists()


def test_one_of_several_files_or_one_that_cannot_be_read_does_not_keep_a_run_from_the_others(checked, capsys):
    folder = checked / "several"
    folder.mkdir()
    (folder / "a.csv").write_text("lft,right,winner\n")
    alone, several = "sources.s.path=several", ["sources.s.columns.model_a=left", "sources.s.path=several"]
    with pytest.raises(ConfigError, match="a\\.csv has no column 'left'"):
        require_usable(load_config("check.yml", several), ["ingest"])
    (folder / "b.jsonl").write_text("{}")
    require_usable(load_config("check.yml", several), ["ingest"])
    assert "a.csv has no column 'left'" in problems(capsys, alone)[0]
    (checked / "broken.parquet").write_bytes(b"PAR1")
    require_usable(load_config("check.yml", ["sources.s.path=broken.parquet"]), ["ingest"])


@pytest.mark.parametrize("job", ["measure", "ratings", "report"])
def test_a_lake_without_a_table_is_told_before_spark_starts(checked, capsys, monkeypatch, job):
    monkeypatch.setattr(runner, "get_session", lambda config: pytest.fail("a session was started"))
    told = mistake(capsys, "run", "--config", "check.yml", job)
    assert f"lake holds no tables, so {job} would have no input; run the job ingest first" in told
    assert not Path("lake").exists()
    assert f"so {job} would have no input" in problems(capsys, f"pipeline.jobs=[{job}]")[0]
    (checked / "lake/gold").mkdir(parents=True)
    assert problems(capsys, f"pipeline.jobs=[{job}]") == []


@pytest.mark.parametrize(
    ("override", "meant"),
    [
        ("ratings.methods=[bradly_terry]", "bradley_terry"),
        ("sources.s.format=vote", "votes"),
        ("pipeline.jobs=[raitings]", "ratings"),
        ("sources.s.columns={modl_a: left}", "model_a"),
        ("ratings.slices=[langage]", "language"),
        ("language.detector=cld", "cld2"),
        ("bootstrap.unit=judges", "judge"),
        ("tokens.tokenizer=[sample]", "tokenizers"),
        ("tokens.tokenizers=[smple]", "sample"),
        ("tokens.tokenizers=['tiktoken:cl100k']", "cl100k_base"),
    ],
)
def test_what_is_misspelt_gets_a_hint(checked, capsys, override, meant):
    (line,) = problems(capsys, override)
    assert f"did you mean {meant!r}?" in line


def test_a_package_of_an_extra_that_is_missing_is_one_line(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "arenalake.app.starter", None)  # importing it now fails
    with pytest.raises(ModuleNotFoundError):
        status_of("init", "votes.csv")
    monkeypatch.setitem(cli._EXTRAS, "arenalake.app.starter", "local")
    assert "pip install 'arenalake[local]'" in mistake(capsys, "init", "votes.csv")


def test_json_of_the_ratings_can_be_read(folder):
    assert status_of("rate", "votes.csv", *MAPPED, "--rounds", "9", "--output", "out.jsonl") == 0
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert {row["interval"] for row in rows} == {"percentile", "sandwich"}

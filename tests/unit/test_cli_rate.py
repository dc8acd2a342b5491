"""The command `arenalake rate`: files of every kind, labels, and mistakes in one line."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from cli_cases import MAPPED, VOTES, status_of


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


def test_json_of_the_ratings_can_be_read(folder):
    assert status_of("rate", "votes.csv", *MAPPED, "--rounds", "9", "--output", "out.jsonl") == 0
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert {row["interval"] for row in rows} == {"percentile", "sandwich"}

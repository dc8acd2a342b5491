"""Ingestion end to end: what is kept, what is quarantined and why, and what a second run does."""

import gzip
import itertools
import json
import os
import re
import shutil
from collections import Counter
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import broken, kept, parse
from stored import folder_of, stored_rows

from arenalake.config import parse_config
from arenalake.entities.moderation import CATEGORIES
from arenalake.entities.tables import BATTLES, CONVERSATIONS, INGESTED_FILES, MESSAGES, QUARANTINE, SOURCE_TERMS
from arenalake.ingest import job as ingest
from arenalake.lake import Lake
from arenalake.lake.options import StorageConfig
from arenalake.sources import SOURCES
from arenalake.sources.settings import PUBLISHED_LABELS
from arenalake.step import Context


def moderation(**scores):
    return {
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": {**dict.fromkeys(CATEGORIES, 0.01), **scores},
        "flagged": False,
    }


def talk(*contents, roles=("user", "assistant")):
    return [{"content": text, "role": role} for text, role in zip(contents, itertools.cycle(roles), strict=False)]


def chat(number, **changes):
    return {
        "conversation_id": f"c{number}",
        "model": "vicuna-13b",
        "conversation": talk("Hello", "Hi there"),
        "turn": 1,
        "language": "English",
        "openai_moderation": [moderation(), moderation()],
        "redacted": False,
        **changes,
    }


def battle(number, **changes):
    return {
        "question_id": f"q{number}",
        "model_a": "alpha",
        "model_b": "beta",
        "winner": "model_a",
        "judge": "arena_user_1",
        "conversation_a": talk("Hello", "Hi from alpha"),
        "conversation_b": talk("Hello", "Hi from beta"),
        "turn": 1,
        "anony": True,
        "language": "English",
        "tstamp": 1682351591.1322 + number,
        "openai_moderation": moderation(),
        "toxic_chat_tag": {
            "roberta-large": {"flagged": False, "probability": 0.1},
            "t5-large": {"flagged": False, "score": 0.1},
        },
        **changes,
    }


def write_lines(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records)
    path.write_text(text, encoding="utf-8")


def context_for(lake, **sources):
    config = parse_config({"storage": {"root": lake.root}, "sources": sources})
    # A lake of its own per run, as every job has.
    return Context(config, Lake(lake.spark, config.storage))


def run(lake, **sources):
    return ingest.run(context_for(lake, **sources))


def rows(lake, table, *columns):
    """The rows of a table as a sorted list of tuples."""
    return sorted(stored_rows(folder_of(lake, table), list(columns)), key=str)


def versions(lake, *tables):
    """The number of commits of each table."""
    return [len(list((folder_of(lake, table) / "_delta_log").glob("*.json"))) for table in tables]


def test_every_broken_rule_sends_the_record_to_quarantine_with_its_reason(lake, tmp_path):
    broken = {
        "conversation_id is missing": chat(1, conversation_id=None),
        "model is missing": chat(2, model=""),
        "turn has the wrong type": chat(3, turn="one"),
        "turn is 1.5, not a whole number": chat(4, turn=1.5),
        "turn is 1.0E17, too large to be exact": chat(12, turn=10**17),
        "turn is 2.147483648E9, too large": chat(18, turn=2**31),
        "conversation has no messages": chat(5, conversation=[]),
        "conversation is out of order": chat(6, conversation=talk("a", "b", roles=("assistant", "user"))),
        "conversation has a message without content": chat(7, conversation=talk("a", None)),
        "openai_moderation has a score": chat(8, openai_moderation=[moderation(hate=1.5), moderation()]),
        "openai_moderation has a score ": chat(9, openai_moderation=[moderation(hate=float("nan")), moderation()]),
        "openai_moderation has 1 entries for 2 messages": chat(10, openai_moderation=[moderation()]),
        "the line ends inside a record, or is not JSON": "{not json",
        "the line is not a JSON object": "5",
        "the line is not JSON, or an object in it has the same key twice": json.dumps(chat(13))[:-1]
        + ', "model": "other"}',
        "the line is not JSON, or an object in it has the same key twice ": json.dumps(chat(14))
        + " "
        + json.dumps(chat(15)),
        "the line is not a JSON object ": json.dumps(chat(19)) + "]" + json.dumps(chat(20)),
        "the line is a list; rename a file that holds one list to .json": json.dumps([chat(16)]),
        "the line has a number of over 1,000 digits, or is not JSON": json.dumps(chat(23))[:-1]
        + f', "x": {"9" * 1500}}}',
        "the line is nested more than 1,000 levels deep, or is not JSON": json.dumps(chat(24))[:-1]
        + f', "x": {"[" * 1500 + "]" * 1500}}}',
        "the line has half a surrogate pair, such as \\ud83d, or is not JSON": json.dumps(chat(17, model="m\ud83d")),
    }
    good = [chat(20), chat(21, openai_moderation=None), chat(22, language=None, redacted=None)]
    write_lines(tmp_path / "raw" / "chats.jsonl", [*broken.values(), *good])
    result = run(lake, lmsys={"format": "lmsys_chat_1m", "path": str(tmp_path / "raw")})
    assert result.lines[0] == (
        f"lmsys: {len(broken) + 3} records in 1 new file = 3 kept + {len(broken)} quarantined + 0 duplicates"
    )
    assert result.lines[1:4] == [
        "lmsys: in quarantine: 2 × openai_moderation has a score that is outside [0, 1] or not a number",
        "lmsys: in quarantine: 2 × the line is not JSON, or an object in it has the same key twice",
        "lmsys: in quarantine: 2 × the line is not a JSON object",
    ]
    assert result.lines[-1] == "lmsys: in quarantine: more reasons in the table quarantine"
    quarantined = rows(lake, QUARANTINE, "record", "reasons")
    for reason, record in broken.items():
        text = record if isinstance(record, str) else json.dumps(record)
        told = next(reasons for found, reasons in quarantined if found == text)
        assert any(line.startswith(reason.strip()) for line in told), (reason, told)
    assert [row[0] for row in rows(lake, CONVERSATIONS, "conversation_id")] == ["c20", "c21", "c22"]


def test_files_in_which_no_record_has_an_id_are_quarantined_whole(lake, tmp_path):
    path = tmp_path / "raw" / "1.jsonl"
    write_lines(path, [{}, "nonsense", {"model_a": "a", "model_b": "b", "winner": "tie"}])
    names = ("lmsys_chat_1m", "arena", "wildchat")
    result = run(lake, **{name: {"format": name, "path": str(path)} for name in names})
    assert [str(error).partition(";")[0] for error in result.errors] == [
        f"sources.{name}: none of 3 records could be kept" for name in names
    ]
    assert rows(lake, QUARANTINE, "source") == [(name,) for name in sorted(names) for _ in range(3)]


def test_votes_keep_the_order_of_their_file_and_equal_votes_without_an_id_are_two(lake, tmp_path):
    vote = "alpha,beta,left\n"
    (tmp_path / "votes.csv").write_text(
        "x,y,w\n" + vote + vote + "alpha,alpha,left\nalpha,beta,maybe\nbeta,alpha,right\n,b,left\n"
    )
    result = run(
        lake,
        votes={
            "format": "votes",
            "path": str(tmp_path / "votes.csv"),
            "columns": {"model_a": "x", "model_b": "y", "winner": "w"},
            "winner_labels": {"left": "model_a", "right": "model_b"},
        },
    )
    assert result.lines[0] == "votes: 6 records in 1 new file = 3 kept + 3 quarantined + 0 duplicates"
    kept = rows(lake, BATTLES, "sequence", "model_a", "winner")
    assert kept == [(0, "alpha", "model_a"), (1, "alpha", "model_a"), (4, "beta", "model_b")]
    reasons = [row[0][0] for row in rows(lake, QUARANTINE, "reasons")]
    assert sorted(reasons) == [
        "both sides are the same model, alpha",
        "model_a is missing (column 'x')",
        'winner ["maybe"] is unknown; known: left, right',
    ]


def test_a_mapping_that_does_not_fit_the_file_is_a_reason_for_every_record(lake, tmp_path):
    (tmp_path / "one.csv").write_text("left,right,winner\na,b,model_a\n")
    (tmp_path / "no.csv").write_text("LEFT,RIGHT,WINNER\na,b,model_a\n")
    records = parse(lake, tmp_path, columns={"model_a": "left", "model_b": "rihgt"})
    told = {file: reasons[:2] for file, reasons in broken(records, "file", "reasons")}
    assert told["one.csv"][0] == "model_b: the file has no column 'rihgt'"
    assert told["no.csv"] == ["model_a: the file has no column 'left'", "model_b: the file has no column 'rihgt'"]


def test_names_that_are_no_text_or_not_in_utf8_go_to_quarantine_and_files_of_no_bytes_are_empty(lake, tmp_path):
    raw = tmp_path / "raw & more"
    raw.mkdir()
    write_lines(
        raw / "1.jsonl",
        [
            {"model_a": ["a"], "model_b": "b", "winner": "tie"},
            {"model_a": "[a]", "model_b": {"x": 1}, "winner": "tie"},
            {"model_a": "[a]", "model_b": 2, "winner": "tie"},
        ],
    )
    (raw / "2.csv").write_bytes("model_a,model_b,winner\nmodèle,b,tie\n".encode("latin-1"))
    votes = {"model_a": ["a", "a"], "model_b": ["b", "b"], "winner": ["tie", "tie"], "judge": [1.5, float("nan")]}
    pq.write_table(pa.table(votes), raw / "3.parquet")
    for name in ("no.csv", "no.jsonl"):
        (raw / name).touch()
    result = run(lake, votes={"format": "votes", "path": str(raw)})
    assert result.lines[0] == "votes: 6 records in 5 new files = 3 kept + 3 quarantined + 0 duplicates"
    assert rows(lake, BATTLES, "model_a", "model_b", "judge") == [
        ("[a]", "2", None),
        ("a", "b", "1.5"),
        ("a", "b", None),
    ]
    assert [reasons for (reasons,) in rows(lake, QUARANTINE, "reasons")] == [
        ["model_a has the wrong type; expected text"],
        ["model_a is mod\ufffdle, with bytes that are not UTF-8; save the file as UTF-8"],
        ["model_b has the wrong type; expected text"],
    ]
    outcomes = dict(rows(lake, INGESTED_FILES, "file", "outcome"))
    assert (outcomes["no.csv"], outcomes["no.jsonl"]) == ("empty", "empty")
    assert run(lake, votes={"format": "votes", "path": str(raw)}).lines[0] == "votes: nothing new in 5 files"


@pytest.mark.parametrize(
    "at_once",
    [pytest.param(True, id="together"), pytest.param(False, id="one after the other", marks=pytest.mark.slow)],
)
def test_conflicting_records_all_go_to_quarantine_in_any_order(lake, tmp_path, at_once):
    one, other = battle(1), battle(1, winner="model_b")
    files = {"a.jsonl": [one, battle(2)], "b.jsonl": [one, battle(3)], "c.jsonl": [other]}
    source = {"format": "arena", "path": str(tmp_path / "raw")}
    lines = []
    for order in [tuple(files)] if at_once else [("c.jsonl",), ("b.jsonl",), ("a.jsonl",)]:
        for name in order:
            write_lines(tmp_path / "raw" / name, files[name])
        lines += run(lake, arena=source).lines
    assert [row[0] for row in rows(lake, BATTLES, "battle_id")] == ["q2", "q3"]
    assert len(rows(lake, CONVERSATIONS, "conversation_id")) == 4
    # The two contents stand in quarantine once each; the third record repeats one of them.
    conflicts = rows(lake, QUARANTINE, "record_key", "reasons", "record")
    assert [(key, reasons) for key, reasons, _ in conflicts] == [("q1", ["conflicting_key"])] * 2
    assert {json.loads(record)["battles"][0]["winner"] for _, _, record in conflicts} == {"model_a", "model_b"}
    ingested = rows(lake, INGESTED_FILES, "rows", "kept", "quarantined", "duplicates")
    assert [sum(column) for column in zip(*ingested, strict=True)] == [5, 2, 2, 1]
    if not at_once:
        assert lines[1].endswith("1 earlier record moved to quarantine (conflicting_key)")


def store_measured(lake, source, file, *conversations):
    """Put one measured message of each conversation into the lake."""
    filled = {"source": source, "file": file, "role": "user", "model": "m", "turn": 1, "n_tokens": {"t": 1}}
    counts = dict.fromkeys(("n_chars", "n_headers", "n_list_items", "n_bold"), 0)
    messages = [
        tuple({**filled, **counts, "conversation_id": c, "position": 0}.get(name) for name in MESSAGES.column_names)
        for c in conversations
    ]
    lake.append(MESSAGES, lake.spark.createDataFrame(messages, MESSAGES.ddl))


@pytest.fixture(scope="module")
def measured_chats(spark, tmp_path_factory):
    """The folder of a file of two conversations, and of a lake that has them and their messages."""
    folder = tmp_path_factory.mktemp("measured")
    lake = Lake(spark, StorageConfig(root=str(folder / "lake")))
    write_lines(folder / "raw" / "1.jsonl", [chat(1), chat(2)])
    run(lake, lmsys={"format": "lmsys_chat_1m", "path": str(folder / "raw")})
    store_measured(lake, "lmsys", "1.jsonl", "c1", "c2")
    return folder


@pytest.fixture
def chats(measured_chats, tmp_path):
    """The folder of a file of two conversations. `lake` has them and their messages: each test has a copy of it."""
    raw = measured_chats / "raw"
    for file in raw.iterdir():  # what an earlier test wrote
        file.unlink()
    write_lines(raw / "1.jsonl", [chat(1), chat(2)])
    shutil.copytree(measured_chats / "lake", tmp_path / "lake")
    return raw


def test_an_edited_file_evicts_what_it_contradicts_with_its_messages_and_earlier_versions_say_so(lake, chats):
    write_lines(chats / "1.jsonl", [chat(1, model="other"), chat(2), chat(3)])
    run(lake, lmsys={"format": "lmsys_chat_1m", "path": str(chats)})
    assert rows(lake, CONVERSATIONS, "conversation_id") == [("c2",), ("c3",)]
    assert rows(lake, MESSAGES, "conversation_id") == [("c2",)]
    counts = ("rows", "kept", "quarantined", "duplicates")
    assert rows(lake, INGESTED_FILES, *counts) == [(2, 1, 1, 0), (3, 1, 1, 1)]
    # Two more records of that name go, of which each version had brought one.
    ingest.correct_earlier_files(lake, "lmsys", {"1.jsonl": 2})
    assert rows(lake, INGESTED_FILES, *counts) == [(2, 0, 2, 0), (3, 0, 2, 1)]


def test_only_new_files_are_read_and_a_second_run_changes_no_table(lake, tmp_path):
    source = {"format": "arena", "path": str(tmp_path / "raw")}
    tables = (BATTLES, CONVERSATIONS, QUARANTINE, INGESTED_FILES, SOURCE_TERMS)
    write_lines(tmp_path / "raw" / "1.jsonl", [battle(1), battle(1), battle(2, winner="draw")])
    first = run(lake, arena=source)
    assert first.lines[:1] == ["arena: 3 records in 1 new file = 1 kept + 1 quarantined + 1 duplicate"]
    before = versions(lake, *tables)
    os.utime(tmp_path / "raw" / "1.jsonl", (1, 1))  # touched, not changed
    assert run(lake, arena=source).lines == [
        "arena: nothing new in 1 file",
        f'arena: in quarantine: 1 × winner ["draw"] is unknown; known: {", ".join(sorted(PUBLISHED_LABELS))}',
        "arena: still in quarantine: 1 record of earlier files; if you have changed the source's settings, "
        "--set pipeline.reread=[arena] reads its files again",
    ]
    assert versions(lake, *tables) == before
    late = tmp_path / "raw" / "0-late.jsonl"
    write_lines(late, [battle(5)])
    os.utime(late, (86400, 86400))  # arrives later with an old date
    assert run(lake, arena=source).lines == ["arena: 1 record in 1 new file = 1 kept + 0 quarantined + 0 duplicates"]
    assert [row[0] for row in rows(lake, BATTLES, "battle_id")] == ["q1", "q5"]


def test_the_terms_of_a_source_stay_when_another_configuration_runs_on_the_same_tables(lake):
    arena = {"arena": SOURCES["arena"].settings(format="arena", path="a")}
    votes = {"votes": SOURCES["votes"].settings(format="votes", path="v")}
    for sources in (arena, votes, arena):
        ingest.write_terms(lake, sources)
    assert rows(lake, SOURCE_TERMS, "source", "format") == [("arena", "arena"), ("votes", "votes")]
    assert versions(lake, SOURCE_TERMS) == [3]  # created, and written twice


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_done(lake, tmp_path):
    raw = tmp_path / "raw"
    write_lines(raw / "good.jsonl", [battle(1)])
    (raw / "garbage.parquet").write_bytes(b"this is not parquet, whatever its name says")
    (raw / "no bytes.parquet").touch()
    pq.write_table(pa.table({"Winner": ["tie"], "winner": ["tie"]}), raw / "case.parquet")
    whole = gzip.compress("".join(json.dumps(battle(n)) + "\n" for n in range(10, 60)).encode())
    (raw / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    result = run(lake, votes={"format": "votes", "path": str(raw)})
    assert sorted(name.split(" (")[0].rsplit("/", 1)[1] for name in result.unreadable) == [
        "case.parquet",
        "cut.jsonl.gz",
        "garbage.parquet",
        "no bytes.parquet",
    ]
    cut = next(told for told in result.unreadable if "cut.jsonl.gz" in told)
    assert cut.endswith("(EOFException: Unexpected end of input stream)")
    assert rows(lake, BATTLES, "question_id") == [("q1",)]
    assert rows(lake, INGESTED_FILES, "file") == [("good.jsonl",)]


@contextmanager
def killed(monkeypatch, methods, table, *, written_before=0):
    """The run dies when it is about to write to this table by one of these methods, after so many times that it did.

    So does each source of it: they are ingested at once.
    """
    writes = itertools.count()
    with monkeypatch.context() as patch:
        for method in methods.split():
            write = getattr(Lake, method)

            def write_or_die(self, written, *args, write=write, **kwargs):
                if written is table and next(writes) >= written_before:
                    raise KeyboardInterrupt
                write(self, written, *args, **kwargs)

            patch.setattr(Lake, method, write_or_die)
        yield


@pytest.mark.parametrize(
    "killed_before",
    [
        pytest.param(BATTLES, id="battles", marks=pytest.mark.slow),
        pytest.param(QUARANTINE, id="quarantine", marks=pytest.mark.slow),
        pytest.param(INGESTED_FILES, id="ingested_files"),
    ],
)
def test_a_run_that_was_killed_is_healed_by_the_next(lake, tmp_path, monkeypatch, killed_before):
    source = {"format": "arena", "path": str(tmp_path / "raw")}
    write_lines(tmp_path / "raw" / "1.jsonl", [battle(1), battle(2), battle(3, winner="draw")])
    with killed(monkeypatch, "append insert_new store", killed_before), pytest.raises(KeyboardInterrupt):
        run(lake, arena=source)
    store_measured(lake, "arena", "1.jsonl", "q1/a")  # what is there can be measured by itself
    healed = run(lake, arena=source)
    assert healed.lines[:1] == ["arena: 3 records in 1 new file = 2 kept + 1 quarantined + 0 duplicates"]
    assert rows(lake, BATTLES, "battle_id") == [("q1",), ("q2",)]
    assert len(rows(lake, CONVERSATIONS, "conversation_id")) == 4
    assert rows(lake, MESSAGES, "conversation_id") == []
    assert len(rows(lake, QUARANTINE, "record_id")) == 1


def test_what_a_killed_run_left_of_a_file_that_is_gone_is_removed(lake, tmp_path, monkeypatch):
    sources = {name: {"format": "votes", "path": str(tmp_path / name)} for name in ("renamed", "deleted")}
    vote = {"model_a": "a", "model_b": "b", "winner": "model_a"}
    for name in sources:
        write_lines(tmp_path / name / "0.jsonl", [vote])
    run(lake, **sources)
    for name in sources:
        write_lines(tmp_path / name / "1.jsonl", [vote, vote, vote | {"winner": "draw"}])
    with killed(monkeypatch, "store", INGESTED_FILES), pytest.raises(KeyboardInterrupt):
        run(lake, **sources)
    assert Counter(rows(lake, BATTLES, "source", "file")) == {
        (name, file): n for name in sources for file, n in (("0.jsonl", 1), ("1.jsonl", 2))
    }
    (tmp_path / "renamed" / "1.jsonl").rename(tmp_path / "renamed" / "2.jsonl")
    (tmp_path / "deleted" / "1.jsonl").unlink()
    lines = run(lake, **sources).lines
    assert lines[0] == "renamed: 3 records in 1 new file = 2 kept + 1 quarantined + 0 duplicates"
    assert lines[-1] == "deleted: nothing new in 1 file"
    assert rows(lake, BATTLES, "source", "file") == [
        ("deleted", "0.jsonl"),
        ("renamed", "0.jsonl"),
        ("renamed", "2.jsonl"),
        ("renamed", "2.jsonl"),
    ]
    assert rows(lake, QUARANTINE, "source", "file") == [("renamed", "2.jsonl")]


@pytest.mark.parametrize(
    ("method", "table", "written_before"),
    [
        pytest.param("insert_new", QUARANTINE, 0, id="quarantine", marks=pytest.mark.slow),
        pytest.param("delete", MESSAGES, 0, id="messages", marks=pytest.mark.slow),
        pytest.param("delete", CONVERSATIONS, 0, id="conversations", marks=pytest.mark.slow),
        pytest.param("append", CONVERSATIONS, 0, id="new conversations"),
        pytest.param("store", INGESTED_FILES, 0, id="earlier files", marks=pytest.mark.slow),
        pytest.param("store", INGESTED_FILES, 1, id="ingested_files", marks=pytest.mark.slow),
    ],
)
def test_conflicts_that_a_killed_run_was_settling_are_settled_by_the_next(
    lake, chats, monkeypatch, method, table, written_before
):
    source = {"format": "lmsys_chat_1m", "path": str(chats)}
    write_lines(chats / "2.jsonl", [chat(1, model="other"), chat(3)])
    with killed(monkeypatch, method, table, written_before=written_before), pytest.raises(KeyboardInterrupt):
        run(lake, lmsys=source)
    line = run(lake, lmsys=source).lines[0]
    assert line.startswith("lmsys: 2 records in 1 new file = 1 kept + 1 quarantined + 0 duplicates")
    assert rows(lake, CONVERSATIONS, "conversation_id") == [("c2",), ("c3",)]
    assert rows(lake, MESSAGES, "conversation_id") == [("c2",)]
    assert rows(lake, QUARANTINE, "file", "record_key") == [("1.jsonl", "c1"), ("2.jsonl", "c1")]
    counts = ("file", "rows", "kept", "quarantined", "duplicates")
    assert rows(lake, INGESTED_FILES, *counts) == [("1.jsonl", 2, 1, 1, 0), ("2.jsonl", 2, 1, 1, 0)]


def test_two_fields_of_one_column_and_blank_cells_mean_the_same_in_every_kind_of_file(lake, tmp_path):
    columns = {"winner": "rating", "likert": "rating", "tstamp": "time"}
    labels = {"1": "model_b", "3": "tie", "5": "model_a"}
    cells = [("5", "x"), ("3", " "), ("1", None), ("4.5", "x"), ("n/a", "x")]
    votes = [{"model_a": "a", "model_b": "b", "rating": r, "judge": j, "time": ""} for r, j in cells]
    text = "".join(f"a,b,{r},{j or ''},\n" for r, j in cells)
    (tmp_path / "1.csv").write_text("model_a,model_b,rating,judge,time\n" + text)
    write_lines(tmp_path / "1.jsonl", votes)
    pq.write_table(pa.Table.from_pylist(votes), tmp_path / "1.parquet")
    records = parse(lake, tmp_path, columns=columns, winner_labels=labels)
    for kind in ("csv", "jsonl", "parquet"):
        of_kind = [record for record in records if record["file"] == f"1.{kind}"]
        assert kept(of_kind, BATTLES, "winner", "likert", "judge", "tstamp") == [
            ("model_a", 5, "x", None),
            ("model_b", 1, None, None),
            ("tie", 3, None, None),
        ]
        reasons = [reason for (reasons,) in broken(of_kind, "reasons") for reason in reasons]
        assert len([reason for reason in reasons if "4.5" in reason]) == 2
        assert "rating has the wrong type; expected a number" in reasons


def test_a_time_without_a_date_or_in_other_units_is_no_time(lake, tmp_path):
    good = ["1682351591.5", "2023-04-24T15:53:11.5Z", "2023-04-24 15:53:11.5", "2023-04-24T17:53:11.5+02:00"]
    bad = ["1682351591500", "20230424", "12:30:15", "yesterday"]
    vote = {"model_a": "a", "model_b": "b", "winner": "tie"}
    write_lines(tmp_path / "1.jsonl", [vote | {"tstamp": text} for text in good + bad])
    records = parse(lake, tmp_path)
    times = [tstamp.timestamp() for (tstamp,) in kept(records, BATTLES, "tstamp")]
    assert times == [1682351591.5] * len(good)
    reasons = [reason for (reasons,) in broken(records, "reasons") for reason in reasons]
    assert sorted(reasons) == sorted(f"tstamp is {text}, {NO_TIME}" for text in bad)


NO_TIME = "not a time; give seconds since 1970, or a date and time as in 2023-04-24T15:39:51Z"


def test_verdicts_of_gpt4_among_the_published_judgments_are_a_models(lake, tmp_path):
    record = {key: battle(1)[key] for key in ("question_id", "model_a", "model_b", "winner", "turn")}
    judges = ("expert_1", "author_2", "gpt4_pair", "someone")
    write_lines(tmp_path / "1.jsonl", [record | {"judge": judge} for judge in judges])
    kinds = dict(kept(parse(lake, tmp_path, format="mt_bench"), BATTLES, "judge", "judge_kind"))
    assert kinds == dict.fromkeys(judges, "human") | {"gpt4_pair": "model"}


def test_parquet_with_other_types_and_orders_of_columns_means_the_same(lake, tmp_path):
    pq.write_table(pa.Table.from_pylist([chat(1)]), tmp_path / "1.parquet")
    turned = dict(reversed(chat(2).items()))
    turned["conversation"] = [{"role": m["role"], "content": m["content"]} for m in turned["conversation"]]
    for one in turned["openai_moderation"]:
        del one["category_scores"]["hate"]
    turned["turn"] = 1.0
    pq.write_table(pa.Table.from_pylist([turned]), tmp_path / "2.parquet")
    write_lines(tmp_path / "3.jsonl", [chat(3)])
    records = parse(lake, tmp_path, format="lmsys_chat_1m")
    found = kept(records, CONVERSATIONS, "conversation_id", "messages", "turn", "moderation")
    assert [row[0] for row in found] == ["c1", "c2", "c3"]
    assert [row[1:3] for row in found] == [([("user", "Hello"), ("assistant", "Hi there")], 1)] * 3
    assert [row[3][0].category_scores["hate"] for row in found] == [0.01, None, 0.01]
    assert [row[3][0].category_scores["violence"] for row in found] == [0.01] * 3


def test_csv_files_with_columns_in_another_order_and_quoted_line_breaks_are_read_by_name(lake, tmp_path):
    (tmp_path / "1.csv").write_text('model_a,model_b,winner,category\na,b,model_a,"two\nlines, ""quoted"""\n')
    (tmp_path / "2.csv").write_text("winner,model_b,model_a\ntie,b,a\ntie (bothbad),b\n")
    records = parse(lake, tmp_path)
    assert kept(records, BATTLES, "model_a", "model_b", "winner", "category") == [
        ("a", "b", "model_a", 'two\nlines, "quoted"'),
        ("a", "b", "tie", None),
    ]
    [(reasons,)] = broken(records, "reasons")
    assert reasons[0] == "the row has more or fewer cells than the header"


def test_the_published_judgments_are_read_whole(lake, real_data):
    result = run(
        lake,
        mt_bench={"format": "mt_bench", "path": str(real_data / "mt_bench" / "human.jsonl")},
        gpt4={"format": "mt_bench", "path": str(real_data / "mt_bench" / "gpt4_pair.jsonl")},
        votes={
            "format": "votes",
            "path": str(real_data / "llmfao" / "crowd-comparisons.csv"),
            "columns": {"model_a": "left", "model_b": "right", "judge": "worker", "question_id": "id"},
            "winner_labels": {"left": "model_a", "right": "model_b", "tie": "tie"},
        },
    )
    assert result.lines == [
        "mt_bench: 3,355 records in 1 new file = 3,355 kept + 0 quarantined + 0 duplicates",
        "gpt4: 2,400 records in 1 new file = 2,400 kept + 0 quarantined + 0 duplicates",
        "votes: 8,931 records in 1 new file = 8,931 kept + 0 quarantined + 0 duplicates",
    ]
    judges = {row[0] for row in rows(lake, BATTLES, "judge", "source") if row[1] == "mt_bench"}
    assert len(judges) == 65
    outcomes = Counter(row[1:] for row in rows(lake, BATTLES, "source", "winner", "winner_label") if row[0] == "gpt4")
    assert outcomes == {
        ("model_a", None): 190,
        ("model_b", None): 1610,
        ("tie", None): 220,
        ("tie", "tie (inconsistent)"): 380,
    }


def test_a_source_that_is_not_there_is_named_before_anything_is_written(lake, tmp_path):
    missing = run(lake, arena={"format": "arena", "path": str(tmp_path / "nowhere")}).errors[0]
    assert re.search(r"sources\.arena\.path: .*nowhere does not exist", str(missing))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.md").write_text("no data")
    empty = run(lake, arena={"format": "arena", "path": str(tmp_path / "empty")}).errors[0]
    assert "holds no file that ends in .parquet" in str(empty)
    assert not lake.exists(SOURCE_TERMS)


def test_leaks_are_found_by_the_configured_phrases_and_are_no_part_of_what_a_battle_says(lake, tmp_path):
    phrases = tmp_path / "phrases.yml"
    phrases.write_text("[Hi from ALPHA]")
    write_lines(tmp_path / "raw" / "1.jsonl", [battle(1), battle(2, conversation_a=talk("Hi from alpha?", "No"))])
    arena = {"format": "arena", "path": str(tmp_path / "raw")}
    run(lake, arena=arena | {"identity_phrases": str(phrases)})
    assert rows(lake, BATTLES, "battle_id", "leaked") == [("q1", True), ("q2", False)]
    # The same battle again, read without phrases, is a duplicate and not another battle.
    write_lines(tmp_path / "raw" / "2.jsonl", [battle(1), battle(3)])
    result = run(lake, arena=arena)
    assert result.lines == ["arena: 2 records in 1 new file = 1 kept + 0 quarantined + 1 duplicate"]
    assert rows(lake, BATTLES, "battle_id", "leaked") == [("q1", True), ("q2", False), ("q3", None)]

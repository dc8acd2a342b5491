"""The same record means the same in every kind of file, and odd files, names and bytes are read or told."""

import bz2
import gzip
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import broken, kept, parse
from test_ingest import battle, chat, context_for, moderation, rows, run, write_lines

from arenalake.app.runner import run_steps
from arenalake.config import parse_config
from arenalake.entities.moderation import CATEGORIES
from arenalake.entities.tables import BATTLES, CONVERSATIONS, INGESTED_FILES, QUARANTINE
from arenalake.errors import NothingKeptError, SourceNotFoundError, UnreadableFilesError
from arenalake.ingest import job as ingest
from arenalake.ingest.files import list_files

VOTE = {"model_a": "a", "model_b": "b", "winner": "tie"}
NAN, INFINITY = float("nan"), float("inf")


def votes(path, **settings):
    return {"format": "votes", "path": str(path), **settings}


def test_names_and_ids_mean_the_same_in_every_kind_of_file(lake, tmp_path):
    """Numbers as they were exported, white space, line ends, and numbers that are none."""
    judges = ["x", " x", "x\u00a0", "\u200bx\r", "", "  "]
    questions = [81, 81.0, 12345678901.0, 0.5, NAN, INFINITY]
    records = [
        {**VOTE, "judge": judge, "question_id": question} for judge, question in zip(judges, questions, strict=True)
    ]
    lines = [f"{q},{json.dumps(j, ensure_ascii=False)},a,b,tie\r\n" for j, q in zip(judges, questions, strict=True)]
    text = "question_id,judge,model_a,model_b,winner\n" + "".join(lines)
    text = text.replace('"\u200bx\\r"', '"\u200bx\r"')
    (tmp_path / "1.csv").write_bytes(text.encode())
    write_lines(tmp_path / "1.jsonl", [*records])
    (tmp_path / "1.json").write_text(json.dumps(records, indent=2))
    pq.write_table(
        pa.Table.from_pylist([{**r, "question_id": float(r["question_id"])} for r in records]),
        tmp_path / "1.parquet",
    )
    found = kept(parse(lake, tmp_path), BATTLES, "file", "judge", "question_id")
    wanted = [("x", "81"), ("x", "81"), ("x", "12345678901"), ("x", "0.5"), (None, None), (None, None)]
    for kind in ("csv", "jsonl", "json", "parquet"):
        assert sorted([row[1:] for row in found if row[0] == f"1.{kind}"], key=str) == sorted(wanted, key=str), kind


def test_a_missing_number_in_json_is_no_name(lake, tmp_path):
    missing = [{**VOTE, name: NAN} for name in ("judge", "language", "turn", "tstamp")] + [{**VOTE, "judge": -INFINITY}]
    write_lines(tmp_path / "1.jsonl", [*missing, {**VOTE, "model_a": NAN}, {**VOTE, "turn": INFINITY}])
    records = parse(lake, tmp_path / "1.jsonl")
    assert kept(records, BATTLES, "judge", "language", "turn", "tstamp") == [(None, None, None, None)] * 5
    assert broken(records, "reasons") == [
        (["model_a is missing"],),
        (["turn is Infinity, not a whole number of at least 1"],),
    ]


def test_a_message_in_parts_is_their_texts_and_a_wrong_type_at_any_depth_is_named(lake, tmp_path):
    def said(content):
        return [{"role": "user", "content": content}, {"role": "assistant", "content": "Yes"}]

    parts = [{"type": "text", "text": "hello"}, {"type": "image", "image": "…"}, {"type": "text", "text": "you"}]
    good = {"c1": parts, "c2": '[{"type": "text"}]', "c3": ["a", "b"], "c4": []}
    bad = {
        "c5": 5,
        "d5": [{"type": "text", "text": 5}],
        "d6": True,
        "d7": NAN,
        "c6": {"x": 1},
        "c7": [{"text": "no type"}],
        "c8": [{"type": "text"}],
        "c9": [[1]],
    }
    records = [
        chat(0, conversation_id=key, conversation=said(content), openai_moderation=None)
        for key, content in (good | bad).items()
    ]
    scored = chat(12, openai_moderation=[moderation(hate="high"), moderation()])
    write_lines(tmp_path / "1.jsonl", [*records, chat(10, conversation="text"), chat(11, conversation=[5]), scored])
    in_parts = chat(1, conversation=[{"role": "user", "content": parts}, {"role": "assistant", "content": parts[:1]}])
    pq.write_table(pa.Table.from_pylist([in_parts | {"conversation_id": "p1"}]), tmp_path / "2.parquet")
    result = run(lake, lmsys={"format": "lmsys_chat_1m", "path": str(tmp_path)})
    texts = {key: messages[0].content for key, messages in rows(lake, CONVERSATIONS, "conversation_id", "messages")}
    assert texts == {"c1": "hello\nyou", "c2": '[{"type": "text"}]', "c3": "a\nb", "c4": "", "p1": "hello\nyou"}
    assert "lmsys: not kept: 2 × conversation[].content has parts of type image, not kept" in result.lines
    reasons = [reasons[0] for (reasons,) in rows(lake, QUARANTINE, "reasons")]
    assert sorted(reasons) == [
        *["conversation has the wrong type; expected a list"],
        *["conversation[] has the wrong type; expected an object"],
        *["conversation[].content has the wrong type; expected text"] * 8,
        *["openai_moderation[].category_scores.hate has the wrong type; expected a number"],
    ]


def test_categories_are_known_by_other_spellings_and_unknown_ones_that_are_flagged_are_counted(lake, tmp_path):
    spelled = {category.replace("/", "_").replace("-", "_"): True for category in CATEGORIES}
    published = moderation()
    other = {**published, "categories": spelled | {"illicit": True, "illicit/violent": False}}
    write_lines(tmp_path / "1.jsonl", [chat(1, openai_moderation=[other, published])])
    pq.write_table(pa.Table.from_pylist([chat(2, openai_moderation=[other, other])]), tmp_path / "2.parquet")
    records = parse(lake, tmp_path, format="lmsys_chat_1m", closely=["openai_moderation"])
    told = ["openai_moderation[].categories: illicit is flagged and has no column"]
    assert [record["notes"] for record in records] == [told] * 2
    found = kept(records, CONVERSATIONS, "conversation_id", "moderation")
    assert [list(flags.categories) for _, entries in found for flags in entries] == [
        [True] * 11,
        [False] * 11,
        [True] * 11,
        [True] * 11,
    ]
    assert {flags.category_scores["hate/threatening"] for _, entries in found for flags in entries} == {0.01}


def test_other_keys_with_dashes_are_known_by_underscores_too(lake, tmp_path):
    tags = {"roberta_large": {"flagged": True, "probability": 0.9}, "t5_large": {"flagged": False, "score": 0.1}}
    write_lines(tmp_path / "1.jsonl", [{**battle(1), "toxic_chat_tag": tags}])
    records = parse(lake, tmp_path, format="arena", closely=["toxic_chat_tag"])
    [(found,)] = kept(records, BATTLES, "toxicity")
    assert found.asDict(recursive=True) == tags


def strings(*values):
    """An Arrow column of strings with these bytes, valid or not."""
    ends = pa.array([0, *[len(b"".join(values[: i + 1])) for i in range(len(values))]], pa.int32())
    return pa.Array.from_buffers(pa.string(), len(values), [None, ends.buffers()[1], pa.py_buffer(b"".join(values))])


def test_a_category_in_two_spellings_that_say_different_things_is_a_broken_rule(lake, tmp_path):
    published = {1: False, 2: False, 3: None}
    for number, value in ((1, True), (2, False), (3, True)):
        entry = moderation()
        entry["categories"] |= {"hate/threatening": published[number], "hate_threatening": value}
        write_lines(tmp_path / f"{number}.jsonl", [chat(number, openai_moderation=[entry, moderation()])])
    records = parse(lake, tmp_path, format="lmsys_chat_1m", closely=["openai_moderation"])
    told = "openai_moderation[].categories: hate/threatening occurs in several spellings, with different values"
    assert broken(records, "record_key", "reasons") == [("c1", [told])]
    flags = {
        key: entries[0].categories["hate/threatening"]
        for key, entries in kept(records, CONVERSATIONS, "conversation_id", "moderation")
    }
    assert flags == {"c2": False, "c3": True}


def test_truth_values_are_told_from_numbers_by_one_rule(lake, tmp_path):
    """Spark itself takes 2 and even NaN for true, and does not know 1.0."""
    wanted = {"1.0": True, "0": False, "True": True, "nan": None, "": None, "2.0": "broken", "inf": None}
    csv_lines = [f"{text},a,b,tie" for text in wanted]
    (tmp_path / "1.csv").write_text("\n".join(["anony,model_a,model_b,winner", *csv_lines]) + "\n")
    numbers = [1.0, 0.0, NAN, 2.0, -0.0]
    pq.write_table(pa.Table.from_pylist([{**VOTE, "anony": number} for number in numbers]), tmp_path / "1.parquet")
    write_lines(tmp_path / "1.jsonl", [{**VOTE, "anony": value} for value in (1, 0.0, True, NAN, 2, [True])])
    records = parse(lake, tmp_path)
    found = {"1.csv": [], "1.parquet": [], "1.jsonl": []}
    for file, _, value in kept(records, BATTLES, "file", "sequence", "anony"):
        found[file].append(value)
    assert found["1.csv"] == [value for value in wanted.values() if value != "broken"]
    assert found["1.parquet"] == [True, False, None, False]
    assert found["1.jsonl"] == [True, False, True, None]
    told = ["anony has the wrong type; expected true or false"]
    assert broken(records, "file", "reasons") == [
        ("1.csv", told),
        ("1.jsonl", told),
        ("1.jsonl", told),
        ("1.parquet", told),
    ]


def test_a_number_that_is_too_large_to_be_exact_is_no_id(lake, tmp_path):
    """Two of them would be one id. Up to 38 digits Spark reads a number in JSON as it stands."""
    large = 170141183460469231731687303715884105727  # as of a UUID
    ids = [large, large + 1, large // 10, 12345678901234567890]
    write_lines(tmp_path / "1.jsonl", [{**VOTE, "question_id": number} for number in ids])
    records = parse(lake, tmp_path / "1.jsonl")
    assert kept(records, BATTLES, "question_id") == [(str(number),) for number in sorted(ids[2:], key=str)]
    told = [reasons for (reasons,) in broken(records, "reasons")]
    assert told == [["question_id is 1.7014118346046923E38, too large to be exact; write it in quotes"]] * 2


def test_one_path_that_is_wrong_does_not_keep_the_others_from_being_read(lake, tmp_path):
    write_lines(tmp_path / "good" / "1.jsonl", [VOTE])
    (tmp_path / "empty").mkdir()
    result = run(lake, none=votes(tmp_path / "none"), good=votes(tmp_path / "good"), empty=votes(tmp_path / "empty"))
    assert sorted(str(error).split(":")[0] for error in result.errors) == ["sources.empty.path", "sources.none.path"]
    assert {error.exit_status for error in result.errors} == {2}
    assert result.lines == ["good: 1 record in 1 new file = 1 kept + 0 quarantined + 0 duplicates"]
    assert "nothing to ingest" in str(run(lake).errors[0])


def test_bytes_that_are_not_utf8_are_told_by_their_place_and_nothing_is_lost(lake, tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    line = b'{"model_a": "Ren\xe9", "model_b": "b", "winner": "tie"}\n'
    (raw / "1.jsonl").write_bytes(line + json.dumps({**VOTE, "judge": "Ren\u00e9 \ufffd"}, ensure_ascii=False).encode())
    both = [["b", "b"], ["tie", "tie"]]
    columns = [strings(b"a", b"a"), *both, strings(b"Ren\xe9", "Ren\u00e9".encode())]
    pq.write_table(pa.table(columns, ["model_a", "model_b", "winner", "judge"]), raw / "2.parquet")
    binary = pa.array([b"a", b"a\xff"], pa.binary())
    pq.write_table(pa.table([binary, *both], ["model_a", "model_b", "winner"]), raw / "5.parquet")
    (raw / "3.csv").write_bytes(b"model_a,model_b,winner,judge\na,b,tie,Ren\xe9\na,b,tie,ok\n")
    (raw / "4.csv").write_text("model_a,model_b,winner,judge\na,b,tie,Ren\ufffd\n")
    assert "6 kept" not in run(lake, votes=votes(raw)).lines[0]
    assert rows(lake, BATTLES, "file", "judge") == [
        ("1.jsonl", "Ren\u00e9 \ufffd"),
        ("2.parquet", "Ren\u00e9"),
        ("3.csv", "ok"),
        ("4.csv", "Ren\ufffd"),
        ("5.parquet", None),
    ]
    told = {file: (record, reasons) for file, record, reasons in rows(lake, QUARANTINE, "file", "record", "reasons")}
    assert told["1.jsonl"] == (
        line.decode("utf-8", "backslashreplace").strip(),
        ["the line is not UTF-8; save the file as UTF-8", "byte 17 of the line is 0xe9, which is not UTF-8"],
    )
    record, reasons = told["2.parquet"]
    assert json.loads(record)["judge"] == "Ren\\xe9"
    assert reasons == ["judge is not UTF-8; save the file as UTF-8", "byte 4 of judge is 0xe9, which is not UTF-8"]
    assert told["5.parquet"][1][1] == "byte 2 of model_a is 0xff, which is not UTF-8"
    assert told["3.csv"][1] == ["judge is Ren\ufffd, with bytes that are not UTF-8; save the file as UTF-8"]


def test_texts_of_messages_that_are_not_utf8_never_reach_the_tables(lake, tmp_path):
    good, bad = strings("Gr\u00fc\u00dfe \U0001d11e".encode(), b"yo"), strings(b"Gr\xfc\xdfe", b"yo")
    roles = pa.array(["user", "assistant"])
    for name, texts in (("1", good), ("2", bad)):
        talk = pa.StructArray.from_arrays([texts, roles], ["content", "role"])
        conversation = pa.ListArray.from_arrays(pa.array([0, 2], pa.int32()), talk)
        table = pa.table([[f"c{name}"], ["m"], conversation], ["conversation_id", "model", "conversation"])
        pq.write_table(table, tmp_path / f"{name}.parquet")
    records = parse(lake, tmp_path, format="lmsys_chat_1m")
    assert kept(records, CONVERSATIONS, "conversation_id") == [("c1",)]
    [(record, reasons)] = broken(records, "record", "reasons")
    assert json.loads(record)["conversation"][0]["content"] == "Gr\\xfc\\xdfe"
    assert reasons[0] == "conversation is not UTF-8; save the file as UTF-8"
    assert "byte 3 of conversation is 0xfc, which is not UTF-8" in reasons


def test_paths_that_exist_are_taken_literally_and_folders_give_what_records_lack(lake, tmp_path):
    strange = tmp_path / "[a]{b} c?d*" / "x:y" / "language=Frenc%68"
    write_lines(strange / "f:1.jsonl", [VOTE, {**VOTE, "language": "Dutch"}])
    (strange / "t`'.csv").write_text("model_a,model_b,winner\na,b,tie\n")
    pq.write_table(pa.Table.from_pylist([VOTE]), strange / "p+q %20.parquet")
    (strange / "a[1].json").write_text(json.dumps([VOTE]))
    run(lake, all=votes(tmp_path / "[a]{b} c?d*"))
    inside = "x:y/language=Frenc%68"
    assert sorted(rows(lake, BATTLES, "file", "language")) == [
        (f"{inside}/a[1].json", "French"),
        (f"{inside}/f:1.jsonl", "Dutch"),
        (f"{inside}/f:1.jsonl", "French"),
        (f"{inside}/p+q %20.parquet", "French"),
        (f"{inside}/t`'.csv", "French"),
    ]
    # A path of a file finds the same file.
    for found in list_files(lake, "all", str(tmp_path / "[a]{b} c?d*")).files:
        [alone] = list_files(lake, "one", str(strange / Path(found.name).name)).files
        assert (alone.path, alone.name) == (found.path, Path(found.name).name)
    with pytest.raises(SourceNotFoundError, match="is a glob, and a name in it has a colon"):
        list_files(lake, "glob", f"{tmp_path}/*/x*/*/*.csv")


def test_any_name_of_a_column_works_and_names_that_cannot_be_told_apart_are_told(lake, tmp_path):
    odd = 'who\'s "the" `best`.\n?'
    columns = {"model_a": "Model", "model_b": "model", "winner": odd}
    row = {"Model": "a", "model": "b", odd: "tie"}
    write_lines(tmp_path / "odd" / "1.jsonl", [row])
    quoted = odd.replace('"', '""')
    (tmp_path / "odd" / "2.csv").write_text(f'Model,model,"{quoted}"\na,b,tie\n')
    (tmp_path / "odd" / "3.json").write_text(json.dumps([row]))
    pq.write_table(pa.table({"x.y`": ["a"], "b ": ["b"], odd: ["tie"]}), tmp_path / "odd.parquet")
    sparks = {"battle_id": "_metadata", "model_a": "_corrupt_record", "model_b": "%"}
    row = {"_metadata": "1", "_corrupt_record": "a", "%": "b", "winner": "tie"}
    write_lines(tmp_path / "sparks" / "1.jsonl", [row])
    (tmp_path / "sparks" / "2.csv").write_text("_metadata,_corrupt_record,%,winner\n2,a,b,tie\n")
    pq.write_table(pa.Table.from_pylist([row | {"_metadata": "3"}]), tmp_path / "sparks" / "3.parquet")
    (tmp_path / "doubled.csv").write_text("model_a,model_b,winner,winner\na,b,tie,tie\n")
    folders = {
        "odd": columns,
        "odd.parquet": {"model_a": "x.y`", "model_b": "b", "winner": odd},
        "sparks": sparks,
    }
    for path, mapped in folders.items():
        records = parse(lake, tmp_path / path, columns=mapped)
        votes_ = kept(records, BATTLES, "model_a", "model_b", "winner")
        assert votes_ == [("a", "b", "tie")] * len(records), path
        assert len(records) == (1 if path == "odd.parquet" else 3)
    told = "winner: the file has the column 'winner' 2 times; rename all but one of them"
    [(reasons,)] = broken(parse(lake, tmp_path / "doubled.csv"), "reasons")
    assert reasons[0] == told


def test_lines_of_nothing_are_no_rows_whatever_they_end_with(lake, tmp_path):
    for number, end in enumerate(("\n", "\r\n", "\r")):
        text = end.join(["", "", "model_a,model_b,winner", "a,b,tie", "", "a,b,model_a", "", ""])
        (tmp_path / f"{number}.csv").write_bytes(text.encode())
    (tmp_path / "3.csv").write_bytes(b"model_a,model_b,winner\na,b,tie\r\n\r\na,b,model_a\r\n")
    records = parse(lake, tmp_path)
    assert not broken(records, "reasons")
    assert kept(records, BATTLES, "file", "sequence", "winner") == [
        (f"{number}.csv", *vote) for number in range(4) for vote in ((0, "tie"), (1, "model_a"))
    ]


def test_a_column_of_a_type_that_spark_does_not_read_matters_only_where_it_is_mapped(lake, tmp_path):
    odd = {
        "us": pa.array([1], pa.time64("us")),
        "ns": pa.array([1], pa.time64("ns")),
        "half": pa.array(np.array([1.5], np.float16)),
        "long": pa.array([1], pa.decimal256(50, 0)),
    }
    for name, column in odd.items():
        pq.write_table(pa.table({**{k: [v] for k, v in VOTE.items()}, "at": column}), tmp_path / f"{name}.parquet")
    pq.write_table(pa.table({k: [v] for k, v in VOTE.items()}), tmp_path / "plain.parquet")
    result = run(lake, unmapped=votes(tmp_path), mapped=votes(tmp_path, columns={"tstamp": "at"}))
    assert "unmapped: 5 records in 5 new files = 5 kept + 0 quarantined + 0 duplicates" in result.lines
    assert not result.errors
    assert sorted(re.findall(r"(\w+)\.parquet \(", "; ".join(result.unreadable))) == sorted(odd)
    assert len(rows(lake, BATTLES, "file")) == 5


def test_line_ends_of_any_kind_and_mixture_never_reach_a_value(lake, tmp_path):
    texts = {
        "header LF, rows CRLF": 'winner,model_b,model_a\ntie,b,bee\r\ntie,b,"bee"\r\n',
        "header CRLF, rows LF": "winner,model_b,model_a\r\ntie,b,bee\ntie,b,bee\n",
        "mixed": "winner,model_b,model_a\r\ntie,b,bee\r\ntie,b,bee\ntie,b,bee\r\n",
        "CR alone": 'winner,model_b,model_a\rtie,b,bee\rtie,b,"bee"\r',
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_bytes(text.encode())
    (tmp_path / "mixed.tsv").write_bytes(texts["mixed"].replace(",", "\t").encode())
    records = parse(lake, tmp_path)
    assert not broken(records, "reasons")
    assert kept(records, BATTLES, "winner", "model_b", "model_a") == [("tie", "b", "bee")] * 12


def test_arrays_and_compressed_files_are_read_and_what_cannot_be_is_named(lake, tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "1.json").write_bytes(b"\xef\xbb\xbf" + json.dumps([VOTE, 5, {**VOTE, "judge": "]},{["}], indent=1).encode())
    (raw / "2.json.gz").write_bytes(gzip.compress(json.dumps([VOTE] * 2).encode()))
    (raw / "3.json").write_text(json.dumps([VOTE, VOTE])[:-9])
    (raw / "4.jsonl.bz2").write_bytes(bz2.compress(json.dumps(VOTE).encode()))
    (raw / "5.json").write_text(f"{json.dumps(VOTE)}\n{json.dumps(VOTE)}\n")
    (raw / "6.jsonl.zst").write_bytes(b"(packed)")
    (raw / "7.parquet").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    (raw / "8.csv").write_bytes("model_a,model_b,winner\nx,y,tie\n".encode("utf-16"))
    (raw / "9.jsonl").write_bytes(gzip.compress(json.dumps(VOTE).encode()))
    (raw / "README.md").write_text("what it is")
    source = votes(raw)
    result = run(lake, votes=source)
    assert result.lines == [
        "votes: 10 records in 5 new files = 8 kept + 2 quarantined + 0 duplicates; 4 files could not be read",
        "votes: in quarantine: 1 × the element ends inside a record, or is not JSON",
        "votes: in quarantine: 1 × the element is not a JSON object",
    ]
    assert rows(lake, BATTLES, "file", "sequence") == [
        *[("1.json", 0), ("1.json", 2), ("2.json.gz", 0), ("2.json.gz", 1), ("3.json", 0)],
        *[("4.jsonl.bz2", 0), ("5.json", 0), ("5.json", 1)],
    ]
    assert [reason.split("(")[1] for reason in result.unreadable] == [
        "Spark does not unpack .zst; unpack it, or use .gz or .bz2)",
        "a Git LFS pointer instead of the data; run git lfs pull)",
        "UTF-16; save the file as UTF-8)",
        "compressed with gzip, but its name does not end in .gz; add .gz to the name)",
    ]
    assert run(lake, votes=source).lines[0] == "votes: nothing new in 5 files; 4 files could not be read"


def test_a_time_in_nanoseconds_is_read_to_the_microsecond_and_hinders_nothing_where_it_is_not_mapped(lake, tmp_path):
    table = pa.table({**{k: [v] for k, v in VOTE.items()}, "when": pa.array([1682351591132200999], pa.timestamp("ns"))})
    pq.write_table(table, tmp_path / "1.parquet")
    for columns, sequence in (({"tstamp": "when"}, 1682351591132200), ({}, 0)):
        records = parse(lake, tmp_path / "1.parquet", columns=columns)
        assert kept(records, BATTLES, "sequence") == [(sequence,)]


def test_names_that_look_alike_are_told_in_one_line(lake, tmp_path):
    names = ["Llama-3", "Llama-3 ", "llama-3", "Caf\u00e9", "Cafe\u0301"]
    write_lines(tmp_path / "1.jsonl", [{**VOTE, "model_a": name} for name in names])
    assert run(lake, votes=votes(tmp_path / "1.jsonl")).lines[1:] == [
        "votes: model has names that differ only in case, width or spaces; they count as different: "
        "'Cafe\u0301' (1), 'Caf\u00e9' (1); 'Llama-3' (2), 'llama-3' (1)"
    ]


def test_a_source_is_read_again_with_a_mended_mapping_and_never_without_its_files(lake, tmp_path):
    write_lines(tmp_path / "raw" / "1.jsonl", [{**VOTE, "winner": label} for label in ("left", "right", "even")])
    labels = {"left": "model_b", "right": "model_a"}  # the wrong way round, and not all of them
    source = votes(tmp_path / "raw", winner_labels=labels)
    assert run(lake, votes=source).lines[0].endswith("= 2 kept + 1 quarantined + 0 duplicates")
    mended = source | {"winner_labels": {"left": "model_a", "right": "model_b", "even": "tie"}}
    assert "--set pipeline.reread=[votes]" in run(lake, votes=mended).lines[-1]

    def reread():
        context = context_for(lake, votes=mended)
        pipeline = context.config.pipeline.model_copy(update={"reread": ["votes"]})
        config = context.config.model_copy(update={"pipeline": pipeline})
        return ingest.run(ingest.Context(config, context.lake))

    assert reread().lines == ["votes: 3 records in 1 new file = 3 kept + 0 quarantined + 0 duplicates"]
    assert rows(lake, BATTLES, "sequence", "winner") == [(0, "model_a"), (1, "model_b"), (2, "tie")]
    assert rows(lake, QUARANTINE, "record") == []
    assert rows(lake, INGESTED_FILES, "rows", "kept") == [(3, 3)]
    (tmp_path / "raw" / "1.jsonl").rename(tmp_path / "raw" / "2.jsonl")
    with pytest.raises(
        SourceNotFoundError, match=r"pipeline\.reread: votes .* its files no longer exist, such as .*1\.jsonl"
    ):
        reread()
    assert len(rows(lake, BATTLES, "winner")) == 3


def test_what_did_not_work_never_looks_like_success(lake, tmp_path):
    write_lines(tmp_path / "good" / "1.jsonl", [VOTE])
    write_lines(tmp_path / "bad" / "1.jsonl", [{**VOTE, "winner": "left"}])
    (tmp_path / "empty.csv").write_text("model_a,model_b,winner\n")
    sources = {"good": votes(tmp_path / "good"), "bad": votes(tmp_path / "bad"), "empty": votes(tmp_path / "empty.csv")}

    def run_with(**wanted):
        settings = {"storage": {"root": lake.root}, "spark": {"master": "local[2]"}, "mlflow": {"enabled": False}}
        run_steps(parse_config({**settings, "sources": wanted}), ["ingest"])

    with pytest.raises(NothingKeptError, match=r"sources\.bad: none of 1 record could be kept; most often: winner"):
        run_with(good=sources["good"], bad=sources["bad"])
    assert rows(lake, BATTLES, "source") == [("good",)]
    with pytest.raises(NothingKeptError) as again:  # nothing new is no success either
        run_with(bad=sources["bad"])
    assert again.value.exit_status == 2
    with pytest.raises(NothingKeptError, match=r"sources\.empty\.path: .*empty\.csv holds no records"):
        run_with(empty=sources["empty"])
    (tmp_path / "good" / "2.parquet").write_text("no parquet")
    with pytest.raises(UnreadableFilesError, match=r"2\.parquet") as unreadable:
        run_with(good=sources["good"])
    assert unreadable.value.exit_status == 1


def test_a_list_that_ends_too_early_is_told(lake, tmp_path):
    (tmp_path / "1.json").write_text("[" + json.dumps(VOTE) + "," + json.dumps(VOTE))
    records = parse(lake, tmp_path / "1.json")
    assert kept(records, BATTLES, "sequence") == [(0,), (1,)]
    assert broken(records, "reasons") == [(["the file ends inside its list, so further records are missing"],)]


def test_quotes_in_csv_that_do_not_match_are_told(lake, tmp_path):
    """The header and two good rows first; what an open quote swallows is in quarantine whole."""
    good = 'model_a,model_b,winner,comment\na,b,tie,\nb,a,tie,5" screen\n'
    (tmp_path / "open.csv").write_text(good + 'c,d,tie,"never closed\nd,c,tie,\ne,f,tie,x\n')
    (tmp_path / "cut.csv").write_text(good + 'c,d,tie,"never clo')
    (tmp_path / "space.csv").write_text(good + 'a, "b",tie,\n')
    (tmp_path / "lines.csv").write_text(good + 'a,b,tie,"two\nlines, closed"\na,b,tie,"once\n,more"')
    (tmp_path / "inner.csv").write_text(good + 'a,b,tie,5" again\n')
    (tmp_path / "name.csv").write_text(good + '"c"x,d,tie,\n"e\nf,g",d,tie,\n"""q""",d,tie,\n')
    records = parse(lake, tmp_path)
    assert Counter(file for (file,) in kept(records, BATTLES, "file")) == {
        **dict.fromkeys(("open.csv", "cut.csv", "space.csv"), 2),
        **{"lines.csv": 4, "inner.csv": 3, "name.csv": 3},
    }
    never = "a quote is never closed, so this row holds all text that follows"
    unmatched = "a cell whose quotes do not match"
    told = [(file, reasons[0]) for file, reasons in broken(records, "file", "reasons")]
    assert [(file, never if reason == never else reason.split(", ")[-1]) for file, reason in told] == [
        ("cut.csv", never),
        ("name.csv", unmatched),
        ("name.csv", unmatched),
        ("open.csv", never),
        ("space.csv", unmatched),
    ]
    [(swallowed,)] = [(record,) for file, record in broken(records, "file", "record") if file == "open.csv"]
    assert "d,c,tie" in swallowed
    assert "e,f,tie" in swallowed


def test_files_that_spark_takes_for_hidden_are_named(lake, tmp_path):
    for name in ("1.jsonl", "_2.jsonl", ".3.jsonl", "_old/4.jsonl", "_model=x/5.jsonl", "_SUCCESS"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_lines(tmp_path / name, [VOTE])
    listing = list_files(lake, "votes", str(tmp_path))
    assert [file.name for file in listing.files] == ["1.jsonl", "_model=x/5.jsonl"]
    assert listing.others == [".3.jsonl", "_2.jsonl", "_old/4.jsonl"]


def test_a_value_of_a_folder_that_is_none_is_told(lake, tmp_path):
    for turn in ("1", "x"):
        (tmp_path / f"turn={turn}").mkdir()
        write_lines(tmp_path / f"turn={turn}" / "1.jsonl", [VOTE])
    records = parse(lake, tmp_path)
    assert broken(records, "file", "reasons") == [
        ("turn=x/1.jsonl", ["turn has the wrong type; expected a number; its folder says x"])
    ]
    assert kept(records, BATTLES, "file", "turn") == [("turn=1/1.jsonl", 1)]


def test_what_only_java_takes_for_a_number_is_none(lake, tmp_path):
    numbers = ["3d", "3f", "0x1p1", "3.0", "3", "3e0"]
    (tmp_path / "1.csv").write_text("model_a,model_b,winner,turn\n" + "".join(f"a,b,tie,{n}\n" for n in numbers))
    write_lines(tmp_path / "1.jsonl", [{**VOTE, "turn": number} for number in numbers])
    records = parse(lake, tmp_path)
    assert kept(records, BATTLES, "file", "sequence", "turn") == [
        (file, place, 3) for file in ("1.csv", "1.jsonl") for place in (3, 4, 5)
    ]
    told = ["turn has the wrong type; expected a number"]
    assert broken(records, "file", "reasons") == [(file, told) for file in ("1.csv", "1.jsonl") for _ in range(3)]


def test_what_has_the_wrong_type_is_not_missing_as_well(lake, tmp_path):
    write_lines(tmp_path / "chats.jsonl", [chat(0), chat(1, turn="two"), chat(2, conversation="text")])
    records = parse(lake, tmp_path / "chats.jsonl", format="lmsys_chat_1m", closely=["conversation"])
    assert broken(records, "record_key", "reasons") == [
        ("c1", ["turn has the wrong type; expected a number"]),
        ("c2", ["conversation has the wrong type; expected a list"]),
    ]


def test_a_file_of_which_nothing_is_kept_says_so(lake, tmp_path):
    bad = {**VOTE, "winner": "who"}
    write_lines(tmp_path / "1.jsonl", [VOTE])
    write_lines(tmp_path / "2.jsonl", [bad])
    (tmp_path / "3.jsonl").write_text("\t\n \r\n\t" + json.dumps(VOTE) + "\n")
    write_lines(tmp_path / "4.jsonl", [VOTE, bad])
    run(lake, votes=votes(tmp_path))
    assert sorted(rows(lake, INGESTED_FILES, "file", "rows", "outcome")) == [
        ("1.jsonl", 1, "kept"),
        ("2.jsonl", 1, "quarantined"),
        ("3.jsonl", 1, "kept"),
        ("4.jsonl", 2, "partly quarantined"),
    ]

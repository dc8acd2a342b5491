"""OASST1 from files to rows: every form of the same trees gives the same ones, and what does not fit is told."""

import copy
import gzip
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import broken, kept, parse
from test_ingest import killed, rows, run

from arenalake.entities.tables import INGESTED_FILES, QUARANTINE, TREE_MESSAGES

COLUMNS = [name for name in TREE_MESSAGES.column_names if name not in ("source", "file", "record_key")]
LABELS = {"spam": {"value": 0.0, "count": 3}, "quality": {"value": 0.5833333333333334, "count": 3}}


def message(number, parent=None, *, tree="m1", **changes):
    """A message of the published flat form, as JSON lines have it."""
    is_root = parent is None
    return {
        "message_id": f"m{number}",
        "parent_id": None if is_root else f"m{parent}",
        "user_id": f"u{number % 3}",
        "created_date": "2023-02-05T14:23:50.983374+00:00",
        "text": f'Is "prompt" in message {number}? ü',
        "role": "prompter" if is_root else "assistant",
        "lang": "en",
        "review_count": 3,
        "review_result": True,
        "deleted": False,
        "rank": None,
        "synthetic": False,
        "model_name": None,
        "detoxify": {"toxicity": 0.00044, "threat": 1.9e-05},
        "message_tree_id": tree,
        "tree_state": "ready_for_export",
        "emojis": {"+1": 5, "_skip_reply": 1},
        "labels": LABELS,
        **changes,
    }


def tree():
    """Five messages: two ranked replies of three to the prompt, and one reply to the first of these."""
    return [
        message(1),
        message(2, 1, rank=0, deleted=True),
        message(3, 1, rank=2, synthetic=True, model_name="x", labels=None, emojis=None, detoxify=None),
        message(4, 1, review_result=False, created_date=None),
        message(5, 2, role="prompter", lang="pt-BR", review_result=None, text=""),
    ]


def nested(messages):
    """The same messages as one nested tree."""
    children = copy.deepcopy(messages)
    by_id = {one["message_id"]: one | {"replies": []} for one in children}
    for one in by_id.values():
        del one["message_tree_id"], one["tree_state"]
        if one["parent_id"] is not None:
            by_id[one["parent_id"]]["replies"].append(one)
    for one in by_id.values():  # published trees leave out what is null
        for name in [name for name, value in one.items() if value is None]:
            del one[name]
    root = next(one for one in by_id.values() if "parent_id" not in one)
    first = messages[0]
    return {"message_tree_id": first["message_tree_id"], "tree_state": first["tree_state"], "prompt": root}


def in_lists(messages):
    """The same messages as parquet has them: labels and emojis as lists side by side."""
    rows_ = copy.deepcopy(messages)
    for one in rows_:
        for name in ("labels", "emojis"):
            if one[name] is None:
                continue
            entries = one[name].items()
            told = {"name": [key for key, _ in entries]}
            if name == "labels":
                told |= {part: [entry[part] for _, entry in entries] for part in ("value", "count")}
            else:
                told["count"] = [count for _, count in entries]
            one[name] = told
    return rows_


def write(path, documents):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in documents).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def read(lake, source):
    found = lake.read(TREE_MESSAGES).where(f"source = '{source}'").select(*COLUMNS).orderBy("message_id").collect()
    return [row.asDict(recursive=True) for row in found]


def test_all_forms_of_a_tree_give_equal_rows(lake, tmp_path, caplog):
    write(tmp_path / "dicts.jsonl", tree())
    write(tmp_path / "lists.jsonl.gz", in_lists(tree()))
    write(tmp_path / "trees.jsonl.gz", [nested(tree())])
    (tmp_path / "array.json").write_text(json.dumps([nested(tree())]))
    pq.write_table(pa.Table.from_pylist(in_lists(tree())), tmp_path / "lists.parquet")
    names = [{"toxicity": 0.00044, "threat": 1.9e-05}, {"toxicity": 0.5}]
    uneven = [one | {"detoxify": one["detoxify"] and names[one["message_id"] == "m5"]} for one in tree()]
    write(tmp_path / "uneven.jsonl", uneven)
    pq.write_table(pa.Table.from_pylist(uneven), tmp_path / "columns.parquet")
    with caplog.at_level("INFO", logger="arenalake.ingest"):
        records = parse(lake, tmp_path, format="oasst1")
    assert not broken(records, "reasons")
    assert not [record for record in caplog.records if "not read" in record.getMessage()]
    found = {}
    for file, *row in kept(records, TREE_MESSAGES, "file", *COLUMNS):
        found.setdefault(file, []).append(row)
    expected = found.pop("dicts.jsonl")
    assert found.pop("uneven.jsonl") == found.pop("columns.parquet") != expected
    assert found == dict.fromkeys(("lists.jsonl.gz", "trees.jsonl.gz", "array.json", "lists.parquet"), expected)
    first, second, third, _, fifth = (dict(zip(COLUMNS, row, strict=True)) for row in expected)
    assert first["labels"] == [("quality", 0.5833333333333334, 3), ("spam", 0.0, 3)]
    assert first["emojis"] == [("+1", 5), ("_skip_reply", 1)]
    assert first["detoxify"] == [("threat", 1.9e-05), ("toxicity", 0.00044)]
    assert str(first["tstamp"]) == "2023-02-05 14:23:50.983374"
    assert (second["rank"], second["deleted"], second["parent_id"]) == (0, True, "m1")
    assert (third["model"], third["labels"], third["emojis"], third["detoxify"]) == ("x", None, None, None)
    assert (fifth["language"], fifth["text"], fifth["review_result"]) == ("pt-BR", "", None)


def test_the_same_messages_in_another_form_are_duplicates(lake, tmp_path):
    write(tmp_path / "raw" / "1.jsonl", tree())
    write(tmp_path / "raw" / "2.jsonl.gz", [nested(tree())])
    result = run(lake, oasst={"format": "oasst1", "path": str(tmp_path / "raw")})
    assert result.lines[0] == "oasst: 10 records in 2 new files = 5 kept + 0 quarantined + 5 duplicates"


def test_what_breaks_a_rule_by_itself_is_told(lake, tmp_path):
    reasons = {
        "role is user, neither prompter nor assistant": {"role": "user"},
        "rank is -1.0, not a whole number of at least 0": {"rank": -1},
        "rank is 0.5, not a whole number of at least 0": {"rank": 0.5},
        "text is missing; an empty text is allowed": {"text": None},
        "message_tree_id is missing": {"message_tree_id": None},
        "parent_id is the id of the message itself": {"parent_id": "m9"},
        "labels has an entry without values from 0 to 1 and whole numbers as counts": {
            "labels": {"spam": {"value": 1.5, "count": 1}}
        },
        "labels is neither an object by name nor parallel lists": {"labels": 5},
        "emojis is neither an object by name nor parallel lists": {"emojis": "+1"},
        "emojis has an entry without whole numbers as counts": {"emojis": {"+1": 1.5}},
        "emojis has a name twice": {"emojis": {"name": ["+1", "+1"], "count": [1, 2]}},
        "detoxify has an entry without values from 0 to 1": {"detoxify": {"toxicity": -0.1}},
    }
    for place, changes in enumerate(reasons.values()):
        write(tmp_path / "raw" / f"{place:02}.jsonl", [message(9, 8, **changes)])
    found = broken(parse(lake, tmp_path / "raw", format="oasst1"), "file", "reasons")
    assert found == [(f"{place:02}.jsonl", [reason]) for place, reason in enumerate(reasons)]


def test_a_tree_that_cannot_be_unfolded_is_one_record_in_quarantine(lake, tmp_path):
    good = nested(tree())
    no_list, no_object, elsewhere = (copy.deepcopy(good) for _ in range(3))
    no_list["prompt"]["replies"] = {"a": 1}
    no_object["prompt"]["replies"][0]["replies"] = ["text"]
    elsewhere["prompt"]["replies"][1]["parent_id"] = "m9"
    deep = "[" * 200_000
    path = tmp_path / "raw" / "trees.jsonl"
    write(path, [good, no_list, no_object, elsewhere])
    path.write_text(path.read_text() + f'{{"prompt": {deep}\n{{"prompt": {{}}, "prompt": {{}}}}\n')
    result = run(lake, oasst={"format": "oasst1", "path": str(path)})
    assert result.lines[0] == "oasst: 10 records in 1 new file = 5 kept + 5 quarantined + 0 duplicates"
    reasons = [why for (found,) in rows(lake, QUARANTINE, "reasons") for why in found]
    assert sorted(reasons) == [
        "prompt: a message is not an object",
        "prompt: parent_id of a message contradicts its place in the tree",
        "prompt: replies are not a list",
        "the line ends inside a record, or is not JSON",
        "the line is not JSON, or an object in it has the same key twice",
    ]


def test_messages_that_do_not_fit_go_to_quarantine_in_whatever_run_that_shows(lake, tmp_path):
    raw = tmp_path / "raw"
    write(raw / "1.jsonl", [*tree(), message(11, tree="m11"), message(12, 1, tree="m11"), message(13, 99, tree="m11")])
    source = {"format": "oasst1", "path": str(raw)}
    result = run(lake, oasst=source)
    assert result.lines[0] == "oasst: 8 records in 1 new file = 6 kept + 2 quarantined + 0 duplicates"
    found = dict(rows(lake, QUARANTINE, "record_key", "reasons"))
    assert found == {
        "m12": ["does_not_fit", "parent_id is the id of a message in another tree, m1"],
        "m13": ["does_not_fit", "parent_id is the id of no message"],
    }
    # A second first message makes a whole tree doubtful, also what came in before.
    write(raw / "2.jsonl", [message(14, tree="m11"), message(21, tree="m21")])
    result = run(lake, oasst=source)
    assert result.lines[0] == (
        "oasst: 2 records in 1 new file = 1 kept + 1 quarantined + 0 duplicates; "
        "1 earlier record moved to quarantine (does_not_fit)"
    )
    assert [row["message_id"] for row in read(lake, "oasst")] == ["m1", "m2", "m21", "m3", "m4", "m5"]
    counts = rows(lake, INGESTED_FILES, "file", "rows", "kept", "quarantined", "duplicates")
    assert counts == [("1.jsonl", 8, 5, 3, 0), ("2.jsonl", 2, 1, 1, 0)]
    versions = lake.versions()
    again = run(lake, oasst=source)
    assert again.lines[0] == "oasst: nothing new in 2 files"
    assert lake.versions() == versions


def test_a_source_of_which_no_file_can_be_read_says_so(lake, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "1.jsonl.gz").write_bytes(gzip.compress(json.dumps(message(1)).encode() * 99)[:-9])
    result = run(lake, oasst={"format": "oasst1", "path": str(tmp_path / "raw")})
    assert len(result.unreadable) == 1
    assert not lake.exists(INGESTED_FILES)


def test_a_run_that_was_killed_before_it_looked_at_trees_is_finished_by_the_next(lake, tmp_path, monkeypatch):
    write(tmp_path / "raw" / "1.jsonl", [message(1), message(8, 9)])
    source = {"format": "oasst1", "path": str(tmp_path / "raw")}
    with killed(monkeypatch, "insert_new", QUARANTINE), pytest.raises(KeyboardInterrupt):
        run(lake, oasst=source)
    assert rows(lake, INGESTED_FILES, "file", "kept") == [("1.jsonl", 2)]
    line = "oasst: nothing new in 1 file"
    assert run(lake, oasst=source).lines[0] == f"{line}; 1 earlier record moved to quarantine (does_not_fit)"
    assert rows(lake, INGESTED_FILES, "file", "kept", "quarantined") == [("1.jsonl", 1, 1)]
    assert rows(lake, QUARANTINE, "record_key") == [("m8",)]
    assert run(lake, oasst=source).lines[0] == line


def test_a_message_comes_back_when_the_one_that_it_answers_comes_later(lake, tmp_path):
    raw = tmp_path / "raw"
    text = 'Line\n "quoted" \u2028 \\ ü 🌲'
    below = [message(3, 2, role="prompter", text=text), message(4, 3, rank=0, emojis=None, created_date=None)]
    write(raw / "1.jsonl", [message(1), *below, message(8, 9)])
    source = {"format": "oasst1", "path": str(raw)}
    result = run(lake, oasst=source)
    assert result.lines[0] == "oasst: 4 records in 1 new file = 1 kept + 3 quarantined + 0 duplicates"
    write(raw / "2.jsonl", [message(2, 1), message(5, 1, role="prompter")])
    result = run(lake, oasst=source, whole=source)
    assert result.lines[0] == (
        "oasst: 2 records in 1 new file = 1 kept + 1 quarantined + 0 duplicates; "
        "2 earlier records came back from quarantine"
    )
    ingested = rows(lake, INGESTED_FILES, "source", "file", "rows", "kept", "quarantined", "duplicates", "outcome")
    counts = [("1.jsonl", 4, 3, 1, 0, "partly quarantined"), ("2.jsonl", 2, 1, 1, 0, "partly quarantined")]
    assert ingested == [(name, *count) for name in ("oasst", "whole") for count in counts]
    quarantined = rows(lake, QUARANTINE, "source", "record_key")
    assert quarantined == [(name, key) for name in ("oasst", "whole") for key in ("m5", "m8")]
    # As if both files had come at once.
    assert read(lake, "oasst") == read(lake, "whole")
    assert [row["message_id"] for row in read(lake, "oasst")] == ["m1", "m2", "m3", "m4"]
    versions = lake.versions()
    assert run(lake, oasst=source, whole=source).lines[0] == "oasst: nothing new in 2 files"
    assert lake.versions() == versions


def test_published_records_are_all_kept_and_those_in_another_form_are_duplicates(lake, real_data, tmp_path):
    folder = real_data / "oasst"
    with gzip.open(folder / "flat_sample.jsonl.gz", "rt") as stream:
        flat = [json.loads(line) for line in stream]
    by_tree = {}
    for one in flat:
        by_tree.setdefault(one["message_tree_id"], []).append(one)
    forms = tmp_path / "forms"
    write(forms / "trees.jsonl", [nested(messages) for messages in by_tree.values()])
    pq.write_table(pa.Table.from_pylist(flat), forms / "flat.parquet")
    shutil.copy(folder / "flat_sample.jsonl.gz", forms)
    result = run(
        lake,
        trees={"format": "oasst1", "path": str(folder / "en_100_tree.jsonl.gz")},
        flat={"format": "oasst1", "path": str(forms)},
    )
    assert [line for line in result.lines if "records" in line] == [
        "trees: 1,167 records in 1 new file = 1,167 kept + 0 quarantined + 0 duplicates",
        "flat: 747 records in 3 new files = 249 kept + 0 quarantined + 498 duplicates",
    ]

"""A record may become rows of several tables, and a table that holds text is measured, by declarations alone."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F
from test_ingest import context_for, moderation, rows, run, store_measured, write_lines

from arenalake.entities.columns import SOURCE
from arenalake.entities.entity import RECORD_KEY, Entity
from arenalake.entities.tables import BATTLE, BATTLES, CONVERSATIONS, INGESTED_FILES, MESSAGES, QUARANTINE
from arenalake.ingest import job as ingest
from arenalake.lake.table import Column, Table
from arenalake.sources import SOURCES, Source, rules
from arenalake.sources.settings import SourceSettings
from arenalake.sources.source import Field, Terms, parsed, raw_values, row_of
from arenalake.text import job as measure

NOTES = Table(
    name="notes",
    layer="silver",
    comment="One row per note.",
    columns=(
        SOURCE,
        Column("file", "string", "file", required=True),
        RECORD_KEY,
        Column("note_id", "string", "page and place", required=True),
        Column("text", "string", "what it says", required=True),
    ),
    key=("source", "note_id"),
)
PAGES = Table(
    name="pages",
    layer="silver",
    comment="One row per page.",
    columns=(*NOTES.columns[:3], Column("title", "string", "title"), Column("seen", "int", "how often")),
    key=("source", "record_key"),
)


def as_conversations(notes):
    message = F.struct(F.lit("user").alias("role"), F.col("text").alias("content"))
    return notes.select(
        "source",
        "file",
        F.col("note_id").alias("conversation_id"),
        F.lit("nobody").alias("model"),
        F.array(message).alias("messages"),
    )


NOTE, PAGE = Entity(NOTES, as_conversations=as_conversations), Entity(PAGES, incidental=("seen",))
FIELDS = [
    Field("id", "string", "id"),
    Field("title", "string", "title"),
    Field("seen", "double", "seen"),
    Field("notes", "array<string>", "notes"),
    Field("votes", "array<struct<judge:string,winner:string>>", "votes"),
]


def parse(records, config):
    raw = raw_values(FIELDS)
    note_id = lambda i: F.concat(raw["id"], F.lit("/"), i.cast("string"))  # noqa: E731
    notes = F.transform(raw["notes"], lambda text, i: row_of(NOTES, note_id=note_id(i), text=text))
    battles = F.transform(
        raw["votes"],
        lambda vote: row_of(
            BATTLES,
            battle_id=F.concat(raw["id"], F.lit("/"), vote["judge"]),
            model_a=F.lit("x"),
            model_b=F.lit("y"),
            winner=vote["winner"],
            judge=vote["judge"],
            judge_kind=F.lit("model"),
        ),
    )
    page = row_of(PAGES, title=raw["title"], seen=raw["seen"])
    reasons = F.array(rules.required("id", raw["id"]), rules.required("title", raw["title"]))
    entities = {NOTE: notes, BATTLE: battles, PAGE: F.array(page)}
    return parsed(records, key=raw["id"], reasons=reasons, rows=entities)


TOY = Source(
    terms=Terms("Pages", "none", text_may_be_shared=False),
    settings=SourceSettings,
    fields=lambda config: FIELDS,
    parse=parse,
    entities=(NOTE, BATTLE, PAGE),
)


def page(number, **changes):
    votes = [{"judge": f"j{i}", "winner": "model_a"} for i in range(33)]
    return {"id": number, "title": f"Page {number}", "seen": 1, "notes": ["one two", "three"], "votes": votes} | changes


@pytest.fixture
def toy(lake, monkeypatch):
    """Runs a job on pages: their ingestion, or what measures them."""
    monkeypatch.setitem(SOURCES, "pages", TOY)

    def run_on(path, job):
        sources = {"toy": SourceSettings(format="pages", path=str(path))}
        context = context_for(lake)
        return job.run(replace(context, config=context.config.model_copy(update={"sources": sources})))

    return run_on


def test_a_record_becomes_rows_of_several_entities_and_counts_once(lake, toy, tmp_path):
    write_lines(tmp_path / "raw" / "1.jsonl", [page(1), page(2, notes=[]), page(3, title=None), page(1, seen=5)])
    ingested = toy(tmp_path / "raw", ingest)
    assert not ingested.errors
    assert ingested.lines[0] == "toy: 4 records in 1 new file = 2 kept + 1 quarantined + 1 duplicate"
    assert rows(lake, PAGES, "record_key", "title") == [("1", "Page 1"), ("2", "Page 2")]
    assert rows(lake, NOTES, "record_key", "note_id", "text") == [("1", "1/0", "one two"), ("1", "1/1", "three")]
    assert [row.record_key for row in lake.read(BATTLES).groupBy("record_key").count().collect()] in (
        ["1", "2"],
        ["2", "1"],
    )
    assert lake.read(BATTLES).count() == 66
    assert toy(tmp_path / "raw", measure).metrics == {"conversations": 2, "messages": 2}
    assert rows(lake, MESSAGES, "conversation_id", "position", "role", "n_chars") == [
        ("1/0", 0, "user", 7),
        ("1/1", 0, "user", 5),
    ]
    assert toy(tmp_path / "raw", measure).metrics == {"conversations": 0, "messages": 0}


def test_a_record_in_conflict_leaves_every_entity_and_its_messages(lake, toy, tmp_path):
    write_lines(tmp_path / "raw" / "1.jsonl", [page(1), page(2)])
    toy(tmp_path / "raw", ingest)
    store_measured(lake, "toy", "1.jsonl", "1/0", "1/1", "2/0", "2/1")
    write_lines(tmp_path / "raw" / "2.jsonl", [page(1, notes=["three", "one two"]), page(2, seen=9), page(4)])
    ingested = toy(tmp_path / "raw", ingest)
    assert ingested.lines[0] == (
        "toy: 3 records in 1 new file = 1 kept + 1 quarantined + 1 duplicate; "
        "1 earlier record moved to quarantine (conflicting_key)"
    )
    for table in (PAGES, NOTES, BATTLES):
        assert {key for (key,) in rows(lake, table, "record_key")} == {"2", "4"}, table.name
    assert {key for (key,) in rows(lake, MESSAGES, "conversation_id")} == {"2/0", "2/1"}
    assert rows(lake, QUARANTINE, "record_key", "reasons") == [("1", ["conflicting_key"])] * 2
    assert rows(lake, INGESTED_FILES, "file", "kept", "quarantined", "duplicates") == [
        ("1.jsonl", 1, 1, 0),
        ("2.jsonl", 1, 1, 1),
    ]
    assert toy(tmp_path / "raw", ingest).lines[0] == "toy: nothing new in 2 files"
    toy(tmp_path / "raw", measure)
    assert {key for (key,) in rows(lake, MESSAGES, "conversation_id")} == {"2/0", "2/1", "4/0", "4/1"}


def wild(text, identifier, **changes):
    """A record of WildChat as published; what is not kept is there too."""
    who = {
        "country": "Peru",
        "state": "Lima",
        "hashed_ip": "1f",
        "header": {"accept-language": "es", "user-agent": "x"},
    }
    about = {"language": "English", "toxic": False, "redacted": False, "turn_identifier": identifier}
    user = {"content": text, "role": "user", "timestamp": None, **who, **about}
    nobody = dict.fromkeys(who) | {"timestamp": "2023-04-09T00:02:53"}
    assistant = {"content": "Yes.", "role": "assistant", **about, **nobody}
    tags = moderation()
    for part in ("categories", "category_scores"):
        tags[part] |= {key.replace("-", "_").replace("/", "_"): value for key, value in tags[part].items()}
    detoxify = dict.fromkeys(("identity_attack", "insult", "obscene", "toxicity"), 0.5)
    return {
        "conversation_hash": "e7" * 16,
        "model": "gpt-3.5-turbo-0301",
        "timestamp": "2023-04-09T00:02:53",
        "conversation": [user, assistant],
        "turn": 1,
        "language": "English",
        "openai_moderation": [tags, tags],
        "detoxify_moderation": [detoxify, detoxify],
        "toxic": False,
        "redacted": False,
        **who,
        **changes,
    }


def test_wildchat_is_read_whose_hash_of_a_conversation_is_shared(lake, tmp_path):
    def records(shared):
        talks = [
            *(wild("Hi?", 101), wild("Hi?", 102), wild("Hi?", 102)),
            *(wild("Hi?", None), wild("Hi?", None, hashed_ip="2e"), wild("Hi?", None, timestamp="2023-04-10T00:00:00")),
            *(wild(None, 103), wild("Hi?", 104, conversation_hash=None)),
        ]
        return [talk if talk["conversation_hash"] is None else {**talk, "conversation_hash": shared} for talk in talks]

    write_lines(tmp_path / "raw" / "1.jsonl", records("e7"))
    pq.write_table(pa.Table.from_pylist(records("f8")), tmp_path / "raw" / "2.parquet")
    result = run(lake, wild={"format": "wildchat", "path": str(tmp_path / "raw")})
    assert result.lines[0] == "wild: 16 records in 2 new files = 10 kept + 4 quarantined + 2 duplicates"
    reasons = {why for (found,) in rows(lake, QUARANTINE, "reasons") for why in found}
    assert reasons == {"conversation_hash is missing", "conversation has a message without content"}
    found = rows(lake, CONVERSATIONS, "conversation_id", "model", "turn", "tstamp", "messages", "moderation")
    read = {shared: {key[3:]: row for key, *row in found if key.startswith(f"{shared}/")} for shared in ("e7", "f8")}
    assert read["e7"] == read["f8"]
    assert len(read["e7"]) == 5
    model, turn, tstamp, messages, tags = read["e7"]["101"]
    assert (model, turn, str(tstamp)) == ("gpt-3.5-turbo-0301", 1, "2023-04-09 00:02:53")
    assert [message.content for message in messages] == ["Hi?", "Yes."]
    assert tags[0].asDict(recursive=True) == moderation()

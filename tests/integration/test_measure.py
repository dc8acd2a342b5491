"""The job `measure` end to end: what is measured, what is not read again, and what a killed run leaves."""

import pytest
from pyspark.sql import functions as F

from arenalake.config import parse_config
from arenalake.steps import Context, measure
from arenalake.tables import CONVERSATIONS, MESSAGES

CLEAN = {"categories": None, "category_scores": None, "flagged": False}


def conversation(number, texts=("Hello there", "General Kenobi!"), *, file="f1", moderation=None, **columns):
    roles = ("user", "assistant") * len(texts)
    row = {
        "source": "s",
        "file": file,
        "conversation_id": f"c{number}",
        "model": "m",
        "language": "English",
        "turn": (len(texts) + 1) // 2,
        "messages": [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)],
        "moderation": moderation,
        **columns,
    }
    return {column: row.get(column) for column in CONVERSATIONS.column_names}


def add(lake, *rows):
    lake.append(CONVERSATIONS, lake.spark.createDataFrame(list(rows), CONVERSATIONS.ddl))


def run(lake, *tokenizers):
    config = parse_config({"storage": {"root": lake.root}, "tokens": {"tokenizers": list(tokenizers or ["sample"])}})
    return measure.run(Context(config, lake))


def version(lake):
    return lake.spark.sql(f"DESCRIBE HISTORY {lake.name_of(MESSAGES)}").agg(F.max("version")).first()[0]


def token_counts(lake):
    rows = lake.read(MESSAGES).orderBy("source", "conversation_id", "position").collect()
    return {(row.conversation_id, row.position): row.n_tokens for row in rows}


def test_every_message_becomes_a_row_without_text(lake):
    scores = {"categories": {"hate": True}, "category_scores": {"hate": 0.5}, "flagged": True}
    texts = ("Say *hi*", "# Hi\n- **hi**\n- ho", "", "ok")
    tstamp = lake.spark.sql("SELECT timestamp'2023-04-30 23:30:00' t").first().t
    add(lake, conversation(1, texts, moderation=[scores, None, CLEAN], tstamp=tstamp), conversation(2, language=None))
    result = run(lake)
    rows = lake.read(MESSAGES).orderBy("conversation_id", "position").collect()
    assert [(row.conversation_id, row.position, row.role, row.turn) for row in rows] == [
        ("c1", 0, "user", 1),
        ("c1", 1, "assistant", 1),
        ("c1", 2, "user", 2),
        ("c1", 3, "assistant", 2),
        ("c2", 0, "user", 1),
        ("c2", 1, "assistant", 1),
    ]
    assert [(row.n_chars, row.n_headers, row.n_list_items, row.n_bold) for row in rows[:4]] == [
        (8, 0, 0, 0),
        (18, 1, 2, 1),
        (0, 0, 0, 0),
        (2, 0, 0, 0),
    ]
    assert rows[2].n_tokens == {"sample": 0}
    assert (rows[0].month, rows[4].month, rows[0].language, rows[4].language) == ("2023-04", None, "English", None)
    # The third entry is there without categories; the second is missing; the fourth is beyond the list.
    assert [row.flagged for row in rows] == [True, None, False, None, None, None]
    assert [row.flag_hate for row in rows] == [True, None, None, None, None, None]
    assert [row.score_hate for row in rows] == [0.5, None, None, None, None, None]
    assert {row.flag_self_harm_intent for row in rows} == {None}
    assert result.metrics == {"conversations": 2, "messages": 6}


def test_a_second_run_writes_nothing_and_only_new_conversations_are_measured_later(lake):
    add(lake, conversation(1), conversation(2))
    run(lake)
    before = version(lake)
    assert run(lake).metrics == {"conversations": 0, "messages": 0}
    assert version(lake) == before
    add(lake, conversation(3, file="f2"), conversation(4, file="f1"))  # a new file, and more of an old one
    assert run(lake).metrics == {"conversations": 2, "messages": 4}
    counts = token_counts(lake)
    assert len(counts) == 8
    assert len({tuple(value.items()) for value in counts.values()}) == 2  # all conversations hold the same two texts


def test_a_tokenizer_that_is_added_later_joins_the_rows_that_are_there(lake):
    add(lake, conversation(1), conversation(2, ("one two three", "four")))
    run(lake, "sample")
    add(lake, conversation(3, file="f2"))
    result = run(lake, "sample", "whitespace", "whitespace+bos")
    counts = token_counts(lake)
    assert len(counts) == 6
    assert all(set(value) == {"sample", "whitespace", "whitespace+bos"} for value in counts.values())
    assert counts["c2", 0]["whitespace"] == 3
    assert counts["c2", 0]["whitespace+bos"] == 4
    assert result.metrics == {"conversations": 1, "messages": 2}
    before = version(lake)
    run(lake, "sample", "whitespace", "whitespace+bos")
    run(lake, "whitespace")
    assert version(lake) == before


def test_a_run_that_was_killed_between_two_tokenizers_is_finished_by_the_next(lake, monkeypatch):
    add(lake, conversation(1))
    run(lake, "sample")
    add(lake, conversation(2, file="f2"), conversation(3, file="f1"))

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(lake, "insert_new", killed)
    with pytest.raises(KeyboardInterrupt):
        run(lake, "sample", "whitespace")
    monkeypatch.undo()
    monkeypatch.setattr(lake, "upsert", killed)
    with pytest.raises(KeyboardInterrupt):
        run(lake, "sample", "whitespace")
    monkeypatch.undo()
    run(lake, "sample", "whitespace")
    counts = token_counts(lake)
    assert len(counts) == 6
    assert all(set(value) == {"sample", "whitespace"} for value in counts.values())


def test_the_same_messages_come_from_one_partition_and_from_seven(lake):
    add(lake, *[conversation(i, (f"text {i} " * i, "", "x", "# y")) for i in range(50)])
    rows = lake.read(CONVERSATIONS)
    one, seven = (
        measure.measure_conversations(rows.repartition(n), tokenizers=["sample"])
        .orderBy("conversation_id", "position")
        .collect()
        for n in (1, 7)
    )
    assert one == seven

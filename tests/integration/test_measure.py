"""The job `measure` end to end: what is measured, what is not read again, and what a killed run leaves."""

import hashlib

import pytest
from deltalake import DeltaTable
from pyspark.sql import Row
from pyspark.sql import functions as F
from stored import folder_of, stored_rows
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from arenalake.config import parse_config
from arenalake.entities.moderation import CATEGORIES
from arenalake.entities.tables import CONVERSATIONS, MESSAGES
from arenalake.errors import ConfigError, TokenizerError
from arenalake.lake import Lake
from arenalake.step import Context
from arenalake.text import job as measure
from arenalake.text.tables import TOKENIZERS

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


def run(lake, *tokenizers, **language):
    tokens = {"tokenizers": list(tokenizers or ["sample"])}
    config = parse_config({"storage": {"root": lake.root}, "tokens": tokens, "language": language})
    return measure.run(Context(config, lake))


def version(lake):
    return DeltaTable(str(folder_of(lake, MESSAGES))).version()


def measured(lake):
    """The rows of messages in order."""
    of_message = Row(*MESSAGES.column_names)
    rows = [of_message(*row) for row in stored_rows(folder_of(lake, MESSAGES), MESSAGES.column_names)]
    return sorted(rows, key=lambda row: (row.source, row.conversation_id, row.position))


def token_counts(lake):
    return {(row.conversation_id, row.position): row.n_tokens for row in measured(lake)}


def test_every_message_becomes_a_row_without_text(lake):
    scores = {"categories": {"hate": True}, "category_scores": {"hate": 0.5}, "flagged": True}
    texts = ("Say *hi*", "# Hi\n- **hi**\n- ho", "", "ok")
    tstamp = lake.spark.sql("SELECT timestamp'2023-04-30 23:30:00' t").first().t
    add(lake, conversation(1, texts, moderation=[scores, None, CLEAN], tstamp=tstamp), conversation(2, language=None))
    result = run(lake)
    rows = measured(lake)
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


def test_a_first_message_says_what_its_conversation_is_as_a_whole(lake):
    tags = {"categories": {"hate": True, "violence": False}, "category_scores": None, "flagged": True}
    add(lake, conversation(1, ("a b", "c", "d e f"), moderation=[tags, None, CLEAN]), conversation(2))
    run(lake, "whitespace")
    run(lake, "whitespace", "whitespace+bos")
    first, second = (row for row in measured(lake) if row.position == 0)
    any_flag, hate, violence = (1 << ("any", *CATEGORIES).index(name) for name in ("any", "hate", "violence"))
    assert first.turns == 2
    assert first.n_tokens_in_all == {"whitespace": 6, "whitespace+bos": 9}
    of_user = ((any_flag + hate + violence) << 12) + any_flag + hate
    assert first.pattern == [of_user, 1 << 24, any_flag << 12]
    assert (second.turns, second.n_tokens_in_all["whitespace"], second.pattern) == (1, 4, [0, 1 << 24])
    others = [row for row in measured(lake) if row.position > 0]
    assert {(row.turns, row.n_tokens_in_all, row.pattern) for row in others} == {(None, None, None)}


def test_messages_of_a_version_that_said_less_of_a_conversation_are_measured_again(lake):
    add(lake, conversation(1), conversation(2, file="f2"))
    run(lake)
    expected = measured(lake)
    keys = lake.read(MESSAGES).where("conversation_id = 'c2'").select(*MESSAGES.key)
    lake.update(MESSAGES, keys, on=MESSAGES.key, update={"pattern": "NULL", "turns": "NULL"})
    assert run(lake).metrics["conversations"] == 1
    assert measured(lake) == expected
    before = version(lake)
    run(lake)
    assert version(lake) == before


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


def test_another_file_of_the_same_name_is_not_taken_for_the_tokenizer_that_counted_before(lake, tmp_path):
    one, other = tmp_path / "one" / "t.json", tmp_path / "other" / "t.json"
    one.parent.mkdir()
    one.write_text("no tokenizer")
    with pytest.raises(TokenizerError):
        run(lake, f"hf:{one}")
    for file, word in ((one, "a"), (other, "b")):
        file.parent.mkdir(exist_ok=True)
        Tokenizer(WordLevel({word: 0, "?": 1}, unk_token="?")).save(str(file))
    run(lake, f"hf:{one}")
    with pytest.raises(ConfigError, match=r"'hf:.*other/t\.json' is not the file that 'hf:t\.json' was counted with"):
        run(lake, "sample", f"hf:{other}")
    run(lake, f"hf:{one}", f"hf:{one}+bos")
    digest = hashlib.sha256(one.read_bytes()).hexdigest()
    recorded = stored_rows(folder_of(lake, TOKENIZERS), ["tokenizer", "digest"])
    assert sorted(recorded) == [("hf:t.json", digest), ("hf:t.json+bos", digest)]


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


ENGLISH, FRENCH = "What would you do if you were me?", "Que feriez-vous si vous étiez à ma place ?"


def languages(lake):
    """Published and detected language by conversation, and what each detector said on the first message."""
    found = {}
    for row in measured(lake):
        published, last, said = found.setdefault(row.conversation_id, (row.language, row.detected_language, {}))
        assert (published, last) == (row.language, row.detected_language)
        assert row.position == 0 or row.detections is None
        said |= {name: (one.language, one.reason) for name, one in (row.detections or {}).items()}
    return found


def test_a_language_is_detected_from_what_the_user_wrote_where_none_is_published(lake):
    add(
        lake,
        conversation(1, (FRENCH, ENGLISH * 5), language=None),
        conversation(2, (FRENCH, "Oui")),
        conversation(3, ("hm", ENGLISH), language=None, file="f2"),
    )
    result = run(lake)
    assert languages(lake) == {
        "c1": (None, "French", {"langdetect": ("French", None)}),
        "c2": ("English", None, {}),
        "c3": (None, "unknown", {"langdetect": ("unknown", "too short")}),
    }
    assert result.lines[-1] == "measure: language of 2 conversations detected with langdetect"
    first = measured(lake)[0].detections["langdetect"]
    assert first.confidence > 0.9
    assert (first.script, first.n_letters) == ("Latin", sum(map(str.isalpha, FRENCH)))


def test_another_detector_reads_only_what_it_has_not_seen_and_an_earlier_one_reads_nothing(lake, monkeypatch):
    add(lake, conversation(1, (FRENCH, "Oui"), language=None), conversation(2), conversation(3, language=None))
    run(lake, detector="cld2")
    both = {"cld2": ("French", None), "langdetect": ("French", None)}
    too_short = ("unknown", "too short")
    add(lake, conversation(4, (FRENCH, "Oui"), language=None))
    result = run(lake, detector="langdetect")
    expected = {
        "c1": (None, "French", both),
        "c2": ("English", None, {}),
        "c3": (None, "unknown", {"cld2": too_short, "langdetect": too_short}),
        "c4": (None, "French", {"langdetect": ("French", None)}),
    }
    assert languages(lake) == expected
    assert result.metrics == {"conversations": 1, "messages": 2}
    # Let the two differ, so that it can be seen who spoke last.
    lake.spark.sql(f"UPDATE {lake.name_of(MESSAGES)} SET detected_language = 'Breton' WHERE conversation_id = 'c1'")
    before = version(lake)
    lake = Lake(lake.spark, lake.storage)
    with monkeypatch.context() as patched:
        patched.setattr(measure, "detect_conversations", None)
        run(lake, detector="langdetect")
    assert languages(lake) == expected
    assert version(lake) == before + 1
    run(lake, detector="langdetect")
    assert version(lake) == before + 1


def test_more_languages_are_detected_when_more_are_asked_for(lake):
    add(lake, *[conversation(i, (f"{FRENCH} {i}", "Oui")) for i in range(30)], conversation(30, language="Manx"))
    run(lake)
    assert {last for _, last, _ in languages(lake).values()} == {None}
    run(lake, detect="sample", sample_size=10)
    sampled = {name for name, (_, last, _) in languages(lake).items() if last}
    assert "c30" in sampled
    assert 1 < len(sampled) < 25
    before = version(lake)
    run(lake, detect="sample", sample_size=10)
    assert version(lake) == before
    run(lake, detect="all", detector="cld2")
    found = languages(lake)
    assert {name for name, (_, _, said) in found.items() if "langdetect" in said} == sampled
    assert all(said["cld2"][0] == "French" for name, (_, _, said) in found.items() if name != "c30")
    assert {published for published, _, _ in found.values()} == {"English", "Manx"}


def test_the_hash_of_a_prompt_stands_once_for_a_conversation_or_battle(spark):
    sides = [conversation(1), conversation(2), conversation(3, side="a"), conversation(4, side="b")]
    measured = measure.measure_conversations(spark.createDataFrame(sides, CONVERSATIONS.ddl), tokenizers=["whitespace"])
    rows = measured.orderBy("conversation_id", "position").collect()
    expected = hashlib.sha256(b"Hello there").hexdigest()
    assert [row.prompt_hash for row in rows] == [expected, None] * 3 + [None, None]


def test_the_same_messages_come_from_one_partition_and_from_seven(lake):
    add(lake, *[conversation(i, (f"text {i} " * i, "", "x", "# y")) for i in range(50)])
    rows = lake.read(CONVERSATIONS)
    detect = F.col("conversation_id") > "c3"
    one, seven = (
        measure.measure_conversations(rows.repartition(n), tokenizers=["sample"], detect=detect)
        .orderBy("conversation_id", "position")
        .collect()
        for n in (1, 7)
    )
    assert one == seven

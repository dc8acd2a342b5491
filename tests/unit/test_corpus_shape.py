"""Shape, voters and the audit of languages against plain Python on random rows."""

import datetime as dt
import random
import statistics
from collections import Counter, defaultdict

import pytest
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual

from arenalake.corpus.counts import count_conversations
from arenalake.corpus.languages import audit_languages
from arenalake.corpus.statistics import summarise_shape, summarise_voters
from arenalake.corpus.tables import CORPUS_SHAPE, LANGUAGE_AUDIT, VOTER_STATS
from arenalake.entities.tables import BATTLES, CONVERSATIONS, MESSAGES
from frames import rows_of


def random_conversations(seed, n):
    """Conversations of two sources as dicts; only one has times and says what is redacted, both lack labels."""
    rng = random.Random(seed)
    rows = []
    for number in range(n):
        source = rng.choice(["arena", "chat"])
        timed = source == "arena" and rng.random() < 0.9
        published = rng.choice(["English", "English", "French", "unknown", None])
        detected = rng.choice(["English", "Breton", "unknown"])
        asked = published is None or rng.random() < 0.5
        rows.append(
            {
                "source": source,
                "conversation_id": f"c{seed}-{number}",
                "model": rng.choice(["m1", "m1", "m2"]),
                "language": published,
                "turn": rng.choice([1, 1, 2, None]),
                "redacted": rng.choice([True, False, False, None]) if source == "chat" else None,
                "tstamp": dt.datetime(2023, rng.choice([4, 5]), rng.choice([1, 2, 30]), 12) if timed else None,
                "detected_language": detected if asked else None,
                "confidence": rng.random() if asked and detected != "unknown" else None,
                "script": rng.choice(["Latin", None]),
                "n_letters": rng.randint(0, 60),
                "prompt_hash": rng.choice(["p1", "p2", "p3", f"p{seed}-{number}", None]),
            }
        )
    return rows


def tables(spark, rows):
    """The rows as `conversations` and as `messages`, two of them each."""
    conversations, messages = [], []
    for row in rows:
        known = {name: row[name] for name in row if name in CONVERSATIONS.column_names}
        conversations.append({**dict.fromkeys(CONVERSATIONS.column_names), **known, "file": "f"})
        answer = {"language": row["detected_language"]} | {k: row[k] for k in ("confidence", "script", "n_letters")}
        answer["reason"] = "too short" if answer["language"] == "unknown" else None
        for position in range(2):
            message = {name: row[name] for name in row if name in MESSAGES.column_names}
            message |= {"position": position, "turn": 1}
            if position:
                message["prompt_hash"] = None
            elif row["detected_language"]:
                message["detections"] = {"cld2": answer}
            messages.append({**dict.fromkeys(MESSAGES.column_names), **message})
    return (
        spark.createDataFrame(conversations, CONVERSATIONS.ddl),
        spark.createDataFrame(messages, MESSAGES.ddl),
    )


ROWS = random_conversations(1, 300)


@pytest.fixture(scope="module")
def entities(spark):
    return tables(spark, ROWS)


@pytest.fixture(scope="module")
def shape(entities):
    return rows_of(CORPUS_SHAPE, summarise_shape(*entities))


def language_of(row):
    return row["language"] or row["detected_language"]


def test_every_conversation_is_counted_once_in_every_grouping(shape):
    groups = defaultdict(list)
    for row in ROWS:
        day = row["tstamp"] and row["tstamp"].date()
        values = {"model": row["model"], "language": language_of(row), "turns": row["turn"], "day": day}
        values["month"] = day and f"{day:%Y-%m}"
        for grouping in ("all", *values):
            if row["source"] == "arena" or grouping not in ("month", "day"):
                groups[row["source"], grouping, values.get(grouping)].append(row)
    found = {(row.source, row.grouping, None if row.grouping == "all" else row[row.grouping]): row for row in shape}
    assert len(found) == len(shape)
    assert found.keys() == groups.keys()
    sizes = Counter(row["source"] for row in ROWS)
    for key, own in groups.items():
        row = found[key]
        turns = [one["turn"] for one in own if one["turn"] is not None]
        redacted = [one["redacted"] for one in own if one["redacted"] is not None]
        assert (row.n_conversations, row.share) == (len(own), len(own) / sizes[row.source])
        assert row.mean_turns == (sum(turns) / len(turns) if turns else None)
        assert (row.n_redaction_known, row.n_redacted) == (len(redacted), sum(redacted))
        assert row.redacted_rate == (sum(redacted) / len(redacted) if redacted else None)
        assert row.n_models == len({one["model"] for one in own})
        assert row.n_languages == len({language_of(one) for one in own} - {"unknown"})


def test_equal_first_messages_are_told_from_different_ones(shape):
    for row in shape:
        found = (row.n_prompts, row.n_distinct_prompts, row.n_repeated_prompts, row.max_repeats)
        if row.grouping != "all":
            assert found == (None, None, None, None)
            continue
        times = Counter(one["prompt_hash"] for one in ROWS if one["source"] == row.source and one["prompt_hash"])
        repeated = [n for n in times.values() if n > 1]
        assert found == (sum(times.values()), len(times), sum(repeated), max(times.values()))


def test_counts_of_two_halves_of_conversations_add_up_to_the_counts_of_the_whole(spark, entities):
    whole = count_conversations(*entities)
    parts = [count_conversations(*tables(spark, ROWS[start::2])) for start in range(2)]
    keys = [name for name in whole.columns if name != "n_conversations"]
    added = parts[0].unionByName(parts[1]).groupBy(*keys).agg(F.sum("n_conversations").alias("n_conversations"))
    assertDataFrameEqual(added.select(*whole.columns), whole)


def test_voters_are_counted_and_described_without_their_names(spark):
    rng = random.Random(2)
    votes = [
        ("arena", rng.choice(["human", "human", "model"]), rng.choice(["v1", "v2", "v3", "v4", None]))
        for _ in range(200)
    ]
    votes += [("votes", "human", None)] * 3 + [("one", "human", "v1")]
    rows = [
        {**dict.fromkeys(BATTLES.column_names), "source": source, "judge_kind": kind, "judge": judge}
        for source, kind, judge in votes
    ]
    battles = spark.createDataFrame(rows, BATTLES.ddl)
    found = rows_of(VOTER_STATS, summarise_voters(battles.repartition(5)))
    assert {(row.source, row.judge_kind) for row in found} == {vote[:2] for vote in votes}
    for row in found:
        judges = [judge for source, kind, judge in votes if (source, kind) == (row.source, row.judge_kind)]
        times = sorted(Counter(judge for judge in judges if judge).values())
        assert (row.n_battles, row.n_anonymous, row.n_voters) == (len(judges), judges.count(None), len(times))
        if not times:
            assert (row["mean"], row.sd, row.min, row.max, row.p50) == (None,) * 5
            continue
        assert (row["mean"], row.min, row.max) == (sum(times) / len(times), times[0], times[-1])
        assert row.p50 == times[-(-50 * len(times) // 100) - 1]
        assert row.sd == (None if len(times) == 1 else pytest.approx(statistics.stdev(times), rel=1e-12))


def test_published_languages_stand_against_detected_ones(entities):
    _, messages = entities
    found = rows_of(LANGUAGE_AUDIT, LANGUAGE_AUDIT.in_memory(audit_languages(messages)))
    published = Counter((row["source"], row["language"]) for row in ROWS)
    cells, checked, confirmed = defaultdict(list), Counter(), Counter()
    for row in ROWS:
        if row["detected_language"]:
            reason = "too short" if row["detected_language"] == "unknown" else None
            cells[row["source"], row["language"], row["detected_language"], row["script"], reason].append(row)
            checked[row["source"], row["language"]] += 1
            confirmed[row["source"], row["language"]] += row["language"] == row["detected_language"]
    by_key = {(row.source, row.language, row.detected_language, row.script, row.reason): row for row in found}
    assert len(by_key) == len(found)
    assert by_key.keys() == cells.keys()
    for key, own in cells.items():
        row = by_key[key]
        confidences = [one["confidence"] for one in own if one["confidence"] is not None]
        mean = statistics.mean(confidences) if confidences else None
        assert (row.detector, row.n) == ("cld2", len(own))
        assert row.mean_confidence == (None if mean is None else pytest.approx(mean, abs=1e-8))
        assert row.median_letters == statistics.median(one["n_letters"] for one in own)
        assert (row.n_checked, row.n_confirmed) == (checked[key[:2]], confirmed[key[:2]])
        assert row.n_published == published[key[:2]]


def test_the_same_shape_and_audit_come_from_seven_partitions(spark, entities, shape):
    conversations, messages = (table.repartition(7) for table in entities)
    audit = audit_languages(entities[1]).collect()
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "7")
    try:
        again = rows_of(CORPUS_SHAPE, summarise_shape(conversations, messages))
        audit_again = audit_languages(messages).collect()
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
    assert sorted(map(repr, again)) == sorted(map(repr, shape))
    assert sorted(map(repr, audit_again)) == sorted(map(repr, audit))

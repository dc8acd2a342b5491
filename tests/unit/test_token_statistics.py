"""Lengths and what they cost on conversations small enough to check by hand."""

import math
from collections import Counter

import pytest
from pyspark.sql import functions as F

from arenalake.entities.tables import BATTLES, MESSAGES
from arenalake.moderation.counts import count_scores
from arenalake.tokens.counts import count_lengths
from arenalake.tokens.statistics import summarise_conversations, summarise_tokens
from arenalake.tokens.tables import CONVERSATION_TOKEN_STATS, LENGTH_COUNTS, TOKEN_STATS
from frames import rows_of


def messages_of(spark, rows):
    """Rows are (conversation, model, language, position, tokens, characters), conversations one after the other."""
    turns, tokens_in_all = Counter(), Counter()
    for conversation, _, _, position, tokens, _ in rows:
        turns[conversation] += position % 2 == 0
        tokens_in_all[conversation] += tokens
    return spark.createDataFrame(
        [
            {
                **dict.fromkeys(MESSAGES.column_names),
                "source": "s",
                "conversation_id": conversation,
                "model": model,
                "language": language,
                "position": position,
                "role": ("user", "assistant")[position % 2],
                "turn": position // 2 + 1,
                "n_tokens": {"sample": tokens, "of an earlier configuration": 10 * tokens},
                "n_chars": chars,
                "turns": turns[conversation] if position == 0 else None,
                "n_tokens_in_all": {
                    "sample": tokens_in_all[conversation],
                    "of an earlier configuration": 10 * tokens_in_all[conversation],
                }
                if position == 0
                else None,
            }
            for conversation, model, language, position, tokens, chars in rows
        ],
        MESSAGES.ddl,
    )


TOY = [
    ("c1", "m1", "English", 0, 1, 4),
    ("c1", "m1", "English", 1, 2, 8),
    ("c2", "m1", None, 0, 3, 3),
    ("c2", "m1", None, 1, 0, 0),
    ("c3", "m2", "English", 0, 1, 4),
    ("c3", "m2", "English", 1, 1, 4),
    ("c3", "m2", "English", 2, 5, 8),
    ("c3", "m2", "English", 3, 2, 4),
]


@pytest.fixture(scope="module")
def counts(spark):
    """Rows of the table `length_counts` for the toy conversations."""
    return LENGTH_COUNTS.in_memory(count_lengths(messages_of(spark, TOY), tokenizers=["sample"]))


def test_a_group_is_a_row_with_ascending_lengths_and_how_often_each_occurs(spark):
    more = [("c4", "m1", "English", 0, 1, 3), ("c4", "m1", "English", 1, 0, 0)]
    counted = LENGTH_COUNTS.in_memory(count_lengths(messages_of(spark, [*TOY, *more]), tokenizers=["sample"]))
    found = {
        (row.measure, row.tokenizer, row.model, row.language, row.role, row.turn): (
            (row.n, row.n_chars, row.total),
            (row.lengths, row["counts"]),
        )
        for row in rows_of(LENGTH_COUNTS, counted)
    }
    assert found == {
        ("message_tokens", "sample", "m1", "English", "user", 1): ((2, 7, 2), ([1], [2])),
        ("message_tokens", "sample", "m1", "English", "assistant", 1): ((2, 8, 2), ([0, 2], [1, 1])),
        ("message_tokens", "sample", "m1", None, "user", 1): ((1, 3, 3), ([3], [1])),
        ("message_tokens", "sample", "m1", None, "assistant", 1): ((1, 0, 0), ([0], [1])),
        ("message_tokens", "sample", "m2", "English", "user", 1): ((1, 4, 1), ([1], [1])),
        ("message_tokens", "sample", "m2", "English", "assistant", 1): ((1, 4, 1), ([1], [1])),
        ("message_tokens", "sample", "m2", "English", "user", 2): ((1, 8, 5), ([5], [1])),
        ("message_tokens", "sample", "m2", "English", "assistant", 2): ((1, 4, 2), ([2], [1])),
        ("conversation_tokens", "sample", "m1", "English", None, None): ((2, 0, 4), ([1, 3], [1, 1])),
        ("conversation_tokens", "sample", "m1", None, None, None): ((1, 0, 3), ([3], [1])),
        ("conversation_tokens", "sample", "m2", "English", None, None): ((1, 0, 9), ([9], [1])),
        ("turns", None, "m1", "English", None, None): ((2, 0, 2), ([1], [2])),
        ("turns", None, "m1", None, None, None): ((1, 0, 1), ([1], [1])),
        ("turns", None, "m2", "English", None, None): ((1, 0, 2), ([2], [1])),
    }


def test_conversations_that_have_a_role_are_its_messages_of_the_first_turn(counts):
    rows = rows_of(TOKEN_STATS, summarise_tokens(counts))
    found = {(row.grouping, row.turn, row.role): row for row in rows if row.grouping in ("all", "turn")}
    row = found["all", None, "user"]  # 1, 1, 3 and 5
    assert (row.n_conversations, row.n_messages, row.total, row.p50, row.p75, row.max) == (3, 4, 10, 1, 3, 5)
    assert (found["turn", 2, "user"].n_conversations, found["turn", 2, "user"].n_messages) == (1, 1)


def test_conversations_are_described_by_their_turns_and_tokens(counts):
    rows = rows_of(CONVERSATION_TOKEN_STATS, summarise_conversations(counts))
    found = {(row.grouping, row.model, row.language, row.measure): row for row in rows}
    assert len(found) == 2 * (1 + 2 + 2)
    row = found["all", None, None, "tokens"]  # 3, 3 and 9
    assert (row.n_conversations, row.total, row["mean"], row.min, row.max) == (3, 15, 5.0, 3, 9)
    assert (row.sd, row.p50, row.p75) == (math.sqrt(12), 3, 9)
    row = found["all", None, None, "turns"]  # 1, 1 and 2
    assert (row.total, row.p50, row.p99, row.max) == (4, 1, 2, 2)
    row = found["language", None, None, "tokens"]  # a null language is a group of its own
    assert (row.n_conversations, row.total, row.sd) == (1, 3, None)
    assert found["model", "m2", None, "turns"].total == 2


def test_turns_stand_beside_the_tokens_of_every_tokenizer(spark):
    tokenizers = ["of an earlier configuration", "sample"]
    counted = LENGTH_COUNTS.in_memory(count_lengths(messages_of(spark, TOY[:2]), tokenizers=tokenizers))
    rows = rows_of(CONVERSATION_TOKEN_STATS, summarise_conversations(counted))
    found = {(row.tokenizer, row.measure): row.total for row in rows if row.grouping == "all"}
    assert found == {
        ("of an earlier configuration", "tokens"): 30,
        ("of an earlier configuration", "turns"): 1,
        ("sample", "tokens"): 3,
        ("sample", "turns"): 1,
    }


def test_a_detected_language_counts_where_none_is_published_and_nowhere_else(spark):
    messages = messages_of(spark, TOY).withColumn("detected_language", F.lit("Breton"))
    lengths = count_lengths(messages, tokenizers=["sample"])
    scores = count_scores(messages, spark.createDataFrame([], BATTLES.ddl))
    for counted in (lengths, scores):
        assert {row.language for row in counted.select("language").collect()} == {"English", "Breton"}


def test_a_language_costs_its_tokens_per_character(counts):
    rows = [row for row in rows_of(TOKEN_STATS, summarise_tokens(counts)) if row.grouping == "language"]
    found = {(row.language, row.role): (row.n_messages, row.n_chars, row.total, row.tokens_per_char) for row in rows}
    assert found == {
        ("English", "user"): (3, 16, 7, 7 / 16),
        ("English", "assistant"): (3, 16, 5, 5 / 16),
        (None, "user"): (1, 3, 3, 1.0),
        (None, "assistant"): (1, 0, 0, None),
    }

"""Tokens per conversation and per character on conversations small enough to check by hand."""

import math
from collections import Counter

from pyspark.sql import functions as F

from arenalake.entities.tables import BATTLES, MESSAGES
from arenalake.moderation.counts import count_scores
from arenalake.tokens.counts import count_conversation_tokens, count_tokens
from arenalake.tokens.statistics import summarise_conversations, summarise_language_costs
from arenalake.tokens.tables import CONVERSATION_TOKEN_COUNTS, CONVERSATION_TOKEN_STATS, LANGUAGE_COSTS, TOKEN_COUNTS
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
                "n_tokens_in_all": {"sample": tokens_in_all[conversation], "of an earlier configuration": -1}
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


def test_conversations_are_described_by_their_turns_and_tokens(spark):
    counts = count_conversation_tokens(messages_of(spark, TOY), tokenizers=["sample"])
    stats = summarise_conversations(CONVERSATION_TOKEN_COUNTS.in_memory(counts))
    rows = rows_of(CONVERSATION_TOKEN_STATS, stats)
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


def test_a_detected_language_counts_where_none_is_published_and_nowhere_else(spark):
    messages = messages_of(spark, TOY).withColumn("detected_language", F.lit("Breton"))
    counts = [count(messages, tokenizers=["sample"]) for count in (count_tokens, count_conversation_tokens)]
    for counted in counts:
        assert {row.tokenizer for row in counted.select("tokenizer").collect()} == {"sample"}
    counts.append(count_scores(messages, spark.createDataFrame([], BATTLES.ddl)))
    for counted in counts:
        assert {row.language for row in counted.select("language").collect()} == {"English", "Breton"}


def test_a_language_costs_its_tokens_per_character(spark):
    counts = count_tokens(messages_of(spark, TOY), tokenizers=["sample"])
    rows = rows_of(LANGUAGE_COSTS, summarise_language_costs(TOKEN_COUNTS.in_memory(counts)))
    found = {(row.language, row.role): (row.n_messages, row.n_chars, row.n_tokens, row.tokens_per_char) for row in rows}
    assert found == {
        ("English", "user"): (3, 16, 7, 7 / 16),
        ("English", "assistant"): (3, 16, 5, 5 / 16),
        (None, "user"): (1, 3, 3, 1.0),
        (None, "assistant"): (1, 0, 0, None),
    }

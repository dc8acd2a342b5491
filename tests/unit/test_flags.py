"""Flags seen together, on conversations small enough to check by hand, and against plain Python on random ones."""

import random
from collections import defaultdict

import polars as pl
import pytest
from scipy.stats import binomtest

import frames
from arenalake.entities.moderation import ALL_CATEGORIES, CATEGORIES, LABELLED_BIT, ROLE_BIT, ROLES
from arenalake.entities.tables import BATTLES
from arenalake.moderation.flags import (
    count_cooccurrence,
    summarise_answers,
    summarise_flagged_conversations,
    summarise_turns,
)
from arenalake.moderation.tables import (
    MODERATION_ANSWERS,
    MODERATION_CONVERSATIONS,
    MODERATION_COOCCURRENCE,
    MODERATION_PATTERNS,
    MODERATION_TURNS,
    TOXICITY_AGREEMENT,
)
from arenalake.moderation.toxicity import measure_toxicity_agreement


def message(role, **flags):
    """One message's number in a pattern; categories by name, `/` and `-` as `_`."""
    bits = {category.replace("/", "_").replace("-", "_"): bit for bit, category in enumerate(ALL_CATEGORIES)}
    labelled = sum(1 << bits[name] for name in flags)
    flagged = sum(1 << bits[name] for name, value in flags.items() if value)
    return (ROLES.index(role) << ROLE_BIT) + (labelled << LABELLED_BIT) + flagged


def patterns_of(rows):
    """Rows are (model, language, messages, n)."""
    named = [dict(zip(MODERATION_PATTERNS.column_names, ("s", *row), strict=True)) for row in rows]
    return frames.frame_of(MODERATION_PATTERNS, named)


def rows_of(frame, table, *key):
    rows = frames.rows_of(table, frame)
    found = {tuple(row[column] for column in key): row for row in rows}
    assert len(found) == len(rows)
    return found


BAD, GOOD = {"any": True, "hate": True}, {"any": False, "hate": False}
TOY = [
    ("m1", "English", [message("user", **BAD), message("assistant", **BAD)], 3),  # asked and answered
    ("m1", "English", [message("user", **BAD), message("assistant", **GOOD)], 5),  # asked and refused
    ("m1", None, [message("user", **GOOD), message("assistant", **BAD)], 2),  # out of the blue
    # Asked without an answer that is labelled, then harmless talk that is flagged: no answer to an attempt is known.
    (
        "m2",
        "English",
        [message("user", **BAD), message("assistant"), message("user", **GOOD), message("assistant", **BAD)],
        7,
    ),
    ("m2", None, [message("user"), message("assistant")], 11),  # no moderation at all
    ("m2", None, [message("user", any=False, hate_threatening=True), message("assistant", any=False)], 13),
    (None, "English", [message("battle", **BAD)], 17),
]


def test_attempts_and_answers_are_counted_per_conversation():
    df = summarise_answers(patterns_of(TOY))
    found = rows_of(df, MODERATION_ANSWERS, "grouping", "model", "language", "category")

    def figures(*key):
        row = found[key]
        return row.n_conversations, row.n_user_flagged, row.n_answer_flagged, row.n_attempts, row.n_answered

    assert figures("all", None, None, "hate") == (17, 15, 12, 8, 3)
    assert figures("all", None, None, "any") == (30, 15, 12, 8, 3)
    assert figures("model", "m2", None, "any") == (20, 7, 7, 0, 0)
    assert figures("language", None, None, "hate") == (2, 0, 2, 0, 0)
    assert figures("all", None, None, "sexual") == (0, 0, 0, 0, 0)
    row = found["all", None, None, "hate"]
    assert row.answered_rate == 3 / 8
    expected = binomtest(3, 8).proportion_ci(method="wilson")
    assert (row.ci_lower, row.ci_upper) == pytest.approx(tuple(expected))
    assert found["model", "m2", None, "any"].answered_rate is None
    assert not any(row.model is None and row.grouping == "model" for row in found.values())  # no battles


def test_conversations_count_once_per_category_with_sub_categories_folded_in():
    df = summarise_flagged_conversations(patterns_of(TOY))
    found = rows_of(df, MODERATION_CONVERSATIONS, "grouping", "model", "language", "unit", "category")
    row = found["all", None, None, "conversation", "hate"]
    assert (row.n, row.n_missing, row.n_flagged) == (30, 11, 3 + 5 + 2 + 7 + 13)
    row = found["all", None, None, "conversation", "any"]
    assert (row.n, row.n_missing, row.n_flagged, row.rate) == (30, 11, 17, 17 / 30)
    row = found["all", None, None, "battle", "any"]
    assert (row.n, row.n_missing, row.n_flagged) == (17, 0, 17)
    row = found["all", None, None, "conversation", "self-harm"]
    assert (row.n, row.n_missing, row.n_flagged, row.rate, row.ci_lower) == (0, 41, 0, None, None)
    assert {category for *_, category in found} == {"any", "harassment", "hate", "self-harm", "sexual", "violence"}


def test_flag_rates_by_turn_count_each_message_at_its_turn():
    found = rows_of(summarise_turns(patterns_of(TOY)), MODERATION_TURNS, "role", "turn", "category")
    row = found["user", 1, "hate"]
    assert (row.n, row.n_missing, row.n_without_moderation, row.n_flagged, row.rate) == (17, 24, 11, 15, 15 / 17)
    row = found["assistant", 2, "hate"]
    assert (row.n, row.n_missing, row.n_without_moderation, row.n_flagged) == (7, 0, 0, 7)
    row = found["battle", 0, "hate"]
    assert (row.n, row.n_missing, row.n_flagged) == (17, 0, 17)


def test_categories_that_occur_together_are_counted_where_both_are_known():
    rows = [
        ("m", None, [message("user", hate=True, violence=True)], 3),
        ("m", None, [message("user", hate=True, violence=False)], 4),
        ("m", None, [message("user", hate=False, violence=True)], 5),
        ("m", None, [message("user", hate=False, violence=False)], 6),
        ("m", None, [message("user", hate=True)], 100),
    ]
    df = count_cooccurrence(patterns_of(rows))
    (row,) = rows_of(df, MODERATION_COOCCURRENCE, "role", "category_a", "category_b").values()
    assert (row.role, row.category_a, row.category_b) == ("user", "hate", "violence")
    assert (row.n, row.n_a, row.n_b, row.n_both) == (18, 7, 8, 3)
    assert (row.jaccard, row.lift) == (3 / 12, 3 * 18 / (7 * 8))


def test_random_patterns_agree_with_plain_python():
    rng = random.Random(5)
    rows = []
    for number in range(60):
        roles = ["battle"] if rng.random() < 0.1 else ["user", "assistant"] * rng.randint(1, 4)
        codes = [message(role, **random_flags(rng)) for role in roles]
        rows.append((None if roles == ["battle"] else rng.choice("ab"), rng.choice([None, "x"]), codes, number + 1))
    patterns = patterns_of(rows)
    turns, answers = defaultdict(lambda: [0, 0, 0]), defaultdict(lambda: [0] * 5)
    for _, _, codes, n in rows:
        decoded = [decode(code) for code in codes]
        turn = 0
        for role, flags in decoded:
            turn += role == "user"
            for category in ALL_CATEGORIES:
                cell, flag = turns[role, turn, category], flags.get(category)
                cell[0 if flag is not None else 1] += n
                cell[2] += n * bool(flag)
        for category in ALL_CATEGORIES if decoded[0][0] != "battle" else ():
            users = [flags.get(category) for role, flags in decoded if role == "user"]
            replies = [flags.get(category) for role, flags in decoded if role == "assistant"]
            tried = [reply for user, reply in zip(users, replies, strict=True) if user and reply is not None]
            facts = (any(u is not None for u in users), any(users), any(replies), bool(tried), any(tried))
            answers[category] = [old + n * fact for old, fact in zip(answers[category], facts, strict=True)]
    found = rows_of(summarise_turns(patterns), MODERATION_TURNS, "role", "turn", "category")
    assert {key: [row.n, row.n_missing, row.n_flagged] for key, row in found.items()} == turns
    found = rows_of(
        summarise_answers(patterns).filter(pl.col("grouping") == "all"),
        MODERATION_ANSWERS,
        "category",
    )
    columns = ("n_conversations", "n_user_flagged", "n_answer_flagged", "n_attempts", "n_answered")
    assert {key[0]: [row[column] for column in columns] for key, row in found.items()} == answers


def random_flags(rng):
    names = ["any", *(category.replace("/", "_").replace("-", "_") for category in CATEGORIES)]
    return {name: rng.random() < 0.3 for name in names if rng.random() < 0.8}


def decode(code):
    flags = {c: bool(code >> bit & 1) for bit, c in enumerate(ALL_CATEGORIES) if code >> (LABELLED_BIT + bit) & 1}
    return ROLES[code >> ROLE_BIT], flags


def test_agreement_of_toxicity_tags_with_moderation_leaves_missing_ones_out(spark):
    # (tag, moderation) and how often; the second tagger is never there.
    cases = {
        (True, True): 20,
        (True, False): 5,
        (False, True): 10,
        (False, False): 15,
        (None, True): 3,
        (True, None): 4,
    }
    rows = []
    for (tag, flag), times in cases.items():
        row = dict.fromkeys(BATTLES.column_names)
        row |= {"source": "s", "moderation": {"flagged": flag}, "toxicity": {"roberta_large": {"flagged": tag}}}
        rows += [row] * times
    battles = spark.createDataFrame(rows, BATTLES.ddl)
    agreement = TOXICITY_AGREEMENT.in_memory(measure_toxicity_agreement(battles))
    found = rows_of(agreement, TOXICITY_AGREEMENT, "tagger")
    row = found[("roberta_large",)]
    assert (row.n_battles, row.n, row.n_missing_tag, row.n_missing_moderation) == (57, 50, 3, 4)
    assert (row.n_both, row.n_tagger_only, row.n_moderation_only, row.n_neither) == (20, 5, 10, 15)
    assert row.agreement == 0.7
    assert row.kappa == pytest.approx(0.4)  # the textbook's example: chance alone agrees on half
    row = found[("t5_large",)]
    assert (row.n, row.n_missing_tag, row.agreement, row.kappa) == (0, 57, None, None)

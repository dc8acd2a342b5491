"""Slices by category: a battle counts once in the slice of its category and in that of each of its tags."""

from collections import Counter

import pytest

from arenalake.battles.counts import count_battles
from arenalake.config import parse_config
from arenalake.entities.tables import BATTLES
from arenalake.ratings.spark.spread import count_slices, count_votes, slice_rows

# Category, tags and language of battles x against y, which x wins.
KINDS = [
    ("math", ["code", "math"], "English"),
    (None, ["code", "if"], "English"),
    (None, ["code", "if"], None),
    ("writing", None, "German"),
    ("writing", [], "German"),
    (None, [], "German"),
    (None, None, "English"),
]
SIZES = {
    "all": 7,
    "category=math": 1,
    "category=code": 3,
    "category=if": 2,
    "category=writing": 2,
    "language=English,category=math": 1,
    "language=English,category=code": 2,
    "language=English,category=if": 1,
    "language=German,category=writing": 2,
}


@pytest.fixture(scope="module")
def battles(spark):
    rows = []
    for number, (category, tags, language) in enumerate(KINDS):
        row = dict.fromkeys(BATTLES.column_names) | {"source": "s", "file": "f", "judge_kind": "human"}
        row |= {"battle_id": f"b{number}", "model_a": "x", "model_b": "y", "winner": "model_a"}
        row |= {"category": category, "category_tags": tags, "language": language}
        rows.append(tuple(row[name] for name in BATTLES.column_names))
    return spark.createDataFrame(rows, BATTLES.ddl)


@pytest.fixture(scope="module")
def ratings():
    slices = ["all", "category", "language,category"]
    return parse_config({"storage": {"root": "x"}, "ratings": {"slices": slices, "min_battles": 1}}).ratings


def test_counts_hold_each_battle_once_and_its_slices_each_of_its_categories(battles, ratings):
    counts = count_battles(battles)
    assert counts.agg({"n": "sum"}).first()[0] == len(KINDS)
    votes = count_votes(counts, ratings=ratings).collect()
    assert {row["slice"]: row["wins_a"] for row in votes} == SIZES
    assert {row["slice"]: row["n_battles"] for row in count_slices(counts, ratings=ratings).collect()} == SIZES


def test_no_slice_has_a_battle_twice(battles, ratings):
    rows = Counter((row["slice"], row["battle_id"]) for row in slice_rows(battles, ratings=ratings).collect())
    assert set(rows.values()) == {1}
    assert Counter(name for name, _ in rows) == SIZES

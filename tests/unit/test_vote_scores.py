"""Votes with scores: what becomes of a record, and what the ratings count of it."""

import json

import pytest
from pyspark.sql import functions as F

from arenalake.config import parse_config
from arenalake.entities.tables import BATTLES
from arenalake.errors import ConfigError
from arenalake.ratings.spark.spread import count_votes
from arenalake.sources import SOURCES


def _source(**options):
    source = {"format": "votes", "path": "votes.csv", **options}
    return parse_config({"storage": {"root": "x"}, "sources": {"crowd": source}}).sources["crowd"]


def _parsed(spark, source, records):
    """model_a, model_b, winner, score and reasons of each record."""
    fields = SOURCES["votes"].fields(source)
    raw = "struct<" + ",".join(f"`{field.name}`:{field.type}" for field in fields) + ">"
    lines = [(position, json.dumps(record)) for position, record in enumerate(records)]
    rows = spark.createDataFrame(lines, "position bigint, record string").select(
        F.lit("votes.csv").alias("file"),
        "position",
        "record",
        F.lit(True).alias("is_whole"),
        *[F.from_json("record", raw)[field.name].alias(f"raw_{field.name}") for field in fields],
        *[F.array().cast("array<string>").alias(name) for name in ("problems", "details", "unlike", "notes")],
    )
    found = SOURCES["votes"].parse(rows, source).select("battles_rows", "reasons").collect()
    return [(row["battles_rows"][0]["winner"], row["battles_rows"][0]["score"], row["reasons"]) for row in found]


def test_a_probability_is_a_score_and_gives_the_winner_that_a_record_lacks(spark):
    source = _source(columns={"score": "p"})
    assert [field.name for field in SOURCES["votes"].fields(source) if field.mapped] == ["model_a", "model_b", "score"]
    sides = {"model_a": "x", "model_b": "y"}
    scores = [0.75, 0.25, 0.5, 1.0, None, 1.5, "NaN"]
    records = [{**sides, "score": score} for score in scores] + [{**sides, "winner": "model_b", "score": None}]
    outside = "score is {}, outside [0, 1] or not a number"
    assert _parsed(spark, source, records) == [
        ("model_a", 0.75, []),
        ("model_b", 0.25, []),
        ("tie", 0.5, []),
        ("model_a", 1.0, []),
        (None, None, ["score is missing (column 'p')"]),
        ("model_a", 1.5, [outside.format("1.5")]),
        ("model_a", pytest.approx(float("nan"), nan_ok=True), [outside.format("NaN")]),
        ("model_b", None, []),
    ]


def test_a_grade_becomes_a_score_by_the_ends_of_its_scale(spark):
    sides = {"model_a": "x", "model_b": "y"}
    records = [{**sides, "likert": grade} for grade in (1, 8, 3, 9, None)]
    beyond, missing = ["likert is 9.0, not from 1 to 8"], ["likert is missing (column 'grade')"]
    up = _parsed(spark, _source(columns={"likert": "grade"}, likert_scale=[1, 8]), records)
    assert up[:2] == [("model_b", 0.0, []), ("model_a", 1.0, [])]
    assert up[2] == ("model_b", pytest.approx(2 / 7), [])
    assert [row[2] for row in up[3:]] == [beyond, missing]
    down = _parsed(spark, _source(columns={"likert": "grade"}, likert_scale=[8, 1]), records)
    assert down[2] == ("model_a", pytest.approx(5 / 7), [])


def test_a_winner_that_is_mapped_stays_needed_and_scores_that_are_not_are_not_looked_for(spark):
    both = _source(columns={"winner": "w", "score": "p"})
    found = _parsed(spark, both, [{"model_a": "x", "model_b": "y", "winner": None, "score": 0.4}])
    assert found[0][2] == ["winner is missing (column 'w')"]
    plain = [field.name for field in SOURCES["votes"].fields(_source())]
    assert "score" not in plain
    assert "winner" in plain


def test_settings_that_cannot_be_meant_are_mistakes():
    with pytest.raises(ConfigError, match="two different whole numbers"):
        _source(likert_scale=[5, 5])
    with pytest.raises(ConfigError, match=r"likert_scale: must be two .* whole numbers.*got \[1.5, 8\]"):
        _source(likert_scale=[1.5, 8])
    with pytest.raises(ConfigError, match="not both"):
        _source(columns={"score": "p"}, likert_scale=[1, 8])
    with pytest.raises(ConfigError, match=r"likert_scale: no such key; allowed here: citation, format, identity"):
        _source(format="arena", likert_scale=[1, 8])


def test_marks_of_outcomes_give_the_winner_where_exactly_one_is_set(spark):
    names = ("winner_model_a", "winner_model_b", "winner_tie", "winner_bothbad")
    source = _source(columns=dict(zip(names, "abcd", strict=True)))
    marks = [
        (1, 0, 0, 0),
        ("false", "True", "false", "false"),
        ("0", "0.0", "1.0", "0"),
        (False, False, False, True),
        ("yes", "no", "N", "f"),
        (1, 1, 0, 0),
        (0, 0, 0, 0),
        (1, 0, 0, None),
        (1, 0, 0, "maybe"),
    ]
    records = [{"model_a": "x", "model_b": "y", "winner": "y", **dict(zip(names, row, strict=True))} for row in marks]
    found = _parsed(spark, source, records)
    assert [winner for winner, _, _ in found] == ["model_a", "model_b", "tie", "tie (bothbad)", "model_a", *[None] * 4]
    told = "winner_model_a, winner_model_b, winner_tie, winner_bothbad are {}; exactly one must be 1, the others 0"
    wrong = ("1, 1, 0, 0", "0, 0, 0, 0", "1, 0, 0, null", "1, 0, 0, maybe")
    assert [reasons for _, _, reasons in found] == [[]] * 5 + [[told.format(values)] for values in wrong]


def test_a_mark_of_one_outcome_that_is_mapped_as_a_score_makes_no_tie_a_win(spark):
    sides = {"model_a": "x", "model_b": "y"}
    records = [
        {**sides, "score": score, name: mark}
        for score, name, mark in [
            (1, "winner_tie", 0),
            (0, "winner_tie", 1),
            (0, "isTie", True),
            (1, "draw", "1"),
            (0.5, "winner_tie", 1),
            (0, "necktie", 1),
        ]
    ]
    found = _parsed(spark, _source(columns={"score": "a_won"}), records)
    broken = [reasons[0].split(":")[0] if reasons else None for _, _, reasons in found]
    assert broken == [
        None,
        "score is 0.0, but winner_tie is 1",
        "score is 0.0, but isTie is 1",
        "score is 1.0, but draw is 1",
        None,
        None,
    ]
    assert found[4][:2] == ("tie", 0.5)


def test_nor_does_such_a_mark_that_is_mapped_as_a_winner(spark):
    marks = [("1", 0), ("0", 1), ("0", 0), ("2", 1)]
    records = [{"model_a": "x", "model_b": "y", "winner": mark, "winner_tie": tie} for mark, tie in marks]
    labels = {"1": "model_a", "0": "model_b", "2": "tie"}
    found = _parsed(spark, _source(columns={"winner": "won"}, winner_labels=labels), records)
    told = (
        "winner is 0, but winner_tie is 1: if it marks one outcome, map winner_model_a, winner_model_b and winner_tie "
        "instead"
    )
    assert [(winner, reasons) for winner, _, reasons in found] == [
        ("model_a", []),
        ("model_b", [told]),
        ("model_b", []),
        ("tie", []),
    ]


def test_a_score_beside_marks_may_be_missing(spark):
    source = _source(columns={"winner_model_a": "a", "winner_model_b": "b", "score": "p"})
    record = {"model_a": "x", "model_b": "y", "winner_model_a": 1, "winner_model_b": 0}
    found = _parsed(spark, source, [record, record | {"score": 0.75}])
    assert found == [("model_a", None, []), ("model_a", 0.75, [])]


def test_a_winner_can_be_the_name_of_a_model_and_a_tie_one_of_its_labels(spark):
    def found(source, *winners):
        records = [{"model_a": "x", "model_b": "y", "winner": winner} for winner in winners]
        return [(winner, reasons) for winner, _, reasons in _parsed(spark, source, records)]

    assert found(_source(winner_is="model"), "x", "y", "tie", "both_bad", "model_a", None) == [
        ("model_a", []),
        ("model_b", []),
        ("tie", []),
        ("tie (bothbad)", []),
        (
            None,
            [
                'winner ["model_a"] is unknown; known: the name of either model, both_bad, bothbad, tie, '
                "tie (both bad), tie (bothbad), tie (inconsistent)"
            ],
        ),
        (None, ["winner is missing"]),
    ]
    own = _source(winner_is="model", winner_labels={"draw": "tie"})
    assert found(own, "y", "draw", "tie") == [
        ("model_b", []),
        ("tie", []),
        (None, ['winner ["tie"] is unknown; known: the name of either model, draw']),
    ]


def test_battles_of_the_same_pair_and_score_are_counted_and_a_winner_stands_in_for_a_missing_score(spark):
    battles = [
        ("x", "y", "model_a", 0.75),
        ("y", "x", "model_b", 0.25),
        ("x", "y", "tie", None),
        ("y", "x", "model_a", None),
        ("x", "y", "model_b", 0.0),
    ]
    rows = []
    for number, (model_a, model_b, winner, score) in enumerate(battles):
        row = dict.fromkeys(BATTLES.column_names) | {"source": "s", "file": "f", "battle_id": f"b{number}"}
        row |= {"model_a": model_a, "model_b": model_b, "winner": winner, "score": score, "judge_kind": "human"}
        rows.append(tuple(row[name] for name in BATTLES.column_names))
    ratings = parse_config(
        {"storage": {"root": "x"}, "ratings": {"outcome": "score", "slices": ["all"]}},
    ).ratings
    frame = spark.createDataFrame(rows, BATTLES.ddl).withColumn("n", F.lit(1))
    votes = sorted(tuple(row) for row in count_votes(frame, ratings=ratings).collect())
    assert votes == [("s", "all", "x", "y", 0.0, 2), ("s", "all", "x", "y", 0.5, 1), ("s", "all", "x", "y", 0.75, 2)]

"""Ratings on a Likert scale in their three shapes, from files to battles, conversations and records."""

import json

import polars as pl
import pytest
from test_ingest import context_for, rows, run

from arenalake.entities.tables import BATTLES, CONVERSATIONS, LIKERT_RECORDS, QUARANTINE
from arenalake.judges import job as judge_agreement
from arenalake.judges.tables import GRADE_COUNTS, JUDGE_BIAS
from arenalake.ratings.options import BootstrapConfig
from arenalake.step import Context


def flat(number, rating, **changes):
    return {
        "question_id": f"q{number}",
        "category": "brainstorm",
        "prompt": "Name a fruit.",
        "prompt_variant": None,
        "model_a": "koala",
        "model_b": "human",
        "completion_a": "An apple.",
        "completion_b": "Pear",
        "rater": "ann",
        "rater_kind": "human",
        "rating": rating,
    } | changes


def task(number, aggregate, ratings, **changes):
    answers = {"prompt": f"Prompt {number}", "modela": "koala", "modelb": "dolly", "response1": "x", "response2": "y"}
    return {
        "task_id": f"t{number}",
        "status": "completed",
        "params": {"templateVariables": answers},
        "response": {
            "annotations": {"Preference": aggregate},
            "responses": [{"Preference": rating} for rating in ratings],
        },
    } | changes


def review(number, score):
    return {
        "review_id": f"r{number}",
        "question": f"Prompt {number}",
        "model1": "koala",
        "model2": "dolly",
        "answer1": "x",
        "answer2": "y",
        "score": score,
    }


def write(path, records):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return {"format": "likert", "path": str(path)}


def sums(result):
    return [line for line in result.lines if " records in " in line]


def reasons(lake, source):
    return sorted(
        reason for name, reasons in rows(lake, QUARANTINE, "source", "reasons") if name == source for reason in reasons
    )


def test_records_of_all_shapes_become_votes_and_what_is_off_the_scale_goes_to_quarantine(lake, tmp_path):
    records = [
        *[flat(n, n) for n in range(10)],
        flat(10, 2.5),
        flat(11, None),
        flat(12, 4, rater=None, rater_kind="model"),
        flat(12, 4, rater=None, rater_kind="model"),
        flat(13, None, score_a=7, score_b=9.5, rater="gpt-4", rater_kind="model", prompt_variant="fair"),
        flat(14, None, score_a=7, score_b=7),
        flat(15, 3, score_a=7, score_b=7),
        flat(16, None, score_a=7),
        flat(17, 1, rater_kind="cat"),
        flat(18, 1, model_b="koala"),
        task(1, "3", ["2", "5", "3"]),
        task(2, "NaN", ["1", "8"]),
        task(3, "4", ["4", ""]),
        task(4, "4", ["4", "12"]),
        task(5, "7", ["7"], status="canceled"),
        review(1, [1]),
        review(2, [5]),
        review(3, [0]),
        review(4, [8, 6]),
        review(5, []),
    ]
    ratings = write(tmp_path / "raw" / "ratings.jsonl", records)
    result = run(lake, raters=ratings, tasks=ratings | {"votes_of": "task", "middle": "win"})
    assert sums(result) == [
        "raters: 30 records in 1 new file = 17 kept + 13 quarantined + 0 duplicates",
        "tasks: 30 records in 1 new file = 18 kept + 12 quarantined + 0 duplicates",
    ]
    names = ("source", "question_id", "likert", "winner", "score", "judge", "judge_kind", "category", "battle_id")
    votes = rows(lake, BATTLES, *names)
    people = {
        source: [vote for vote in votes if vote[0] == source and vote[5] == "ann"] for source in ("raters", "tasks")
    }
    first, second = dict.fromkeys((1, 2, 3), "model_a"), dict.fromkeys((6, 7, 8), "model_b")
    outcomes = {source: {vote[2]: vote[3] for vote in some if vote[2]} for source, some in people.items()}
    assert outcomes["raters"] == first | {4: "tie", 5: "tie"} | second
    assert outcomes["tasks"] == first | {4: "model_a", 5: "model_b"} | second
    scores = {vote[2]: vote[4] for vote in people["raters"]}
    assert (scores[1], scores[8], scores[2]) == (1.0, 0.0, pytest.approx(6 / 7))
    assert {vote[6:8] for vote in people["raters"]} == {("human", "brainstorm")}
    others = sorted(vote[1:7] for vote in votes if vote[0] == "raters" and vote[1] in ("q12", "q13", "q14"))
    assert others == [
        ("q12", 4, "tie", pytest.approx(4 / 7), None, "model"),
        ("q12", 4, "tie", pytest.approx(4 / 7), None, "model"),
        ("q13", None, "model_b", 0.0, "gpt-4/fair/scores", "model"),
        ("q14", None, "tie", 0.5, "ann/scores", "human"),
    ]

    studied = {
        source: {vote[8]: (vote[2], vote[3], vote[6]) for vote in votes if vote[0] == source and vote[7] is None}
        for source in ("raters", "tasks")
    }
    reviews = {"r4": (None, "model_a", "model")}
    assert studied["raters"] == reviews | {
        "t1/0": (2, "model_a", "human"),
        "t1/1": (5, "tie", "human"),
        "t1/2": (3, "model_a", "human"),
        "t2/0": (1, "model_a", "human"),
        "t2/1": (8, "model_b", "human"),
        "r1": (1, "model_a", "model"),
        "r2": (5, "tie", "model"),
    }
    assert studied["tasks"] == reviews | {
        "t1": (3, "model_a", "human"),
        "t3": (4, "model_a", "human"),
        "t4": (4, "model_a", "human"),
        "r1": (1, "model_a", "model"),
        "r2": (5, "model_b", "model"),
    }
    # Scores of nobody in particular are a vote of nobody in particular.
    assert [vote[4:6] for vote in votes if vote[8] == "r4"] == [(1.0, None), (1.0, None)]
    # The same prompt is the same question for people and for models.
    questions = {vote[8]: vote[1] for vote in votes if vote[0] == "raters"}
    assert questions["t1/0"] == questions["r1"] != questions["r2"]

    off, nothing = "not a whole number from 1 to 8", "rating is missing, and there are no scores in its place"
    both = "the record has a rating and scores, so its vote is ambiguous"
    common = [
        *[f"rating is {rating}, {off}" for rating in ("0.0", "0.0", "9.0", "2.5")],
        *(nothing, nothing, both, "one score is missing", "rater_kind is cat; it must be human or model"),
        *("both sides are the same model, koala", "the task was canceled"),
    ]
    assert reasons(lake, "raters") == sorted([*common, "a rater gave no rating", f"a rating is 12.0, {off}"])
    assert reasons(lake, "tasks") == sorted([*common, nothing])

    kept = rows(lake, LIKERT_RECORDS, "source", "record_key", "rating", "score_a", "score_b", "ratings")
    by_key = {row[1]: row[2:] for row in kept if row[0] == "raters"}
    assert by_key["t1"] == (3, None, None, [2, 5, 3])
    assert by_key["t2"] == (None, None, None, [1, 8])
    assert by_key["r4"] == (None, 8.0, 6.0, None)
    talks = {row[0]: row[1:] for row in rows(lake, CONVERSATIONS, "conversation_id", "model", "messages")}
    assert talks["t1/a"] == ("koala", [("user", "Prompt 1"), ("assistant", "x")])
    assert talks["r1/b"] == ("dolly", [("user", "Prompt 1"), ("assistant", "y")])


def test_a_rater_who_contradicts_herself_has_all_of_her_votes_and_is_counted(lake, tmp_path):
    twice = flat(1, 2)
    records = [twice, flat(1, 7), twice, flat(1, None, score_a=3, score_b=4), flat(2, 2), flat(2, 2, rater="bob")]
    source = write(tmp_path / "raw" / "ratings.jsonl", records)
    assert sums(run(lake, s=source)) == [
        "s: 6 records in 1 new file = 5 kept + 0 quarantined + 1 duplicate",
    ]
    votes = rows(lake, BATTLES, "judge", "question_id", "likert", "winner", "score")
    assert votes == [
        ("ann", "q1", 2, "model_a", pytest.approx(6 / 7)),
        ("ann", "q1", 7, "model_b", pytest.approx(1 / 7)),
        ("ann", "q2", 2, "model_a", pytest.approx(6 / 7)),
        ("ann/scores", "q1", None, "model_b", 0.0),
        ("bob", "q2", 2, "model_a", pytest.approx(6 / 7)),
    ]

    config = context_for(lake, s=source).config.model_copy(update={"bootstrap": BootstrapConfig(rounds=2)})
    judge_agreement.run(Context(config, lake))
    bias = lake.load(JUDGE_BIAS).filter(pl.col("measure") == "contradicts")
    found = sorted(bias.select("level", "judge", "k", "n").rows())
    assert found == [("group", "human", 1, 1), ("judge", "ann", 1, 1)]
    grades = lake.load(GRADE_COUNTS).select("level", "judge", "side", "grade", "n").rows()
    assert sorted(grades, key=str) == [
        ("group", "human", "a", 3.0, 1),
        ("group", "human", "b", 4.0, 1),
        ("group", "human", None, 2.0, 3),
        ("group", "human", None, 7.0, 1),
    ]


def test_votes_of_a_rater_without_an_id_conflict_neither_in_lists_nor_under_the_names_of_reviews(lake, tmp_path):
    def reviewed(number, **changes):
        return {name: value for name, value in review(number, None).items() if name != "review_id"} | changes

    lists = [flat(1, None, score=score) for score in ([2], [7], [3, 9], [9, 3])]
    reviews = [reviewed(n, rater="bob", score=[n]) for n in (1, 2)]
    plain = [reviewed(n, rater="cyd", rating=5) for n in (1, 2, 2)]
    source = write(tmp_path / "raw" / "ratings.jsonl", [*lists, *reviews, *plain])
    assert sums(run(lake, s=source)) == ["s: 9 records in 1 new file = 8 kept + 0 quarantined + 1 duplicate"]
    votes = rows(lake, BATTLES, "judge", "likert", "winner")
    assert votes == [
        ("ann", 2, "model_a"),
        ("ann", 7, "model_b"),
        ("ann/scores", None, "model_a"),
        ("ann/scores", None, "model_b"),
        ("bob", 1, "model_a"),
        ("bob", 2, "model_a"),
        ("cyd", 5, "tie"),
        ("cyd", 5, "tie"),
    ]

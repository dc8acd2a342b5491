"""Ratings on a Likert scale in their three shapes, from files to battles, conversations and records."""

import json

import pytest
from test_ingest import rows, run

from arenalake.entities.tables import BATTLES, CONVERSATIONS, LIKERT_RECORDS, QUARANTINE

CHOICE = ("battle_id", "winner", "likert", "judge", "judge_kind", "category")


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
    raw = tmp_path / "raw"
    ratings = write(raw / "flat.jsonl", [flat(n, n) for n in range(10)] + [flat(10, 2.5), flat(11, None)])
    others = [
        flat(1, 4, rater=None, rater_kind="model"),
        flat(1, 4, rater=None, rater_kind="model"),
        flat(2, None, score_a=7, score_b=9.5, rater="gpt-4", rater_kind="model", prompt_variant="scores"),
        flat(3, None, score_a=7, score_b=7),
        flat(4, 3, score_a=7, score_b=7),
        flat(5, None, score_a=7),
        flat(6, 1, rater_kind="cat"),
        flat(7, 1, model_b="koala"),
    ]
    tasks = [
        task(1, "3", ["2", "5", "3"]),
        task(2, "NaN", ["1", "8"]),
        task(3, "4", ["4", ""]),
        task(4, "4", ["4", "12"]),
        task(5, "7", ["7"], status="canceled"),
    ]
    reviews = [review(1, [1]), review(2, [5]), review(3, [0]), review(4, [8, 6]), review(5, [])]
    result = run(
        lake,
        flat=ratings,
        wins=ratings | {"middle": "win"},
        others=write(raw / "others.jsonl", others),
        tasks=write(raw / "tasks.jsonl", tasks),
        summed=write(raw / "tasks.jsonl", tasks) | {"votes_of": "task"},
        reviews=write(raw / "reviews.jsonl", reviews),
    )
    assert sums(result) == [
        "flat: 12 records in 1 new file(s) = 8 kept + 4 quarantined + 0 duplicates",
        "wins: 12 records in 1 new file(s) = 8 kept + 4 quarantined + 0 duplicates",
        "others: 8 records in 1 new file(s) = 4 kept + 4 quarantined + 0 duplicates",
        "tasks: 5 records in 1 new file(s) = 2 kept + 3 quarantined + 0 duplicates",
        "summed: 5 records in 1 new file(s) = 3 kept + 2 quarantined + 0 duplicates",
        "reviews: 5 records in 1 new file(s) = 3 kept + 2 quarantined + 0 duplicates",
    ]
    votes = rows(lake, BATTLES, "source", "question_id", "likert", "winner", "score", "judge", "judge_kind")

    def outcomes(source):
        return {vote[2]: vote[3] for vote in votes if vote[0] == source}

    first, second = dict.fromkeys((1, 2, 3), "model_a"), dict.fromkeys((6, 7, 8), "model_b")
    assert outcomes("flat") == first | {4: "tie", 5: "tie"} | second
    assert outcomes("wins") == first | {4: "model_a", 5: "model_b"} | second
    scores = {vote[2]: vote[4] for vote in votes if vote[0] == "flat"}
    assert (scores[1], scores[8], scores[2]) == (1.0, 0.0, pytest.approx(6 / 7))
    assert {vote[5:] for vote in votes if vote[0] == "flat"} == {("ann", "human")}
    assert sorted(vote[1:] for vote in votes if vote[0] == "others") == [
        ("q1", 4, "tie", 4 / 7, None, "model"),
        ("q1", 4, "tie", 4 / 7, None, "model"),
        ("q2", None, "model_b", None, "gpt-4/scores", "model"),
        ("q3", None, "tie", None, "ann", "human"),
    ]
    off = "no whole number from 1 to 8"
    nothing = "rating is missing, and there are no two scores"
    both = "there are a rating and scores, and nobody can tell which is the vote"
    told = {
        "flat": [f"rating is 0.0, {off}", f"rating is 2.5, {off}", f"rating is 9.0, {off}", nothing],
        "others": [
            "both sides are the same model, koala",
            "one score is missing",
            "rater_kind is cat; it must be human or model",
            both,
        ],
        "tasks": ["a rater gave no rating", f"a rating is 12.0, {off}", "the task was canceled"],
        "summed": [nothing, "the task was canceled"],
        "reviews": [f"rating is 0.0, {off}", nothing],
    }
    assert {source: reasons(lake, source) for source in told} == told

    by_rater = rows(lake, BATTLES, "source", *CHOICE)
    assert [row[1:5] for row in by_rater if row[0] == "tasks"] == [
        ("t1/0", "model_a", 2, None),
        ("t1/1", "tie", 5, None),
        ("t1/2", "model_a", 3, None),
        ("t2/0", "model_a", 1, None),
        ("t2/1", "model_b", 8, None),
    ]
    assert [row[1:4] for row in by_rater if row[0] == "summed"] == [
        ("t1", "model_a", 3),
        ("t3", "tie", 4),
        ("t4", "tie", 4),
    ]
    assert [row[1:6] for row in by_rater if row[0] == "reviews"] == [
        ("r1", "model_a", 1, None, "model"),
        ("r2", "tie", 5, None, "model"),
        ("r4", "model_a", None, None, "model"),
    ]
    records = rows(lake, LIKERT_RECORDS, "source", "record_key", "rating", "score_a", "score_b", "ratings")
    assert [row[1:] for row in records if row[0] == "tasks"] == [
        ("t1", 3, None, None, [2, 5, 3]),
        ("t2", None, None, None, [1, 8]),
    ]
    assert [row[1:5] for row in records if row[0] == "reviews"][-1] == ("r4", None, 8.0, 6.0)
    talks = {row[0]: row[1:] for row in rows(lake, CONVERSATIONS, "conversation_id", "model", "messages", "source")}
    assert (
        talks["t1/a"] == ("koala", [("user", "Prompt 1"), ("assistant", "x")], "tasks") or talks["t1/a"][2] == "summed"
    )
    # The same prompt is the same question for people and for models.
    questions = {row[0]: {r[1] for r in votes if r[0] == row[0]} for row in votes}
    assert len(questions["tasks"] & questions["reviews"]) == 2

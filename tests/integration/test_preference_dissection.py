"""The preference dissection as published: what a record becomes, and which rules it can break."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import broken, kept, parse
from test_ingest import rows, run, write_lines

from arenalake.entities.properties import BASIC, column_of
from arenalake.entities.tables import BATTLES, CONVERSATIONS, PREFERENCE_PAIRS
from preference_records import error, record, specific, with_all_cases


def read(lake, folder):
    return parse(lake, folder, format="preference_dissection")


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def test_a_record_becomes_a_pair_a_battle_per_judge_and_two_conversations_in_every_kind_of_file(lake, raw):
    one = record()
    write_lines(raw / "lines.jsonl", [one])
    (raw / "array.json").write_text(json.dumps([record(2), with_all_cases(3)], indent=1))
    pq.write_table(pa.Table.from_pylist([record(4)]), raw / "table.parquet")
    result = run(lake, gair={"format": "preference_dissection", "path": str(raw)})
    assert not result.errors

    assert result.lines[0] == "gair: 4 records in 3 new files = 4 kept + 0 quarantined + 0 duplicates"
    pairs = {row["file"]: row for row in lake.read(PREFERENCE_PAIRS).orderBy("pair_id").collect()}
    for file in ("lines.jsonl", "table.parquet"):
        pair = pairs[file]
        assert (pair["scenario_group"], pair["model_a"], pair["model_b"]) == ("Creative Writing", "alpha", "beta")
        assert (pair["w_constraints"], pair["intent_unclear"], pair["w_mistakes"]) == (True, False, False)
        assert pair["constraints"] == ["lines | please"]
        assert [tuple(label) for label in pair["labels"]] == [
            ("gpt-4-turbo", "model_b"),
            ("human", "model_a"),
            ("vicuna-7b-v1.5", "model_a"),
        ]
        a, b = pair["properties_a"].asDict(), pair["properties_b"].asDict()
        assert (a["polite"], b["polite"], a["lengthy"], b["lengthy"]) == (3.0, 1.0, 120.0, 40.0)
        assert (a["no_severe_errors"], a["no_moderate_errors"], a["no_minor_errors"]) == (1.0, 0.0, 1.0)
        # Not applicable is no zero.
        assert (b["no_severe_errors"], pair["errors_b"]) == (None, None)
        assert (a["satisfy_constraints"], b["satisfy_constraints"], a["clarify_intent"]) == (3.0, 0.0, None)
        assert {tuple(e) for e in pair["errors_a"]} == {
            ("factual error", "severe", "wrong"),
            ("factual error", "minor", "wrong"),
        }
    battles = rows(lake, BATTLES, "judge", "judge_kind", "winner", "category")
    assert len(battles) == 12
    assert len(rows(lake, CONVERSATIONS, "conversation_id")) == 8
    assert ("human", "human", "model_a", "Creative Writing") in battles
    assert ("gpt-4-turbo", "model", "model_b", "Creative Writing") in battles


def test_what_a_query_asks_for_is_a_mean_over_its_items(lake, raw):
    write_lines(raw / "lines.jsonl", [with_all_cases()])
    [(a, b)] = kept(read(lake, raw), PREFERENCE_PAIRS, "properties_a", "properties_b")
    names = ("clarify_intent", "show_empathetic", "satisfy_constraints", "support_stances", "correct_mistakes")
    assert [a[name] for name in names] == [2.0, 1.0, 2.5, 1.0, 3.0]
    assert [b[name] for name in names] == [0.0, 3.0, 1.0, -1.5, 0.0]


CONSTRAINT = {"satisfying explicit constraints": ["lines | please | 2"]}
BROKEN = {
    "basic_response_1: polite is 4, not a whole number from 0 to 3": {
        "basic_response_1": {**dict.fromkeys(BASIC, 0), "polite": 4}
    },
    "basic_response_1: polite is 1.5, not a whole number from 0 to 3": {
        "basic_response_1": {**dict.fromkeys(BASIC, 0), "polite": 1.5}
    },
    "basic_response_2: friendly is missing": {"basic_response_2": {k: 0 for k in BASIC if k != "friendly"}},
    'errors_response_1: the type of an error is ["typo"]': {
        "errors_response_1": {"applicable or not": "applicable", "errors": [error(type="typo")]}
    },
    'errors_response_2: the severity of an error is ["huge"]': {
        "errors_response_2": {"applicable or not": "applicable", "errors": [error(severity="huge")]}
    },
    'errors_response_2.applicable or not is ["maybe"]': {
        "errors_response_2": {"applicable or not": "maybe", "errors": []}
    },
    "errors_response_1.errors is missing": {"errors_response_1": {"applicable or not": "applicable"}},
    'preference_labels: vicuna-7b-v1.5 prefers ["tie"], not response_1 or response_2': {
        "preference_labels": {"human": "response_1", "vicuna-7b-v1.5": "tie"}
    },
    "preference_labels is missing": {"preference_labels": None},
    "clear intent is missing": {"clear intent": None},
    'explicitly express feelings is ["Perhaps"], not Yes or No': {"explicitly express feelings": "Perhaps"},
    "explicit constraints is missing": {"explicit constraints": None},
    "explicit mistakes or biases is not a list of texts": {"explicit mistakes or biases": "none"},
    'query-specific_response_1: satisfying explicit constraints is ["5"]': {
        "query-specific_response_1": specific(**{"satisfying explicit constraints": ["lines | 5"]})
    },
    'query-specific_response_2: supporting explicit subjective stances is ["kind of"]': {
        "explicit subjective stances": ["cats"],
        "query-specific_response_1": specific(
            **CONSTRAINT, **{"supporting explicit subjective stances": ["cats | Neutral"]}
        ),
        "query-specific_response_2": specific(
            **CONSTRAINT, **{"supporting explicit subjective stances": ["cats | Kind of"]}
        ),
    },
    'query-specific_response_2: correcting explicit mistakes or biases is ["fixed"]': {
        "explicit mistakes or biases": ["x"],
        "query-specific_response_1": specific(
            **CONSTRAINT, **{"correcting explicit mistakes or biases": ["x | pointed out and corrected"]}
        ),
        "query-specific_response_2": specific(
            **CONSTRAINT, **{"correcting explicit mistakes or biases": ["x | fixed"]}
        ),
    },
    "query-specific_response_1: clarify user intent is graded, but the intent is clear": {
        "query-specific_response_1": specific(**CONSTRAINT, **{"clarify user intent": 2})
    },
    "query-specific: satisfying explicit constraints has 0 grades in response_1 and 1 in response_2": {
        "query-specific_response_1": specific()
    },
    "query-specific: clarify user intent has 1 grades in response_1 and 0 in response_2": {
        "clear intent": "No",
        "query-specific_response_1": specific(**CONSTRAINT, **{"clarify user intent": 2}),
    },
    "both sides are the same model, alpha": {"response_2": {"content": "two", "model": "alpha", "num_words": 40}},
    "response_1.content is missing": {"response_1": {"model": "alpha", "num_words": 1}},
    'response_1.num_words is ["-3"], not a number of words': {
        "response_1": {"content": "x", "model": "alpha", "num_words": -3}
    },
    "response_1 is not an object": {"response_1": "a text"},
    "scenario_group is missing": {"scenario_group": ""},
}


def test_every_rule_that_is_broken_is_a_reason_of_its_own(lake, raw):
    records = [record(100 + i, **changes) for i, changes in enumerate(BROKEN.values())]
    twice = record(99, **{"clear intent": None, "preference_labels": {"human": "both"}})
    write_lines(raw / "lines.jsonl", [*records, twice, record(1)])
    records = read(lake, raw)

    assert len(kept(records, PREFERENCE_PAIRS, "pair_id")) == 1
    # By the query, of which only one record has none of its own number.
    found = {json.loads(text)["query"]: reasons for text, reasons in broken(records, "record", "reasons")}
    assert len(found) == len(BROKEN) + 1
    for i, reason in enumerate(BROKEN):
        reasons = found[f"Write {100 + i} lines | please"]
        assert any(one.startswith(reason) for one in reasons), (reason, reasons)
        assert len(reasons) == 1, reasons
    assert sorted(found["Write 99 lines | please"]) == [
        "clear intent is missing",
        'preference_labels: human prefers ["both"], not response_1 or response_2',
    ]


def test_grades_that_both_responses_lack_are_null_and_means_are_over_graded_items(lake, raw):
    without = {f"query-specific_{response}": specific() for response in ("response_1", "response_2")}
    fewer = {f"query-specific_{response}": specific(**CONSTRAINT) for response in ("response_1", "response_2")}
    one_more = {"explicit constraints": ["lines | please", "rhymed"]}
    write_lines(raw / "a.jsonl", [record(1, **without), record(2, **fewer, **one_more)])

    pairs = kept(read(lake, raw), PREFERENCE_PAIRS, "constraints", "w_constraints", "properties_a", "properties_b")
    assert len(pairs) == 2
    found = {len(constraints): pair for constraints, *pair in pairs}
    assert found[1][0]
    assert [properties["satisfy_constraints"] for properties in found[1][1:]] == [None, None]
    assert [properties["satisfy_constraints"] for properties in found[2][1:]] == [2.0, 2.0]


def test_grades_as_text_and_the_key_repetitive_mean_the_same(lake, raw):
    others = {key: "1" for key in BASIC if key != "non-repetitive"}
    write_lines(raw / "a.jsonl", [record(basic_response_1={**others, "polite": "3", "repetitive": 2.0})])

    [(properties,)] = kept(read(lake, raw), PREFERENCE_PAIRS, "properties_a")
    assert {properties[column_of(name)] for name in BASIC.values()} == {1.0, 3.0}
    assert properties["non_repetitive"] == 1.0

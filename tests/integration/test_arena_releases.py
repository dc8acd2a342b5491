"""The arena releases in their published forms, from files to battles and conversations, without any mapping."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
from reading import broken, kept, parse
from test_ingest import rows, run, talk

from arenalake.entities.tables import BATTLES, CONVERSATIONS, QUARANTINE
from arenalake.sources.tags import CRITERIA

NO_TEXTS = [
    "prompt is not a JSON list of texts",
    "conversation_a has no messages",
    "conversation_b has no messages",
]
NANOSECONDS = 1748530121602925123
MICROSECONDS = 1748530121602925


def sums(result):
    """The line of each source that says what became of its records."""
    return [line for line in result.lines if " records in " in line]


def write_csv(path, records):
    """As pandas writes it: quotes are doubled, nulls are empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


def write_json(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def vote_55k(number, marks=(1, 0, 0), **changes):
    names = ("winner_model_a", "winner_model_b", "winner_tie")
    return {
        "id": number,
        "model_a": "alpha",
        "model_b": "beta",
        "prompt": json.dumps(['Say "hi"', "Again\\,\nplease"]),
        "response_a": json.dumps(["hi", "hi, again"]),
        "response_b": json.dumps(["hello", None]),
        **dict(zip(names, marks, strict=True)),
        **changes,
    }


def test_the_55k_has_outcomes_in_columns_and_texts_in_json_lists(lake, tmp_path):
    records = [
        vote_55k(30192, prompt=json.dumps(["Café ☕"]), response_a='["a"]', response_b="[null]"),
        vote_55k(53567, (0, 1, 0)),
        vote_55k(65089, (0, 0, 1)),
        vote_55k(1, (1, 0, 1)),
        vote_55k(2, response_b=json.dumps(["only one"])),
        vote_55k(3, prompt="Say hi"),
        vote_55k(4, prompt='["\\ud83d"]', response_a='["a"]', response_b='["b"]'),
        vote_55k(5, prompt="[5]", response_a='["a"]', response_b='["b"]'),
    ]
    write_csv(tmp_path / "train.csv", records)
    result = run(lake, arena={"format": "arena_55k", "path": str(tmp_path / "train.csv")})
    assert sums(result) == ["arena: 8 records in 1 new file = 3 kept + 5 quarantined + 0 duplicates"]
    assert rows(lake, BATTLES, "battle_id", "winner", "turn", "sequence", "judge_kind", "tstamp") == [
        ("30192", "model_a", 1, 0, "human", None),
        ("53567", "model_b", 2, 1, "human", None),
        ("65089", "tie", 2, 2, "human", None),
    ]
    found = {row[0]: row[1:] for row in rows(lake, CONVERSATIONS, "conversation_id", "model", "messages")}
    assert found["30192/a"] == ("alpha", [("user", "Café ☕"), ("assistant", "a")])
    # A model that gave no answer gave an empty one.
    assert found["30192/b"] == ("beta", [("user", "Café ☕"), ("assistant", "")])
    said = [("user", 'Say "hi"'), ("assistant", "hello"), ("user", "Again\\,\nplease"), ("assistant", "")]
    assert found["53567/b"] == ("beta", said)
    broken = dict(rows(lake, QUARANTINE, "record_key", "reasons"))
    assert broken == {
        "1": ["winner_model_a, winner_model_b, winner_tie are 1, 0, 1; exactly one must be 1, the others 0"],
        "2": ["response_b has 1 texts for 2 prompts"],
        **dict.fromkeys(("4", "5"), NO_TEXTS),
        "3": NO_TEXTS,
    }


def test_any_file_with_outcomes_in_columns_is_read_by_a_mapping_and_one_of_them_is_no_score(lake, tmp_path):
    records = [vote_55k(n, marks) for n, marks in enumerate([(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1), (0, 0, 0)])]
    write_csv(tmp_path / "numbers.csv", records)
    marks = ("winner_model_a", "winner_model_b", "winner_tie")
    as_truth = [record | {name: bool(record[name]) for name in marks} for record in records]
    pq.write_table(pa.Table.from_pylist(as_truth), tmp_path / "truth.parquet")
    write_json(tmp_path / "truth.jsonl", as_truth)
    values = {"numbers.csv": "0, 0, 0", "truth.jsonl": "false, false, false", "truth.parquet": "false, false, false"}
    found = parse(lake, tmp_path, columns={"battle_id": "id", **{name: name for name in marks}})
    winners = {"0": "model_a", "1": "model_b", "2": "tie", "3": "tie"}
    assert kept(found, BATTLES, "file", "battle_id", "winner") == [
        (file, *battle) for file in values for battle in winners.items()
    ]
    assert broken(found, "file", "reasons") == [
        (file, [f"{', '.join(marks)} are {told}; exactly one must be 1, the others 0"]) for file, told in values.items()
    ]
    scored = parse(lake, tmp_path / "numbers.csv", columns={"battle_id": "id", "score": "winner_model_a"})
    assert kept(scored, BATTLES, "battle_id") == [("0",), ("1",), ("4",)]
    assert [reasons[0].partition(": ")[0] for (reasons,) in broken(scored, "reasons")] == [
        "score is 0.0, but winner_tie is 1"
    ] * 2
    assert all("if it marks one outcome, map" in reasons[0] for (reasons,) in broken(scored, "reasons"))


def category_tag(*criteria, creative=False, instructions=False, math=False):
    return {
        "creative_writing_v0.1": {"creative_writing": creative, "score": "yes" if creative else "no"},
        "criteria_v0.1": {name: name in criteria for name in CRITERIA},
        "if_v0.1": {"if": instructions, "score": 4.0 if instructions else 1.0},
        "math_v0.1": {"math": math},
    }


def vote_100k(number, **changes):
    return {
        "question_id": f"q{number}",
        "model_a": "alpha",
        "model_b": "beta",
        "winner": "model_a",
        "conversation_a": talk("Hello", "Hi from alpha"),
        "conversation_b": talk("Hello", "Hi from beta"),
        "turn": 1,
        "anony": True,
        "language": "English",
        "tstamp": 1718930456.1234,
        "conv_metadata": {"sum_user_tokens": 1, "bold_count_a": {"**": 0, "__": 0}},
        "is_code": False,
        "is_refusal": False,
        "dedup_tag": {"high_freq": False, "sampled": True},
        "category_tag": category_tag(),
        "judge_hash": "cf1f4d1a",
        **changes,
    }


def test_the_100k_has_categories_and_means_the_same_in_parquet_and_json_lines(lake, tmp_path):
    def records(kind):
        return [
            vote_100k(f"1{kind}", category_tag=category_tag(*CRITERIA[:6], math=True), is_code=True),
            vote_100k(f"2{kind}", winner="tie (bothbad)", category_tag=category_tag(creative=True, instructions=True)),
            vote_100k(f"3{kind}", winner="tie", language="zh", category_tag=None),
            vote_100k(f"4{kind}", winner="draw"),
        ]

    kinds = ("parquet", "json")
    pq.write_table(pa.Table.from_pylist(records("parquet")), tmp_path / "1.parquet")
    write_json(tmp_path / "1.jsonl", records("json"))
    result = run(lake, arena={"format": "arena_100k", "path": str(tmp_path)})
    assert sums(result) == ["arena: 8 records in 2 new files = 6 kept + 2 quarantined + 0 duplicates"]
    columns = ("battle_id", "winner", "judge", "turn", "anony", "language", "sequence", "category_tags")
    time = 1718930456123400
    criteria = [f"criteria.{name}" for name in CRITERIA[:6]]
    expected = {
        "q1": ("model_a", "cf1f4d1a", 1, True, "English", time, ["code", *criteria, "hard_prompt", "math"]),
        "q2": ("tie (bothbad)", "cf1f4d1a", 1, True, "English", time, ["creative_writing", "if"]),
        "q3": ("tie", "cf1f4d1a", 1, True, "Chinese", time, []),
    }
    found = {battle_id: tuple(row) for battle_id, *row in rows(lake, BATTLES, *columns)}
    assert found == {f"{key}{kind}": row for kind in kinds for key, row in expected.items()}
    conversations = rows(lake, CONVERSATIONS, "conversation_id", "language", "messages")
    assert len(conversations) == 12
    assert ("q3json/b", "Chinese", [("user", "Hello"), ("assistant", "Hi from beta")]) in conversations
    for (reasons,) in rows(lake, QUARANTINE, "reasons"):
        assert reasons[0].startswith('winner ["draw"] is unknown; known: both_bad')


def parts(*texts):
    return [{"type": "text", "text": text, "image": None, "mimeType": None} for text in texts]


def talk_in_parts(*contents):
    return [{"role": m["role"], "content": parts(*m["content"])} for m in talk(*contents)]


def vote_140k(number, **changes):
    asked = ["Compare", "these two"]
    return {
        "id": f"c4b9710c-{number}",
        "model_a": "alpha",
        "model_b": "beta",
        "winner": "model_b",
        "evaluation_session_id": "a333a685",
        "evaluation_order": 2,
        "conversation_a": talk_in_parts(asked, ["Yes"], ["And now?"], ["No"]),
        "conversation_b": talk_in_parts(asked, ["No"], ["And now?"], ["Yes"]),
        "full_conversation": [
            {"user": talk_in_parts(["Before"])[0], "model_side_a": None, "model_side_b": talk_in_parts("", ["x"])[1]}
        ],
        "conv_metadata": {"sum_assistant_a_tokens": 2, "turns": 2},
        "category_tag": category_tag("complexity"),
        "language": "pl",
        "is_code": True,
        "timestamp": NANOSECONDS,
        **changes,
    }


def test_the_140k_has_texts_in_parts_and_times_in_nanoseconds(lake, tmp_path):
    def records(kind):
        return [
            vote_140k(f"1{kind}"),
            vote_140k(f"2{kind}", winner="both_bad", language="<err>"),
            vote_140k(f"3{kind}", winner="neither"),
        ]

    kinds = ("json", "parquet")
    table = pa.Table.from_pylist(records("parquet"))
    times = pa.array([NANOSECONDS] * 3, pa.timestamp("ns"))
    table = table.set_column(table.column_names.index("timestamp"), "timestamp", times)
    pq.write_table(table, tmp_path / "1.parquet")
    write_json(
        tmp_path / "1.jsonl", [record | {"timestamp": "2025-05-29T14:48:41.602925"} for record in records("json")]
    )
    result = run(lake, arena={"format": "arena_140k", "path": str(tmp_path)})
    assert sums(result) == ["arena: 6 records in 2 new files = 4 kept + 2 quarantined + 0 duplicates"]
    tags = ["code", "criteria.complexity"]
    columns = ("battle_id", "winner", "winner_label", "judge", "turn", "language", "sequence", "category_tags")
    expected = {
        "1": ("model_b", None, None, 2, "Polish", MICROSECONDS, tags),
        "2": ("tie (bothbad)", None, None, 2, "<err>", MICROSECONDS, tags),
    }
    assert rows(lake, BATTLES, *columns) == [
        (f"c4b9710c-{number}{kind}", *row) for number, row in expected.items() for kind in kinds
    ]
    conversations = dict(rows(lake, CONVERSATIONS, "conversation_id", "messages"))
    for kind in kinds:
        assert conversations[f"c4b9710c-1{kind}/a"] == [
            ("user", "Compare\nthese two"),
            ("assistant", "Yes"),
            ("user", "And now?"),
            ("assistant", "No"),
        ]
    assert {tuple(reasons) for (reasons,) in rows(lake, QUARANTINE, "reasons")} == {
        (
            'winner ["neither"] is unknown; known: both_bad, bothbad, model_a, model_b, tie, tie (both bad), '
            "tie (bothbad), tie (inconsistent)",
        )
    }


def vote_expert(number, **changes):
    record = vote_140k(number, occupational_tags={"mathematical": True, "travel": False}, **changes)
    unpublished = ("evaluation_session_id", "conv_metadata", "category_tag", "is_code", "timestamp")
    return {name: value for name, value in record.items() if name not in unpublished}


def test_the_votes_of_experts_have_conversations_that_were_printed(lake, tmp_path):
    records = [vote_expert(1), vote_expert(2, winner="both_bad"), vote_expert(3)]
    nested = pa.Table.from_pylist(records).to_pandas()
    for name in ("conversation_a", "conversation_b", "full_conversation"):
        nested[name] = nested[name].map(str)
    nested.loc[2, "conversation_b"] = "Hello"
    nested.to_parquet(tmp_path / "1.parquet")
    result = run(lake, expert={"format": "arena_expert", "path": str(tmp_path)})
    assert sums(result) == ["expert: 3 records in 1 new file = 2 kept + 1 quarantined + 0 duplicates"]
    columns = ("battle_id", "winner", "turn", "language", "sequence", "tstamp", "category_tags")
    assert rows(lake, BATTLES, *columns) == [
        ("c4b9710c-1", "model_b", 2, "Polish", 0, None, ["occupation.mathematical"]),
        ("c4b9710c-2", "tie (bothbad)", 2, "Polish", 1, None, ["occupation.mathematical"]),
    ]
    conversations = dict(rows(lake, CONVERSATIONS, "conversation_id", "messages"))
    assert len(conversations) == 4
    assert conversations["c4b9710c-2/b"] == [
        ("user", "Compare\nthese two"),
        ("assistant", "No"),
        ("user", "And now?"),
        ("assistant", "Yes"),
    ]
    assert rows(lake, QUARANTINE, "record_key", "reasons") == [
        (
            "c4b9710c-3",
            [
                "conversation_b cannot be read: it is not a list of messages as Python prints it",
                "conversation_b has no messages",
            ],
        )
    ]

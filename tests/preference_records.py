"""Records of the preference dissection, as published, small enough to check by hand."""

from arenalake.entities.properties import BASIC, column_of


def record(number=1, **changes):
    """A pair whose query has one constraint and nothing else that a property would ask for."""
    return {
        "query": f"Write {number} lines | please",
        "scenario_auto-j": "writing_song_lyrics",
        "scenario_group": "Creative Writing",
        "response_1": {"content": "one", "model": "alpha", "num_words": 120},
        "response_2": {"content": "two", "model": "beta", "num_words": 40},
        "gpt-4-turbo_reference": "three",
        "clear intent": "Yes",
        "explicitly express feelings": "No",
        "explicit constraints": ["lines | please"],
        "explicit subjective stances": [],
        "explicit mistakes or biases": [],
        "preference_labels": {
            "human": "response_1",
            "gpt-4-turbo": "response_2",
            "vicuna-7b-v1.5": "response_1",
            "yi-6b": None,
        },
        "basic_response_1": {**dict.fromkeys(BASIC, 1), "polite": 3},
        "basic_response_2": dict.fromkeys(BASIC, 1),
        "errors_response_1": {"applicable or not": "applicable", "errors": [error(), error(severity="minor")]},
        "errors_response_2": {"applicable or not": "not applicable", "errors": []},
        "query-specific_response_1": specific(**{"satisfying explicit constraints": ["lines | please | 3"]}),
        "query-specific_response_2": specific(**{"satisfying explicit constraints": ["lines | please | 0"]}),
        **changes,
    }


def error(**changes):
    return {"brief description": "wrong", "severity": "severe", "type": "factual error", **changes}


def specific(**changes):
    return {
        "clarify user intent": None,
        "correcting explicit mistakes or biases": None,
        "satisfying explicit constraints": [],
        "showing empathetic": None,
        "supporting explicit subjective stances": [],
        **changes,
    }


def with_all_cases(number=2, **changes):
    """A pair whose query is of every case, with what is asked for in each."""
    return record(
        number,
        **{
            "clear intent": "No",
            "explicitly express feelings": "Yes",
            "explicit constraints": ["short", "rhymed"],
            "explicit subjective stances": ["cats are best", "dogs are loud"],
            "explicit mistakes or biases": ["2 + 2 = 5"],
            "query-specific_response_1": {
                "clarify user intent": 2,
                "showing empathetic": ["sad | 1"],
                "satisfying explicit constraints": ["short | 3", "rhymed | 2"],
                "supporting explicit subjective stances": [
                    "cats are best | Strongly supported",
                    "dogs are loud | Neutral",
                ],
                "correcting explicit mistakes or biases": ["2 + 2 = 5 | Pointed out and corrected"],
            },
            "query-specific_response_2": {
                "clarify user intent": "0",
                "showing empathetic": 3,
                "satisfying explicit constraints": ["short | 1", "rhymed | 1"],
                "supporting explicit subjective stances": [
                    "cats are best | Weakly opposed",
                    "dogs are loud | Strongly opposed",
                ],
                "correcting explicit mistakes or biases": ["2 + 2 = 5 | Neither pointed out nor corrected"],
            },
            **changes,
        },
    )


STANCES = {"strongly supported": 2, "weakly supported": 1, "neutral": 0, "weakly opposed": -1, "strongly opposed": -2}
MISTAKES = {
    "pointed out and corrected": 3,
    "corrected without being pointed out": 2,
    "pointed out but not corrected": 1,
    "neither pointed out nor corrected": 0,
}
GRADES = {str(grade): grade for grade in range(4)}


def pair_of(record, pair_id):
    """What `preference_pairs` has of a record, without Spark and by none of the library's code."""
    asked = {
        "intent_unclear": record["clear intent"] == "No",
        "express_feeling": record["explicitly express feelings"] == "Yes",
        "w_constraints": bool(record["explicit constraints"]),
        "w_stances": bool(record["explicit subjective stances"]),
        "w_mistakes": bool(record["explicit mistakes or biases"]),
    }
    winners = {"response_1": "model_a", "response_2": "model_b"}
    labels = [{"judge": j, "winner": winners[r]} for j, r in sorted(record["preference_labels"].items()) if r]
    pair = {
        "source": "gair",
        "file": "f",
        "record_key": pair_id,
        "pair_id": pair_id,
        "scenario_group": record["scenario_group"],
        **asked,
        "labels": labels,
    }
    for side, response in (("a", "response_1"), ("b", "response_2")):
        pair[f"model_{side}"] = record[response]["model"]
        pair[f"properties_{side}"] = properties_of(record, response)
        check = record[f"errors_{response}"]
        found = [
            {k: e[k] for k in ("type", "severity")} | {"description": e["brief description"]} for e in check["errors"]
        ]
        pair[f"errors_{side}"] = found if check["applicable or not"] == "applicable" else None
    return pair


def properties_of(record, response):
    values = {column_of(name): float(record[f"basic_{response}"][key]) for key, name in BASIC.items()}
    check = record[f"errors_{response}"]
    for severity in ("minor", "moderate", "severe"):
        n = sum(e["severity"] == severity for e in check["errors"])
        values[f"no_{severity}_errors"] = float(n) if check["applicable or not"] == "applicable" else None
    graded = record[f"query-specific_{response}"]
    for name, key, scores in (
        ("clarify_intent", "clarify user intent", GRADES),
        ("show_empathetic", "showing empathetic", GRADES),
        ("satisfy_constraints", "satisfying explicit constraints", GRADES),
        ("support_stances", "supporting explicit subjective stances", STANCES),
        ("correct_mistakes", "correcting explicit mistakes or biases", MISTAKES),
    ):
        items = graded[key] if isinstance(graded[key], list) else [] if graded[key] is None else [str(graded[key])]
        numbers = [scores[item.split("|")[-1].strip().lower()] for item in items]
        values[name] = sum(numbers) / len(numbers) if numbers else None
    values["lengthy"] = float(record[response]["num_words"])
    return values

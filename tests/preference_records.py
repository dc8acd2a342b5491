"""Records of the preference dissection, as published, small enough to check by hand."""

from arenalake.entities.properties import BASIC


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

"""Annotated pairs in the published form of the preference dissection, chosen between by judges with known weights.

The weights come from the prior of the fits, so the intervals of the fits hold them in 95 of 100 cases.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from scipy.special import expit

from arenalake.entities.properties import (
    BASIC,
    CASES,
    CLARIFY,
    CONSTRAINTS,
    EMPATHETIC,
    ERROR_TYPES,
    MISTAKE_SCORES,
    MISTAKES,
    PROPERTIES,
    QUERY_SPECIFIC,
    SEVERITIES,
    STANCE_SCORES,
    STANCES,
    column_of,
)
from arenalake.preferences.features import signs_of
from arenalake.samples.draws import Floats, Stream, philox
from arenalake.samples.models import arena_models

JUDGES = (
    *("human", "gpt-3.5-turbo-1106", "gpt-4-1106-preview"),
    *("llama-2-7b", "llama-2-7b-chat", "llama-2-13b", "llama-2-13b-chat", "llama-2-70b", "llama-2-70b-chat"),
    *("mistral-7b", "mistral-7b-instruct-v0.1", "mistral-7b-instruct-v0.2"),
    *("mistral-8x7b", "mistral-8x7b-instruct-v0.1"),
    *("qwen-7b", "qwen-7b-chat", "qwen-14b", "qwen-14b-chat", "qwen-72b", "qwen-72b-chat"),
    *("tulu-2-dpo-7b", "tulu-2-dpo-13b", "tulu-2-dpo-70b"),
    *("vicuna-7b-v1.5", "vicuna-13b-v1.5", "wizardLM-13b-v1.2", "wizardLM-70b-v1.0"),
    *("yi-6b", "yi-6b-chat", "yi-34b", "yi-34b-chat", "zephyr-7b-alpha", "zephyr-7b-beta"),
)
# Out of 262 pairs, so that 5,240 have the published sizes of 400 and 820.
GROUP_SIZES = {
    "Advice": 20,
    "Code": 20,
    "Communication": 20,
    "Creative Writing": 20,
    "Daily Tasks": 20,
    "Exam Questions": 20,
    "Functional Writing": 20,
    "Knowledge-aware": 41,
    "NLP Tasks": 20,
    "Others": 41,
    "Unsafe Queries": 20,
}
CHUNK_PAIRS = sum(GROUP_SIZES.values())
# Shares of the published 5,240 pairs, in the order of `CASES`.
CASE_SHARES = dict(zip(CASES, (459 / 5240, 121 / 5240, 1418 / 5240, 388 / 5240, 401 / 5240), strict=True))
# Of responses.
NOT_APPLICABLE = 0.03
# Published means, in the order of `BASIC`; that of non-repetitive is not published.
BASIC_MEANS = np.array(
    (
        *(2.90, 2.70, 1.79, 2.78, 0.22, 1.67, 0.08, 0.16, 0.89, 0.13),
        *(1.26, 0.17, 0.27, 0.37, 0.04, 2.70, 2.54, 2.45, 0.47, 1.74),
    )
)
ERROR_MEANS = {"minor": 0.23, "moderate": 0.61, "severe": 0.59}
MEAN_WORDS = 164.52
PRIOR_SCALE = 0.1
_WORDS = np.array(
    ["the", "of", "a", "to", "and", "in", "is", "it", "for", "as", "on", "with", "an", "are", "be", "this"]
)


@dataclass(frozen=True)
class PreferenceDesign:
    """What the pairs are a function of.

    Attributes:
        seed, pairs: of the corpus.
        weights: of each of `JUDGES`, the same in all scenario groups, [judges, properties].
    """

    seed: int
    pairs: int
    weights: Floats

    @property
    def chunks(self) -> int:
        """Number of chunks, the last one perhaps smaller."""
        return -(-self.pairs // CHUNK_PAIRS)


def preference_design(*, seed: int, pairs: int) -> PreferenceDesign:
    """Weights of the judges from the prior of the fits."""
    weights = philox(seed, Stream.PREFERENCES).laplace(0, PRIOR_SCALE, (len(JUDGES), len(PROPERTIES)))
    return PreferenceDesign(seed, pairs, weights)


def preference_records(design: PreferenceDesign, chunk: int) -> list[dict[str, Any]]:
    """The pairs of a chunk as records in the published form; every judge has a preference in every pair."""
    first = chunk * CHUNK_PAIRS
    n = min(CHUNK_PAIRS, design.pairs - first)
    random = philox(design.seed, Stream.PREFERENCES, chunk + 1)
    groups = np.repeat(list(GROUP_SIZES), list(GROUP_SIZES.values()))
    models = [model.name for model in arena_models(design.seed, 20)]
    records = [_draw_pair(random, str(groups[i]), models, first + i) for i in range(n)]
    drawn = {f"properties_{side}": [_properties(one, response) for one in records] for side, response in _SIDES.items()}
    signs = signs_of(pl.DataFrame(drawn, dict.fromkeys(drawn, _PROPERTIES))).to_numpy().astype(np.float64)
    prefers_first = random.random((n, len(JUDGES))) < expit(signs @ design.weights.T)
    for record, of_pair in zip(records, prefers_first, strict=True):
        named = zip(JUDGES, of_pair, strict=True)
        record["preference_labels"] = {judge: "response_1" if first else "response_2" for judge, first in named}
    return records


_SIDES = {"a": "response_1", "b": "response_2"}
_PROPERTIES = pl.Struct({column_of(name): pl.Float64 for name in PROPERTIES})


def _draw_pair(random: np.random.Generator, group: str, models: list[str], number: int) -> dict[str, Any]:
    has = {case: bool(random.random() < share) for case, share in CASE_SHARES.items()}
    lists = {
        key: [f"{key} {i}" for i in range(1, 1 + int(has[case]) * int(random.integers(1, 4)))]
        for case, key in list(CASES.items())[2:]
    }
    record: dict[str, Any] = {
        "query": f"Query {number}: {_text(random, 12)}",
        "scenario_auto-j": group.lower().replace(" ", "_"),
        "scenario_group": group,
        "gpt-4-turbo_reference": _text(random, 40),
        "clear intent": "No" if has["intent_unclear"] else "Yes",
        "explicitly express feelings": "Yes" if has["express_feeling"] else "No",
        **lists,
    }
    names = random.choice(len(models), 2, replace=False)
    for response, name in zip(_SIDES.values(), names, strict=True):
        n_words = 1 + int(random.lognormal(np.log(MEAN_WORDS) - 0.5, 1.0))
        record[response] = {"content": _text(random, n_words), "model": models[name], "num_words": n_words}
        grades = random.binomial(3, BASIC_MEANS / 3)
        record[f"basic_{response}"] = dict(zip(BASIC, map(int, grades), strict=True))
        record[f"errors_{response}"] = _draw_errors(random)
        record[f"query-specific_{response}"] = _draw_specific(random, has, lists)
    return record


def _text(random: np.random.Generator, n_words: int) -> str:
    return " ".join(_WORDS[random.integers(0, len(_WORDS), n_words)])


def _draw_errors(random: np.random.Generator) -> dict[str, Any]:
    if random.random() < NOT_APPLICABLE:
        return {"applicable or not": "not applicable", "errors": []}
    errors = [
        {"brief description": _text(random, 5), "severity": severity, "type": str(random.choice(ERROR_TYPES))}
        for severity, mean in ERROR_MEANS.items()
        for _ in range(random.poisson(mean))
    ]
    return {"applicable or not": "applicable", "errors": errors}


def _draw_specific(
    random: np.random.Generator, has: dict[str, bool], lists: dict[str, list[str]]
) -> dict[str, int | list[str] | None]:
    labels: dict[str, list[str]] = {
        CONSTRAINTS: ["0", "1", "2", "3"],
        STANCES: [label.capitalize() for label in STANCE_SCORES],
        MISTAKES: [label.capitalize() for label in MISTAKE_SCORES],
    }
    graded: dict[str, int | list[str] | None] = {}
    for case, key in zip(CASES, QUERY_SPECIFIC, strict=True):
        if key in (CLARIFY, EMPATHETIC):
            graded[key] = int(random.integers(0, 4)) if has[case] else None
        else:
            graded[key] = [f"{item} | {random.choice(labels[key])}" for item in lists[CASES[case]]]
    return graded


def _properties(record: dict[str, Any], response: str) -> dict[str, float | None]:
    """The properties of a response as numbers, by the published rules."""
    values: dict[str, float | None] = {name: float(record[f"basic_{response}"][key]) for key, name in BASIC.items()}
    check = record[f"errors_{response}"]
    for severity, name in SEVERITIES.items():
        n = float(sum(error["severity"] == severity for error in check["errors"]))
        values[name] = n if check["applicable or not"] == "applicable" else None
    scores = {CONSTRAINTS: {str(grade): grade for grade in range(4)}, STANCES: STANCE_SCORES, MISTAKES: MISTAKE_SCORES}
    for key, name in QUERY_SPECIFIC.items():
        graded = record[f"query-specific_{response}"][key]
        if isinstance(graded, list):
            items = [scores[key][item.rpartition(" | ")[2].lower()] for item in graded]
            values[name] = sum(items) / len(items) if items else None
        else:
            values[name] = None if graded is None else float(graded)
    values["lengthy"] = float(record[response]["num_words"])
    return {column_of(name): value for name, value in values.items()}


_RESPONSE = pa.struct([("content", pa.string()), ("model", pa.string()), ("num_words", pa.int64())])
_ERROR = pa.struct([("brief description", pa.string()), ("severity", pa.string()), ("type", pa.string())])
_CHECK = pa.struct([("applicable or not", pa.string()), ("errors", pa.list_(_ERROR))])
_TEXTS = pa.list_(pa.string())
_SPECIFIC = pa.struct([(key, pa.int64() if key in (CLARIFY, EMPATHETIC) else _TEXTS) for key in QUERY_SPECIFIC])
SCHEMA = pa.schema(
    [
        *[(key, pa.string()) for key in ("query", "scenario_auto-j", "scenario_group")],
        *[(response, _RESPONSE) for response in _SIDES.values()],
        *[(key, pa.string()) for key in ("gpt-4-turbo_reference", "clear intent", "explicitly express feelings")],
        *[(key, _TEXTS) for key in list(CASES.values())[2:]],
        ("preference_labels", pa.struct([(judge, pa.string()) for judge in JUDGES])),
        *[(f"basic_{response}", pa.struct([(key, pa.int64()) for key in BASIC])) for response in _SIDES.values()],
        *[(f"errors_{response}", _CHECK) for response in _SIDES.values()],
        *[(f"query-specific_{response}", _SPECIFIC) for response in _SIDES.values()],
    ]
)


def _ddl(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'`{member.name}`:{_ddl(member.type)}' for member in kind)}>"
    if pa.types.is_list(kind):
        return f"array<{_ddl(kind.value_type)}>"
    return "bigint" if kind == pa.int64() else "string"


PREFERENCES_DDL = ", ".join(f"`{field.name}` {_ddl(field.type)}" for field in SCHEMA)


def describe_weights(design: PreferenceDesign) -> dict[str, dict[str, float]]:
    """The weights of each judge by property, as JSON."""
    return {
        judge: dict(zip(PROPERTIES, map(float, weights), strict=True))
        for judge, weights in zip(JUDGES, design.weights, strict=True)
    }


def preference_chunk(design: PreferenceDesign, chunk: int) -> pa.RecordBatch:
    """The pairs of a chunk, as parquet files of the data set have them."""
    return pa.RecordBatch.from_pylist(preference_records(design, chunk), SCHEMA)

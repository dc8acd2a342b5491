"""What the releases write in ways of their own: times, languages, flags of categories, printed messages."""

import json

import numpy as np
import pytest
from pyspark.sql import functions as F

from arenalake.entities.languages import language_of
from arenalake.sources.printed import messages_of_printed
from arenalake.sources.tags import CATEGORY_TAG_TYPE, CRITERIA, OCCUPATIONAL_TAGS_TYPE, category_tags, occupational_tags
from arenalake.sources.times import time_of


def _values(spark, values, column, kind="string"):
    rows = spark.createDataFrame([(value,) for value in values], f"v {kind}")
    return [row[0] for row in rows.select(column(F.col("v"))).collect()]


def test_a_time_is_exact_to_the_microsecond_in_seconds_text_and_nanoseconds(spark):
    micros = {
        "1682351591.1322": 1682351591132200,
        "1.6823515911322E9": 1682351591132200,
        "-5": -5_000_000,
        "1748530121602925123": 1748530121602925,
        "2025-05-29T14:48:41.602925": 1748530121602925,
        "2025-05-29 16:48:41.602925+02:00": 1748530121602925,
        # Milliseconds, microseconds, a date without hyphens, a fraction of a nanosecond, and no time at all.
        "1682351591500": None,
        "1682351591500000": None,
        "20230424": None,
        "1748530121602925123.5": None,
        "NaN": None,
        "soon": None,
    }
    assert _values(spark, micros, lambda v: F.unix_micros(time_of(v))) == list(micros.values())
    doubles = [1682351591.1322, float("nan"), float("inf")]
    found = _values(spark, doubles, lambda v: F.unix_micros(time_of(v)), kind="double")
    assert found == [1682351591132200, None, None]


def test_codes_become_the_names_of_the_other_releases_and_other_languages_stay(spark):
    names = {
        "en": "English",
        "zh-Hant": "Chinese",
        "pt_BR": "Portuguese",
        "iw": "Hebrew",
        "lo": "Lao",
        "English": "English",
        "Ga": "Ga",
        "ga": "Irish",
        "<err>": "<err>",
        "xq": "xq",
        None: None,
    }
    assert _values(spark, names, language_of) == list(names.values())


@pytest.mark.parametrize(("n_met", "is_hard"), [(5, False), (6, True), (7, True)])
def test_flags_that_are_true_are_tags_and_six_criteria_make_a_hard_prompt(spark, n_met, is_hard):
    met = CRITERIA[:n_met]
    published = {
        "creative_writing_v0.1": {"creative_writing": False, "score": "no"},
        "criteria_v0.1": dict.fromkeys(CRITERIA, False) | dict.fromkeys(met, True),
        "if_v0.1": {"if": True, "score": 4},
        "math_v0.1": {"math": None},
    }
    tag = F.from_json("v", CATEGORY_TAG_TYPE)
    [tags] = _values(spark, [json.dumps(published)], lambda v: category_tags(category_tag=tag, is_code=F.lit(True)))
    assert tags == ["code", *(f"criteria.{name}" for name in met), *(["hard_prompt"] if is_hard else []), "if"]


def test_a_question_without_flags_has_null_for_tags_and_one_whose_flags_are_all_false_has_none(spark):
    nothing, false = F.lit(None).cast(CATEGORY_TAG_TYPE), F.lit(None).cast("boolean")
    assert _values(spark, ["{}"], lambda v: category_tags(category_tag=nothing, is_code=false)) == [None]
    assert _values(spark, ["{}"], lambda v: category_tags(category_tag=nothing, is_code=F.lit(False))) == [[]]
    published = [None, '{"travel": false}', '{"travel": true, "education": true, "real_estate": null}']
    found = _values(spark, published, lambda v: occupational_tags(F.from_json(v, OCCUPATIONAL_TAGS_TYPE)))
    assert found == [None, [], ["occupation.education", "occupation.travel"]]


def printed(*messages):
    """A conversation as NumPy prints what pandas reads from nested parquet; a message is its role and its parts."""

    def array(items):
        found = np.empty(len(items), dtype=object)
        found[:] = items
        return found

    def part(text):
        return {"type": "text", "text": text, "image": None, "mimeType": None}

    return str(array([{"role": role, "content": array([part(text) for text in parts])} for role, *parts in messages]))


TEXTS = (
    "Hi",
    "",
    "It's \"quoted\",\nwith \\n, \\x41, a no-break\u00a0space and 'content': array([1], dtype=object)}",
    "isn't 😀 \u2028 None ]}, {",
    "np.array([{}], dtype=object)",
    "a line\n" * 5_000,
)


def test_messages_that_numpy_printed_come_back_as_they_were(spark):
    conversations = [printed(("user", text, "more"), ("assistant", text)) for text in TEXTS]
    assert "\n {" in conversations[0], "there is no comma between messages"
    found = _values(spark, conversations, messages_of_printed)
    assert [[tuple(message) for message in messages] for messages in found] == [
        [(f"{text}\nmore", "user"), (text, "assistant")] for text in TEXTS
    ]


def test_what_is_no_printed_list_of_messages_is_null_and_json_is_read_too(spark):
    as_json = json.dumps([{"role": "user", "content": [{"type": "text", "text": "Hi"}]}])
    found = _values(spark, ["Hello", "[{'role': ", None, printed(("user",)), as_json], messages_of_printed)
    assert found == [None, None, None, [("", "user")], [("Hi", "user")]]


def test_a_character_that_python_only_names_by_a_number_beyond_ffff_is_replaced(spark):
    [[message]] = _values(spark, [printed(("user", "a\U000e0041b"))], messages_of_printed)
    assert message["content"] == "a\ufffdb"

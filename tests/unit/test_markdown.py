"""Markdown counts against Python's `re` with the definitions as the leaderboards write them."""

import gzip
import json
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arenalake.text.markdown import count_markdown


def count(*texts):
    return list(zip(*(counts.tolist() for counts in count_markdown(pa.array(texts, pa.string()))), strict=True))


def count_with_re(text):
    text = re.sub("```[^`]*```", "``````", text)

    def found(pattern):
        return len(re.findall(pattern, text, re.MULTILINE))

    return (
        found(r"^#{1,6}\s"),
        found(r"^\s*[-*+]\s") + found(r"^\s*\d+\.\s"),
        found(r"\*\*[^*\n]+\*\*") + found(r"__[^_\n]+__"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, 0, 0)),
        ("# Title\n## Part\n####### seven\n#none", (2, 0, 0)),
        ("- a\n* b\n + c\n1. d\n12. e\n-f\n1.g", (0, 5, 0)),
        ("**a** __b__ **c\nd** __", (0, 0, 2)),
        ("- **a** - b", (0, 1, 1)),
        ("```\n# code\n- x\n```\n# Title", (1, 0, 0)),
        ("```# Title", (0, 0, 0)),
        ("-\n-\n-\n", (0, 3, 0)),
        ("#\n#\n", (2, 0, 0)),
        ("---\n- - -", (0, 1, 0)),
        ("**a****b** ***c*** **d*e**", (0, 0, 3)),
        ("**a```\n```b**", (0, 0, 1)),
        ("````\n# a\n```\n# b", (1, 0, 0)),
        ("```````\n# a\n```\n# b", (2, 0, 0)),
        (9 * "`" + "\n# a\n```\n# b", (1, 0, 0)),
        (12 * "`" + "\n# a\n```\n# b", (2, 0, 0)),
        (600_000 * "`" + "\n# a", (1, 0, 0)),
    ],
)
def test_headers_list_items_and_bold_spans_are_counted(text, expected):
    assert count(text) == [expected]


@settings(max_examples=500)
@given(
    st.lists(st.text(alphabet="#-*+_1٣. \n\t\r\x0b\x1c\x85\u00a0\u2028\u3000`a", max_size=40), min_size=1, max_size=4)
)
def test_any_text_counts_as_the_definitions_count_it(texts):
    assert count(*texts) == [count_with_re(text) for text in texts]


@settings(max_examples=500)
@given(
    st.lists(st.sampled_from(["`", "```", "*", "**", "__", "\n", "\n# ", "\n- ", "a", "é"]), max_size=25).map("".join)
)
def test_fences_and_runs_of_marks_count_as_the_definitions_count_them(text):
    assert count(text) == [count_with_re(text)]


def test_a_part_of_a_column_and_missing_texts_count_as_they_would_alone():
    texts = pa.array(["# a", "- b", None, "**c**", "```\n# d"], pa.string())[1:4]
    assert [counts.tolist() for counts in count_markdown(texts)] == [[0, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert [counts.tolist() for counts in count_markdown(texts[:0])] == [[], [], []]


def test_bytes_behind_a_null_and_texts_that_end_within_a_character_touch_no_other_text():
    data = b"# hidden\n# a- b" + "\u0663".encode()[:1] + "\u2003- c".encode() + "\u3000".encode()[:2]
    bounds = np.array([0, 8, 9, 12, 15, 16, 22, 24], np.int32)
    valid = pa.py_buffer(np.packbits([0, 1, 1, 1, 1, 1, 1, 0], bitorder="little"))
    texts = pa.Array.from_buffers(pa.string(), 7, [valid, pa.py_buffer(bounds), pa.py_buffer(data)])
    headers, list_items, _ = (counts.tolist() for counts in count_markdown(texts))
    assert (headers[1:], list_items[1:]) == ([0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 1, 0])


def test_real_answers_count_as_the_definitions_count_them(real_data):
    texts = []
    for path in sorted((real_data / "mt_bench" / "answers").glob("*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            texts += [turn for line in lines for turn in json.loads(line)["choices"][0]["turns"]]
    expected = [count_with_re(text) for text in texts]
    assert sum(items for _, items, _ in expected) > 500
    assert count(*texts) == expected

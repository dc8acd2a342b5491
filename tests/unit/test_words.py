"""The table of words against splitting and asking word by word."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arenalake.measure.words import WordTable

LONG = 64


def before_spaces():
    ends = np.zeros((256, 256), bool)
    ends[:, ord(" ")] = True
    return ends.ravel()


def words_of(text):
    """The words of a text where each space begins one."""
    first, *rest = text.encode().split(b" ")
    return ([first] if first else []) + [b" " + word for word in rest]


def value_of(word):
    return 1 + sum(word) % 97


class Asked:
    """What was asked for, and how often."""

    def __init__(self):
        self.times = Counter()

    def count(self, words):
        self.times.update(words)
        return [value_of(word) for word in words]


SIZES = {"max_words": 3, "max_bytes": 70, "max_waiting": 2}
TEXTS = st.lists(
    st.one_of(st.none(), st.text(alphabet="ab é", max_size=40), st.text(alphabet="x ", min_size=60, max_size=140)),
    max_size=12,
)


@pytest.mark.parametrize("sizes", [{}, SIZES, {"max_words": 1}, {"max_waiting": 1}])
@settings(deadline=None, max_examples=60)
@given(batches=st.lists(TEXTS, max_size=3))
def test_sums_are_those_of_the_words_one_by_one(sizes, batches):
    table = WordTable(before_spaces(), Asked().count, **sizes)
    for texts in batches:
        sums = table.add_up(pa.array(texts, pa.string()))
        assert sums.tolist() == [sum(map(value_of, words_of(text or ""))) for text in texts]
        assert table.words <= sizes.get("max_words", 10**6)


def test_a_word_is_asked_for_once_and_a_long_one_each_time():
    asked = Asked()
    table = WordTable(before_spaces(), asked.count)
    long = "y" * LONG
    for _ in range(3):
        table.add_up(pa.array(["one two one", "two " + long, long]))
    # A space belongs to the word behind it.
    assert asked.times == {b"one": 1, b" two": 1, b" one": 1, b"two": 1, b" " + long.encode(): 3, long.encode(): 1}
    assert table.words == 5


def test_a_full_table_is_emptied():
    asked = Asked()
    table = WordTable(before_spaces(), asked.count, max_words=2)
    table.add_up(pa.array(["a", "b", "c", "a"]))
    assert asked.times == {b"a": 2, b"b": 1, b"c": 1}
    assert table.words == 0


def test_words_that_differ_in_one_byte_anywhere_are_different():
    words = ["a" * n + "b" + "a" * (40 - n) for n in range(41)] + ["a" * n for n in range(1, 65)]
    table = WordTable(before_spaces(), Asked().count)
    for _ in range(2):
        assert table.add_up(pa.array(words)).tolist() == [value_of(word.encode()) for word in words]
    assert table.words == len(words)


def test_slices_and_words_with_zero_bytes_are_counted_as_they_stand():
    table = WordTable(before_spaces(), Asked().count)
    texts = pa.array(["skipped", "a\x00", "a", "a\x00\x00", None, ""])
    expected = [value_of(b"a\x00"), value_of(b"a"), value_of(b"a\x00\x00"), 0, 0]
    assert table.add_up(texts.slice(1)).tolist() == expected
    assert table.words == 3
    assert table.add_up(texts.slice(0, 0)).tolist() == []

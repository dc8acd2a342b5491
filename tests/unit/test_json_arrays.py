"""Elements of JSON arrays, whatever the pieces that their text comes in."""

import json

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from arenalake.ingest.elements import split_arrays

texts = st.text(alphabet=st.sampled_from('ab{}[],:"\\\n é𝄞'), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def batches(files, rows_at_a_time):
    """The text of files as the reader gives it: cut at opening braces, in batches."""
    rows = [(name, piece.encode()) for name, text in files.items() for piece in text.split("{")]
    for start in range(0, len(rows), rows_at_a_time):
        some = rows[start : start + rows_at_a_time]
        columns = [pa.array([name for name, _ in some]), pa.array([piece for _, piece in some], pa.binary())]
        yield pa.record_batch(columns, ["file", "value"])


def elements(files, rows_at_a_time=3):
    found = [row for batch in split_arrays(batches(files, rows_at_a_time)) for row in batch.to_pylist()]
    return [(row["file"], row["position"], row["value"].decode()) for row in found]


@settings(deadline=None)  # the first call compiles
@given(st.lists(values, max_size=5), st.sampled_from([None, 1]), st.integers(1, 5), st.booleans())
def test_the_elements_of_an_array_are_found_in_whatever_pieces_it_comes(records, indent, rows_at_a_time, ascii_only):
    text = json.dumps(records, indent=indent, ensure_ascii=ascii_only)
    found = elements({"a": text, "b": text}, rows_at_a_time)
    assert [(file, position) for file, position, _ in found] == [(f, i) for f in "ab" for i in range(len(records))]
    assert [json.loads(value) for _, _, value in found] == records * 2


def test_what_is_no_element_comes_out_as_one_so_that_nothing_is_lost():
    files = {
        "cut off": '[{"a": 1}, {"b": "x',
        "cut off between": '[{"a": 1}, {"b": 2}',
        "cut off behind a comma": '[{"a": 1},',
        "more behind": '[1]\n{"a": {"b": 2}}\n',
        "two arrays": "[1, 2][3]",
        "no array": "text",
        "nothing": "",
        "empty": " [ ] \n",
        "gaps": "[1,,2,]",
    }
    assert elements(files) == [
        ("cut off", 0, '{"a": 1}'),
        ("cut off", 1, '{"b": "x'),
        ("cut off between", 0, '{"a": 1}'),
        ("cut off between", 1, '{"b": 2}'),
        ("cut off between", 2, ""),
        ("cut off behind a comma", 0, '{"a": 1}'),
        ("cut off behind a comma", 1, ""),
        ("more behind", 0, "1"),
        ("more behind", 1, '{"a": {"b": 2}}'),
        ("two arrays", 0, "1"),
        ("two arrays", 1, "2"),
        ("two arrays", 2, "3"),
        ("no array", 0, "text"),
        ("gaps", 0, "1"),
        ("gaps", 1, "2"),
    ]


def test_an_element_may_be_larger_than_what_is_looked_at_in_one_go():
    long = {"text": 'x"]},{' * 500_000}
    found = elements({"a": json.dumps([long, long])}, rows_at_a_time=300_000)
    assert [json.loads(value) for *_, value in found] == [long, long]

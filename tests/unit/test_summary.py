"""What a person is told about names that look alike and about reasons."""

from collections import Counter
from types import SimpleNamespace

import pytest

from arenalake.alike import look_alike_lines, look_alikes
from arenalake.ingest.job import _summary
from arenalake.ingest.summary import list_sentences


def test_names_that_differ_in_case_width_normal_form_or_spaces_are_told_together():
    names = {"Llama-3": 5, "llama-3": 7, "Ｌlama-3": 1, "Llama\u200b-3": 1, "Caf\u00e9": 2, "Cafe\u0301": 3, "gpt-4": 9}
    assert look_alikes(names) == [
        "'Cafe\u0301' (3), 'Caf\u00e9' (2)",
        "'llama-3' (7), 'Llama-3' (5), 'Llama\\u200b-3' (1), 'Ｌlama-3' (1)",
    ]
    assert look_alikes({"gpt-4": 1, "gpt-4o": 1, "gpt-4-": 1}) == []


def test_all_groups_of_names_fit_one_line():
    names = {name: 1 for number in range(7) for name in (f"m{number}", f"M{number}")}
    [line] = look_alike_lines("votes", "model", names)
    assert line.startswith(
        "votes: model has names that differ only in case, width or spaces; they count as different: "
    )
    assert line.endswith(" and 2 further groups")


def test_reasons_are_a_line_each_without_line_breaks_and_not_endless():
    lines = list_sentences("votes: in quarantine", [("a\nb\u0000c", 1234), ("x" * 1000, 1)])
    assert lines[0] == "votes: in quarantine: 1,234 × a b c"
    assert len(lines[1]) < 300
    assert lines[1].endswith("x…")
    assert len(list_sentences("w", [(str(number), 1) for number in range(6)])) == 6


@pytest.mark.parametrize(
    ("n", "n_unreadable", "n_new", "moved", "returned", "line"),
    [
        (1, 0, 1, {}, 0, "s: 1 record in 1 new file = 1 kept + 1 quarantined + 1 duplicate"),
        (
            2000,
            1,
            2,
            {"conflicting_key": 1},
            2,
            "s: 2,000 records in 2 new files = 2,000 kept + 2,000 quarantined + 2,000 duplicates; 1 earlier record "
            "moved to quarantine (conflicting_key); 2 earlier records came back from quarantine; 1 file could not be "
            "read",
        ),
        (0, 2, 0, {}, 0, "s: nothing new in 3 files; 2 files could not be read"),
    ],
)
def test_numbers_of_records_and_files_agree_with_their_nouns(n, n_unreadable, n_new, moved, returned, line):
    total = dict.fromkeys(("rows", "kept", "quarantined", "duplicates"), n)
    batch = SimpleNamespace(moved=Counter(moved), returned=returned)
    assert _summary("s", 3, n_unreadable, total, n_new, batch) == line

"""Markdown counts of a column of texts, as the style-control leaderboards define them.

A header is a line of one to six `#` and white space; a list item is a line of white space, one of `-*+` or a number
with a full stop, and white space; bold is `**…**` or `__…__` within a line. Text between triple backticks that
holds no backtick is left out first. White space and digits are Unicode's.

Source:
    lm-sys/FastChat fastchat/serve/monitor/add_markdown_info.py; lmarena/arena-hard-auto utils/add_markdown_info.py.
    They take the text of a code block out wherever else it stands as well; here only the block itself goes.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# Patterns that start with a fixed character are ten times as fast as `^…`: RE2 jumps to the next line feed.
_FENCE = "```"
_CODE = "```[^`]*```"
_NO_CODE = _FENCE + _FENCE  # what stays must not join the lines around it
_INLINE = r"\t\x0b-\r\x1c-\x20\x{85}\p{Z}"  # Unicode white space but for the line feed; RE2's own \s is ASCII
_HEADER = r"\n#{1,6}"
_LIST_ITEM = rf"\n[{_INLINE}]*(?:[-*+]|\p{{Nd}}+\.)"
_BOLD = (r"\*\*[^*\n]+\*\*", r"__[^_\n]+__")

Counts = npt.NDArray[np.int32]


def count_markdown(texts: pa.StringArray) -> tuple[Counts, Counts, Counts]:
    """Headers, list items and bold spans of each text."""
    lines = pc.binary_join_element_wise(pa.scalar(""), texts, "\n")
    if pc.any(pc.match_substring_regex(lines, _FENCE)).as_py():
        lines = pc.replace_substring_regex(lines, _CODE, _NO_CODE)
    bold = sum(pc.count_substring_regex(lines, pattern).to_numpy() for pattern in _BOLD)
    return _count_lines(lines, _HEADER), _count_lines(lines, _LIST_ITEM), bold


def _count_lines(lines: pa.StringArray, start: str) -> Counts:
    """Lines that begin with `start` and white space; the line feed before each is part of the pattern."""
    pattern = rf"{start}[{_INLINE}\n]"
    counts: Counts = pc.count_substring_regex(lines, pattern).to_numpy()
    # A marker with nothing behind it takes the line feed that the next line starts with, so there each is doubled.
    bare = pc.match_substring_regex(lines, rf"{start}\n")
    if pc.any(bare).as_py():
        doubled = pc.replace_substring(lines.filter(bare), "\n", "\n\n")
        counts = counts.copy()
        counts[bare.to_numpy(zero_copy_only=False)] = pc.count_substring_regex(doubled, pattern).to_numpy()
    return counts

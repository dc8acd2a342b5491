"""Markdown counts of a column of texts, as the style-control leaderboards define them.

A header is a line of one to six `#` and white space; a list item is a line of white space, one of `-*+` or a number
with a full stop, and white space; bold is `**…**` or `__…__` within a line. Text between triple backticks that
holds no backtick is left out first. White space and digits are Unicode's, and a line feed is white space.

Source:
    lm-sys/FastChat fastchat/serve/monitor/add_markdown_info.py; lmarena/arena-hard-auto utils/add_markdown_info.py.
    They take the text of a code block out wherever else it stands as well; here only the block itself goes.
"""

import sys
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arenalake.compiled import compiled
from arenalake.text.utf8 import bytes_of

Counts = npt.NDArray[np.int32]

_OTHER, _SPACE, _DIGIT = 0, 1, 2
_LINE_FEED, _HASH, _STAR, _PLUS, _MINUS, _FULL_STOP, _UNDERSCORE, _TICK = b"\n#*+-._`"
# Backticks that begin a block, or end it, and of both together.
_FENCE = 3
_BLOCK = 2 * _FENCE


def count_markdown(texts: pa.StringArray) -> tuple[Counts, Counts, Counts]:
    """Headers, list items and bold spans of each text; a null counts for the bytes that it hides, mostly none."""
    counts = np.zeros((3, len(texts)), np.int32)
    _count(*bytes_of(texts), _kinds(), counts)
    headers, list_items, bold = counts
    return headers, list_items, bold


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """What each code point is: white space, a digit, or other."""
    # Bytes that are no UTF-8 give numbers of up to 21 bits.
    kinds = np.full(1 << 21, _OTHER, np.uint8)
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if character.isspace():
            kinds[code] = _SPACE
        elif character.isdecimal():
            kinds[code] = _DIGIT
    return kinds


@compiled
def _count(data, bounds, kinds, counts):  # type: ignore
    room = np.empty(0, np.uint8)
    for text in range(len(bounds) - 1):
        start, stop = np.int64(bounds[text]), np.int64(bounds[text + 1])
        headers, list_items, bold, has_fence = _count_lines(data, start, stop, kinds, True)
        if has_fence:
            if len(room) < stop - start:
                room = np.empty(2 * (stop - start), np.uint8)
            length = _leave_out_code(data, start, stop, room)
            headers, list_items, bold, _ = _count_lines(room, np.int64(0), length, kinds, False)
        counts[0, text], counts[1, text], counts[2, text] = headers, list_items, bold


@compiled
def _count_lines(data, at, stop, kinds, stops_at_fence):  # type: ignore
    """Headers, list items and bold spans of the UTF-8 from `at` to `stop`, and whether a fence ended the count."""
    headers, list_items, bold = 0, 0, 0
    while at < stop:
        if data[at] == _HASH:
            headers += _is_header(data, at, stop, kinds)
        else:
            list_items += _is_list_item(data, at, stop, kinds)
        is_open_star, is_open_underscore = False, False
        while at < stop and data[at] != _LINE_FEED:
            mark = data[at]
            at += 1
            if mark != _STAR and mark != _UNDERSCORE and mark != _TICK:
                continue
            length = 1
            while at < stop and data[at] == mark:
                length += 1
                at += 1
            if mark == _TICK:
                if stops_at_fence and length >= _FENCE:
                    return headers, list_items, bold, True
            else:
                # Two marks end a span that two of the same began; what is left of a run may begin the next one.
                is_open = is_open_star if mark == _STAR else is_open_underscore
                if is_open and length >= 2:
                    bold += 1
                    length -= 2
                if mark == _STAR:
                    is_open_star = length >= 2
                else:
                    is_open_underscore = length >= 2
        at += 1
    return headers, list_items, bold, False


@compiled
def _is_header(data, at, stop, kinds):  # type: ignore
    start = at
    while at < stop and data[at] == _HASH:
        at += 1
    return at - start <= 6 and _kind_at(data, at, stop, kinds)[0] == _SPACE


@compiled
def _is_list_item(data, at, stop, kinds):  # type: ignore
    kind, width = _kind_at(data, at, stop, kinds)
    while kind == _SPACE and data[at] != _LINE_FEED:
        at += width
        kind, width = _kind_at(data, at, stop, kinds)
    if at < stop and (data[at] == _STAR or data[at] == _PLUS or data[at] == _MINUS):
        at += 1
    elif kind == _DIGIT:
        while kind == _DIGIT:
            at += width
            kind, width = _kind_at(data, at, stop, kinds)
        if at >= stop or data[at] != _FULL_STOP:
            return False
        at += 1
    else:
        return False
    return _kind_at(data, at, stop, kinds)[0] == _SPACE


@compiled
def _kind_at(data, at, stop, kinds):  # type: ignore
    """What the character here is, and its number of bytes; the end of the text is neither space nor digit."""
    if at >= stop:
        return _OTHER, 0
    code = np.int64(data[at])
    width = 1 if code < 0x80 else 2 if code < 0xE0 else 3 if code < 0xF0 else 4
    if width > 1:
        code &= 0x7F >> width
        for i in range(at + 1, min(at + width, stop)):
            code = code << 6 | (np.int64(data[i]) & 0x3F)
    return np.int64(kinds[code]), width


@compiled
def _leave_out_code(data, at, stop, room):  # type: ignore
    """Copy the bytes from `at` to `stop`, of a block of code only its fences; returns how many there are.

    What stays of a block keeps the lines around it apart.
    """
    n = 0
    while at < stop:
        if data[at] != _TICK:
            room[n] = data[at]
            n += 1
            at += 1
            continue
        ticks = _end_of_ticks(data, at, stop) - at
        # Blocks without text, or else one that the last three of these begin.
        n_copied = ticks // _BLOCK * _BLOCK if ticks >= _BLOCK else ticks
        after = at + n_copied
        if _FENCE <= ticks < _BLOCK:
            end = after
            while end < stop and data[end] != _TICK:
                end += 1
            if _end_of_ticks(data, end, stop) - end >= _FENCE:
                n_copied, after = ticks - _FENCE + _BLOCK, end + _FENCE
        room[n : n + n_copied] = _TICK
        n += n_copied
        at = after
    return n


@compiled
def _end_of_ticks(data, at, stop):  # type: ignore
    while at < stop and data[at] == _TICK:
        at += 1
    return at

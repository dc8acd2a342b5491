"""Pieces of whole texts as sums over their words, and of words by byte-pair merges, in compiled code.

All of it is in one file, since a function that is kept compiled is made anew when its own file changes, not another.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arenalake.compiled import compiled
from arenalake.text.utf8 import bytes_of

# How SentencePiece writes a space inside a piece.
SPACE = "\u2581"
# Words come back by Zipf's law, so those seen lately answer nearly all. 32 MB of them.
_MAX_KEPT = 1 << 20
# Bytes of a word that is kept. A long one is a number, a table or base64: it hardly comes back.
_KEPT_BYTES = 24
# What keeps the first 0, 1, … 8 bytes of a number.
_FIRST_BYTES = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
# Bytes of a word. Merging takes time that grows with the square.
_MAX_BYTES = 256
TOO_LONG = -1

# Symbols are pieces, numbered as in the model, and behind them characters that are no piece, or only part of some; the
# numbers of these also tell how many bytes they have. A table of merges maps numbers to numbers: a character's code
# point to its symbol, and two symbols to `rank << 32 | symbol`. Its first column is the number to look for plus one, so
# that 0 is an empty slot.
Merges = npt.NDArray[np.int64]
_NO_MERGE = np.int64(2**62)


class WordCounter:
    """Adds up the pieces of the words of texts."""

    def __init__(self, ends: npt.NDArray[np.bool_], proto: Any, *, max_kept: int = _MAX_KEPT) -> None:
        """Keep nothing yet.

        Args:
            ends: whether a word ends between two bytes, [first * 256 + second].
            proto: a SentencePiece model of byte-pair merges.
            max_kept: number of words to keep at most, a power of two.
        """
        self._ends = ends
        self._merges = _merges_of(proto)
        self._n_pieces = len(proto.pieces)
        self._has_bytes = bool(proto.trainer_spec.byte_fallback)
        # Its bytes, then `length << 32 | pieces`; a word has one place, which the last one that wants it takes.
        self._kept = np.zeros((max_kept, _KEPT_BYTES // 8 + 1), np.uint64)

    def add_up(self, texts: pa.StringArray) -> npt.NDArray[np.int32]:
        """Sum over the words of each text; `TOO_LONG` where a word is. A null counts for the bytes that it hides."""
        data, bounds = bytes_of(texts)
        # Read eight bytes at a time, from those that hold the first byte of a word to the ones after its last.
        padded = np.zeros(bounds[-1] // 8 + 4, np.uint64)
        padded.view(np.uint8)[: bounds[-1]] = data[: bounds[-1]]
        sums = np.zeros(len(texts), np.int32)
        _add_up(
            padded,
            bounds,
            self._ends,
            self._kept,
            self._merges,
            self._n_pieces,
            self._has_bytes,
            np.empty((2, _MAX_BYTES), np.int64),
            np.empty(np.diff(bounds).max(initial=0) + 1, np.int32),
            sums,
        )
        return sums


@compiled
def _add_up(padded, bounds, ends, kept, merges, n_pieces, has_bytes, room, word_ends, sums):  # type: ignore
    """Fill `sums`; `room` is for the symbols of a word, `word_ends` for the words of a text."""
    data = padded.view(np.uint8)
    mask = len(kept) - 1
    for text in range(len(sums)):
        start, stop = np.int64(bounds[text]), np.int64(bounds[text + 1])
        total = np.int64(0)
        for word in range(_cut(data, start, stop, ends, word_ends)):
            end = np.int64(word_ends[word])
            length = end - start
            if length <= _KEPT_BYTES:
                first, second, third = _load(padded, start, min(length, 8)), np.uint64(0), np.uint64(0)
                if length > 8:
                    second = _load(padded, start + 8, min(length - 8, 8))
                    if length > 16:
                        third = _load(padded, start + 16, length - 16)
                hashed = (first ^ np.uint64(length)) * np.uint64(0x9E3779B97F4A7C15)
                hashed = (hashed ^ second ^ (hashed >> np.uint64(32))) * np.uint64(0xC2B2AE3D27D4EB4F)
                hashed = (hashed ^ third ^ (hashed >> np.uint64(32))) * np.uint64(0x165667B19E3779F9)
                place = np.int64(hashed >> np.uint64(32)) & mask
                known = kept[place, 3]
                # One test instead of four, since it hardly ever holds.
                differs = (known >> np.uint64(32)) ^ np.uint64(length)
                differs |= (kept[place, 0] ^ first) | (kept[place, 1] ^ second) | (kept[place, 2] ^ third)
                if differs:
                    count = _count_pieces(data, start, end, merges, n_pieces, has_bytes, room[0], room[1])
                    known = np.uint64(length) << np.uint64(32) | np.uint64(count)
                    kept[place, 0], kept[place, 1], kept[place, 2], kept[place, 3] = first, second, third, known
                total += np.int64(known & np.uint64(0xFFFFFFFF))
            elif length <= _MAX_BYTES:
                total += _count_pieces(data, start, end, merges, n_pieces, has_bytes, room[0], room[1])
            else:
                total = np.int64(TOO_LONG)
                break
            start = end
        sums[text] = total


@compiled
def _cut(data, start, stop, ends, word_ends):  # type: ignore
    """Fill in where the words of the text from `start` to `stop` end, and return how many there are.

    In a pass of its own and without a branch, since nobody can guess where a word ends, a processor neither.
    """
    if start == stop:
        return 0
    n = 0
    before = np.int64(data[start])
    for i in range(start + 1, stop):
        byte = np.int64(data[i])
        word_ends[n] = i
        n += ends[before << 8 | byte]
        before = byte
    word_ends[n] = stop
    return n + 1


@compiled
def _load(padded, at, n_bytes):  # type: ignore
    """Up to eight bytes from `at` on as one number."""
    bits = np.uint64((at & 7) << 3)
    low, high = padded[at >> 3] >> bits, padded[(at >> 3) + 1] << np.uint64(1) << (np.uint64(63) - bits)
    return (low | high) & _FIRST_BYTES[n_bytes]


def _merges_of(proto: Any) -> Merges:
    """The table of merges of a model's ordinary pieces. A space is written as it stands."""
    n_pieces = len(proto.pieces)
    pieces = {piece.piece: i for i, piece in enumerate(proto.pieces) if piece.type == piece.NORMAL}
    other = sorted({character for piece in pieces for character in piece} - pieces.keys())
    # The first four are for characters that are part of no piece.
    symbols = pieces | {c: n_pieces + 4 * i + len(c.encode()) - 1 for i, c in enumerate(other, start=1)}
    ranks = {score: rank for rank, score in enumerate(sorted({p.score for p in proto.pieces}, reverse=True))}
    found = {ord(" " if text == SPACE else text): symbol for text, symbol in symbols.items() if len(text) == 1}
    for piece, i in pieces.items():
        merged = ranks[proto.pieces[i].score] << 32 | i
        for middle in range(1, len(piece)):
            left, right = symbols.get(piece[:middle]), symbols.get(piece[middle:])
            if left is not None and right is not None:
                found[(left + 1) << 32 | right] = merged
    return _table(found)


def _table(found: Mapping[int, int]) -> Merges:
    # A power of two, half full at most.
    table = np.zeros((2 << len(found).bit_length(), 2), np.int64)
    _fill(table, np.fromiter(found.keys(), np.int64, len(found)), np.fromiter(found.values(), np.int64, len(found)))
    return table


@compiled
def _fill(table, keys, values):  # type: ignore
    for i in range(len(keys)):
        slot = _slot(table, keys[i])
        table[slot, 0] = keys[i] + 1
        table[slot, 1] = values[i]


@compiled
def _slot(table, key):  # type: ignore
    """Where a number is, or would be."""
    mask = len(table) - 1
    slot = np.int64((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & mask
    while table[slot, 0] != 0 and table[slot, 0] != key + 1:
        slot = (slot + 1) & mask
    return slot


@compiled
def _merge(table, left, right):  # type: ignore
    slot = _slot(table, (left + 1) << 32 | right)
    return table[slot, 1] if table[slot, 0] else _NO_MERGE


@compiled
def _count_pieces(data, start, end, table, n_pieces, has_bytes, symbols, merges):  # type: ignore
    """Number of pieces of the UTF-8 from `start` to `end`.

    The neighbours that make the piece of the best score are merged first, of equal ones the first from the left. What
    is no piece in the end counts for its bytes where the model has bytes as pieces; otherwise a run of it counts for
    one.

    Args:
        n_pieces: number of pieces of the model.
        has_bytes: whether the model has bytes as pieces.
        symbols, merges: room for at least as many numbers as there are bytes.
    """
    n = 0
    at = start
    while at < end:
        code = np.int64(data[at])
        width = 1 if code < 0x80 else 2 if code < 0xE0 else 3 if code < 0xF0 else 4
        if width > 1:
            code &= 0x7F >> width
            for i in range(at + 1, min(at + width, end)):
                code = code << 6 | (np.int64(data[i]) & 0x3F)
        slot = _slot(table, code)
        symbols[n] = table[slot, 1] if table[slot, 0] else n_pieces + width - 1
        at += width
        n += 1
    for i in range(n - 1):
        merges[i] = _merge(table, symbols[i], symbols[i + 1])
    while True:
        best, best_rank = -1, _NO_MERGE >> 32
        for i in range(n - 1):
            if merges[i] >> 32 < best_rank:
                best, best_rank = i, merges[i] >> 32
        if best < 0:
            break
        symbols[best] = merges[best] & 0xFFFFFFFF
        n -= 1
        for i in range(best + 1, n):
            symbols[i] = symbols[i + 1]
            merges[i - 1] = merges[i]
        if best > 0:
            merges[best - 1] = _merge(table, symbols[best - 1], symbols[best])
        if best < n - 1:
            merges[best] = _merge(table, symbols[best], symbols[best + 1])
    count = 0
    for i in range(n):
        if symbols[i] < n_pieces:
            count += 1
        elif has_bytes:
            count += (symbols[i] - n_pieces) % 4 + 1
        elif i == 0 or symbols[i - 1] < n_pieces:
            count += 1
    return count

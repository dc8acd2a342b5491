"""Pieces of whole texts as sums over their words, the common ones counted before, in compiled code."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arenalake.compiled import compiled
from arenalake.measure.merges import count_pieces, merges_of

# Words come back by Zipf's law, so those seen lately answer nearly all. 16 MB of them.
_MAX_KEPT = 1 << 19
# Bytes of a word that is kept. A long one is a number, a table or base64: it hardly comes back.
_KEPT_BYTES = 24
# Bytes of a word. Merging takes time that grows with the square.
_MAX_BYTES = 256
TOO_LONG = -1


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
        self._merges = merges_of(proto)
        self._n_pieces = len(proto.pieces)
        self._has_bytes = bool(proto.trainer_spec.byte_fallback)
        # Its bytes, then `length << 32 | pieces`; a word has one place, which the last one that wants it takes.
        self._kept = np.zeros((max_kept, _KEPT_BYTES // 8 + 1), np.uint64)

    def add_up(self, texts: pa.StringArray) -> npt.NDArray[np.int32]:
        """Sum over the words of each text; 0 for a null, `TOO_LONG` where a word is."""
        sums = np.zeros(len(texts), np.int32)
        if len(texts):
            _, offsets, data = texts.buffers()
            bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
            room = np.empty((2, _MAX_BYTES), np.int64)
            _add_up(
                np.frombuffer(data or b"", np.uint8),
                bounds,
                self._ends,
                self._kept,
                self._merges,
                self._n_pieces,
                self._has_bytes,
                room,
                sums,
            )
        return sums


@compiled
def _add_up(data, bounds, ends, kept, merges, n_pieces, has_bytes, room, sums):  # type: ignore
    mask = len(kept) - 1
    for text in range(len(sums)):
        start, stop = np.int64(bounds[text]), np.int64(bounds[text + 1])
        total = np.int64(0)
        while start < stop:
            byte = np.uint64(data[start])
            first, second, third = byte, np.uint64(0), np.uint64(0)
            end = start + 1
            while end < stop:
                before, byte = byte, np.uint64(data[end])
                if ends[(before << np.uint64(8)) | byte]:
                    break
                place = end - start
                shifted = byte << np.uint64(8 * (place & 7))
                if place < 8:
                    first |= shifted
                elif place < 16:
                    second |= shifted
                elif place < _KEPT_BYTES:
                    third |= shifted
                end += 1
            length = end - start
            if length <= _KEPT_BYTES:
                hashed = (first ^ np.uint64(length)) * np.uint64(0x9E3779B97F4A7C15)
                hashed = (hashed ^ second ^ (hashed >> np.uint64(32))) * np.uint64(0xC2B2AE3D27D4EB4F)
                hashed = (hashed ^ third ^ (hashed >> np.uint64(32))) * np.uint64(0x165667B19E3779F9)
                place = np.int64(hashed >> np.uint64(32)) & mask
                known = kept[place, 3]
                if (
                    known >> np.uint64(32) != np.uint64(length)
                    or kept[place, 0] != first
                    or kept[place, 1] != second
                    or kept[place, 2] != third
                ):
                    count = count_pieces(data, start, end, merges, n_pieces, has_bytes, room[0], room[1])
                    known = np.uint64(length) << np.uint64(32) | np.uint64(count)
                    kept[place, 0], kept[place, 1], kept[place, 2], kept[place, 3] = first, second, third, known
                total += np.int64(known & np.uint64(0xFFFFFFFF))
            elif length <= _MAX_BYTES:
                total += count_pieces(data, start, end, merges, n_pieces, has_bytes, room[0], room[1])
            else:
                total = np.int64(TOO_LONG)
                break
            start = end
        sums[text] = total

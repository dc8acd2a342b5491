"""Words of texts and what each counts for, in arrays, so that compiled code looks up every word of a corpus."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arenalake.compiled import compiled

# Words come back by Zipf's law, so a table of the words seen so far answers nearly all. Emptying it when it is full
# needs no bookkeeping per look-up; the frequent words are back after one batch.
_MAX_WORDS = 500_000
_MAX_BYTES = 8 << 20
# A long word is a number, a table or base64: it hardly comes back and would fill the memory.
_MAX_LENGTH = 64
# Words that may wait for an answer: more than a batch of common text has.
_MAX_WAITING = 1 << 16

_TEXT, _BYTE, _WORDS, _WAITING = range(4)


class WordTable:
    """What words count for, by the words.

    Attributes:
        words: number of words in the table.
    """

    def __init__(
        self,
        ends: npt.NDArray[np.bool_],
        count: Callable[[list[bytes]], list[int]],
        *,
        max_words: int = _MAX_WORDS,
        max_bytes: int = _MAX_BYTES,
        max_waiting: int = _MAX_WAITING,
    ) -> None:
        """Make an empty table.

        Args:
            ends: whether a word ends between two bytes, [first * 256 + second].
            count: says what words count for; asked once for each word, until the table is emptied.
            max_words, max_bytes: size of the table.
            max_waiting: words to ask for at a time, at most.
        """
        self.words = 0
        self._ends = ends
        self._count = count
        self._max_waiting = max_waiting
        # A power of two, half full at most.
        self._slots = np.full(1 << max_words.bit_length() + 1, -1, np.int32)
        self._heads = np.empty(max_words, np.uint64)
        self._bounds = np.zeros(max_words + 1, np.int32)
        self._letters = np.empty(max(max_bytes, _MAX_LENGTH), np.uint8)
        self._counts = np.empty(max_words, np.int32)

    def add_up(self, texts: pa.StringArray) -> npt.NDArray[np.int32]:
        """Sum over the words of each text; 0 for a null."""
        sums = np.zeros(len(texts), np.int32)
        if not len(texts):
            return sums
        _, offset_buffer, data_buffer = texts.buffers()
        offsets = np.frombuffer(offset_buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1]
        data = np.frombuffer(data_buffer or b"", np.uint8)
        # Text, word or -1, and where a word that does not enter the table begins and ends.
        waiting = np.empty((self._max_waiting, 4), np.int64)
        state = np.array([0, offsets[0], self.words, 0], np.int64)
        while state[_TEXT] < len(texts):
            _look_up(
                data,
                offsets,
                self._ends,
                self._slots,
                self._heads,
                self._bounds,
                self._letters,
                self._counts,
                sums,
                waiting,
                state,
            )
            self._answer(data, sums, waiting[: state[_WAITING]], int(state[_WORDS]))
            state[_WORDS:] = self.words, 0
        return sums

    def _answer(
        self, data: npt.NDArray[np.uint8], sums: npt.NDArray[np.int32], waiting: npt.NDArray[np.int64], words: int
    ) -> None:
        """Add what the waiting words count for, `words` being in the table now; empty the table if it is full."""
        bounds = self._bounds[self.words : words + 1]
        letters = self._letters[bounds[0] : bounds[-1]].tobytes()
        new = [letters[start:end] for start, end in pairwise((bounds - bounds[0]).tolist())]
        long = waiting[:, 1] < 0
        if new or long.any():
            counts = self._count(new + [data[start:end].tobytes() for start, end in waiting[long, 2:].tolist()])
            self._counts[self.words : words] = counts[: len(new)]
            np.add.at(sums, waiting[long, 0], np.array(counts[len(new) :], np.int32))
            np.add.at(sums, waiting[~long, 0], self._counts[waiting[~long, 1]])
        self.words = words
        if self._is_full():
            self._slots.fill(-1)
            self.words = 0

    def _is_full(self) -> bool:
        return self.words == len(self._heads) or int(self._bounds[self.words]) + _MAX_LENGTH > len(self._letters)


@compiled
def _look_up(data, offsets, ends, slots, heads, bounds, letters, counts, sums, waiting, state):  # type: ignore
    """Add up the words of each text from where `state` says, and leave there how far it came.

    It stops after the last text, or where a new word would find no room: in the table or among the waiting. A new word
    enters the table at once, so that it is new once, and waits for what it counts for.
    """
    text, start, n_words, n_waiting = state
    n_known = n_words
    mask = len(slots) - 1
    while text < len(offsets) - 1:
        stop = offsets[text + 1]
        while start < stop:
            # Most words are told apart by their length and their first eight bytes.
            byte = np.uint64(data[start])
            head, shift = byte, np.uint64(0)
            hashed = np.uint64(0)
            end = start + 1
            while end < stop:
                before, byte = byte, np.uint64(data[end])
                if ends[(before << np.uint64(8)) | byte]:
                    break
                shift += np.uint64(8)
                if shift < np.uint64(64):
                    head |= byte << shift
                else:
                    hashed = (hashed ^ byte) * np.uint64(1099511628211)
                end += 1
            length = end - start
            word = np.int64(-1)
            if length <= _MAX_LENGTH:
                hashed = (hashed ^ head ^ np.uint64(length)) * np.uint64(0x9E3779B97F4A7C15)
                slot = np.int64(hashed >> np.uint64(32)) & mask
                while slots[slot] >= 0:
                    word = np.int64(slots[slot])
                    begin = bounds[word]
                    if heads[word] == head and bounds[word + 1] - begin == length:
                        same = 8
                        while same < length and letters[begin + same] == data[start + same]:
                            same += 1
                        if same >= length:
                            break
                    word = np.int64(-1)
                    slot = (slot + 1) & mask
            if 0 <= word < n_known:
                sums[text] += counts[word]
            else:
                is_new = word < 0 and length <= _MAX_LENGTH
                has_room = n_words < len(heads) and bounds[n_words] + length <= len(letters)
                if n_waiting == len(waiting) or (is_new and not has_room):
                    state[:] = text, start, n_words, n_waiting
                    return
                if is_new:
                    word = n_words
                    slots[slot] = word
                    heads[word] = head
                    letters[bounds[word] : bounds[word] + length] = data[start:end]
                    bounds[word + 1] = bounds[word] + length
                    n_words += 1
                waiting[n_waiting, 0] = text
                waiting[n_waiting, 1] = word
                waiting[n_waiting, 2] = start
                waiting[n_waiting, 3] = end
                n_waiting += 1
            start = end
        text += 1
    state[:] = text, start, n_words, n_waiting

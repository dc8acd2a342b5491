"""Exact SentencePiece counts, fast: where a model allows it, the counts of the words of a text add up to its count.

A word here is a run of spaces with the characters behind it, up to the next space. Byte-pair merges only ever build
pieces of the vocabulary. So where no piece holds a space after another character, no merge crosses the border of a
word, and a word is cut up in the same way in any text.
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2

# How SentencePiece writes a space inside a piece.
_SPACE = "\u2581"
_BLANK = 0x20

# Words come back by Zipf's law, so a cache of the words seen so far answers nearly all. Emptying it when it is full
# keeps a worker small with no bookkeeping per look-up; the frequent words are back after one batch.
_MAX_WORDS = 400_000
# A long word is a text without spaces, a table or base64: it hardly comes back and would fill the memory.
_MAX_LENGTH = 64


def sentencepiece_counter(model: bytes) -> Callable[[pa.StringArray], npt.NDArray[np.int32]]:
    """Return a function that counts the pieces of each text of a column, without special tokens.

    Words are counted once and added up where `counts_add_up` proves that to be exact for the model, and whole texts
    are encoded otherwise. A text that itself holds the character U+2581 is encoded whole.
    """
    processor = SentencePieceProcessor(model_proto=model)
    if not counts_add_up(model):
        return lambda texts: _encode_whole(processor, texts)
    cache = _WordCache(model)

    def count(texts: pa.StringArray) -> npt.NDArray[np.int32]:
        # Null and empty texts have no pieces, and not even a leading space.
        counts = _add_up_words(cache, texts)
        holds_space_mark = pc.match_substring_regex(texts, _SPACE).to_numpy(zero_copy_only=False).astype(bool)
        if holds_space_mark.any():
            counts[holds_space_mark] = _encode_whole(processor, texts.filter(pa.array(holds_space_mark)))
        return counts

    return count


def counts_add_up(model: bytes) -> bool:
    """Whether the count of every text without U+2581 is the sum over its words, proved from the model's own file.

    That needs: byte-pair merges (they use nothing but neighbours), a text that is taken as it stands but for one space
    put before it, spaces that are pieces of their own rather than unknown (a run of unknown characters is one
    piece, across a border too), and no piece of any kind with a space behind another character.
    """
    proto = _parse(model)
    trainer, normalizer = proto.trainer_spec, proto.normalizer_spec
    pieces = [piece.piece for piece in proto.pieces]
    return (
        trainer.model_type == trainer.BPE
        and not trainer.treat_whitespace_as_suffix
        and not normalizer.precompiled_charsmap
        and normalizer.add_dummy_prefix
        and normalizer.escape_whitespaces
        and not normalizer.remove_extra_whitespaces
        and _SPACE in pieces
        and not any(_SPACE in piece.lstrip(_SPACE) for piece in pieces)
    )


class _WordCache(dict[bytes, int]):
    """Number of pieces by word, as UTF-8 with the spaces in front.

    Long words are cut up in their turn, at characters that no piece joins with another one: in Chinese and Japanese
    most are like that, and in some models digits.
    """

    def __init__(self, model: bytes) -> None:
        super().__init__()
        self._processor = SentencePieceProcessor(model_proto=model)
        loners = _loners(model)
        self._loner = min(loners, default="")
        self._joined = re.compile(f"[^{re.escape(''.join(sorted(loners)))}]+") if loners else re.compile("(?s:.+)")

    def learn(self, words: list[bytes]) -> None:
        """Encode the short words that are not here yet in one call, which costs half of a call for each."""
        new = [word for word in words if len(word) <= _MAX_LENGTH and word not in self and word.strip(b" ")]
        if len(self) + len(new) > _MAX_WORDS:
            self.clear()
        new = new[:_MAX_WORDS]
        encoded = self._processor.encode([word[1:].decode() for word in new], num_threads=1)
        self.update(zip(new, map(len, encoded), strict=True))

    def __missing__(self, word: bytes) -> int:
        if len(word) > _MAX_LENGTH:
            return self._count_parts(word.decode())
        if len(self) >= _MAX_WORDS:
            self.clear()
        n = self[word] = self._encode(word.decode())
        return n

    def _count_parts(self, word: str) -> int:
        """The first part has the spaces; to any other a loner is put in front, since it began behind one as well."""
        parts = self._joined.findall(word)
        n_loners = len(word) - sum(map(len, parts))
        behind_loners = sum(self._count(f" {self._loner}{part}") - 2 for part in parts[1:])
        return n_loners + self._count(parts[0]) + behind_loners

    def _count(self, word: str) -> int:
        encoded = word.encode()
        return self[encoded] if len(encoded) <= _MAX_LENGTH else self._encode(word)

    def _encode(self, word: str) -> int:
        # The processor puts one space before a text itself; a run of nothing but spaces would lose its place behind a
        # word, so it is counted there.
        if not word.strip(" "):
            return len(self._processor.encode("a" + word)) - len(self._processor.encode("a"))
        return len(self._processor.encode(word[1:]))


def _loners(model: bytes) -> set[str]:
    """Characters that are a piece, and part of no other piece."""
    proto = _parse(model)
    n_pieces = Counter(character for piece in proto.pieces for character in set(piece.piece))
    normal = proto.SentencePiece.NORMAL
    return {piece.piece for piece in proto.pieces if piece.type == normal and n_pieces[piece.piece] == 1}


def _parse(model: bytes) -> Any:
    proto = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    proto.ParseFromString(model)
    return proto


def _add_up_words(cache: _WordCache, texts: pa.StringArray) -> npt.NDArray[np.int32]:
    # Every text gets its leading space here, so that all words look alike.
    led = pc.binary_join_element_wise(pa.scalar(""), texts, " ")
    if not len(led):
        return np.zeros(0, np.int32)
    _, offset_buffer, data_buffer = led.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[led.offset : led.offset + len(led) + 1]
    data = np.frombuffer(data_buffer, np.uint8)[: offsets[-1]]
    # A word starts at a space with no space before it, and where a text starts.
    blank = data == _BLANK
    starts_word = np.empty_like(blank)
    np.greater(blank[1:], blank[:-1], out=starts_word[1:])
    starts_word[offsets[:-1]] = True
    starts = np.flatnonzero(starts_word)
    bounds = np.append(starts, len(data)).astype(np.int32)
    words = pa.BinaryArray.from_buffers(pa.binary(), len(starts), [None, pa.py_buffer(bounds), data_buffer])
    # A batch repeats its words, so Python sees each of them once.
    encoded = words.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    cache.learn(distinct)
    pieces = np.fromiter(map(cache.__getitem__, distinct), np.int32, len(distinct))
    first_word = np.searchsorted(starts, offsets[:-1])
    counts = np.add.reduceat(pieces[encoded.indices.to_numpy()], first_word, dtype=np.int32)
    counts[np.diff(offsets) <= 1] = 0
    return counts


def _encode_whole(processor: SentencePieceProcessor, texts: pa.StringArray) -> npt.NDArray[np.int32]:
    return np.fromiter((len(processor.encode(text)) for text in texts.to_pylist()), np.int32, len(texts))

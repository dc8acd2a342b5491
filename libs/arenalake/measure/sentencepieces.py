"""Exact SentencePiece counts, fast: where a model allows it, the counts of the words of a text add up to its count.

Byte-pair merges only ever build pieces of the vocabulary. So no merge crosses the border between two characters that
stand side by side in no piece, and what lies between two such borders, a word here, is cut up in the same way in any
text. Before a space that follows another character there is one, and mostly between letters and punctuation.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2

from arenalake.measure.words import WordTable

# How SentencePiece writes a space inside a piece.
_SPACE = "\u2581"
_BLANK = 0x20


def sentencepiece_counter(model: bytes) -> Callable[[pa.StringArray], npt.NDArray[np.int32]]:
    """Return a function that counts the pieces of each text of a column, without special tokens.

    Words are counted once and added up where `counts_add_up` proves that to be exact for the model, and whole texts
    are encoded otherwise. A text that itself holds the character U+2581 is encoded whole.
    """
    processor = SentencePieceProcessor(model_proto=model)
    proto = _parse(model)
    if not _counts_add_up(proto):
        return lambda texts: _encode_whole(processor, texts)
    table = _word_table(proto, processor)

    def count(texts: pa.StringArray) -> npt.NDArray[np.int32]:
        # Null and empty texts have no pieces, and not even a leading space.
        counts = _add_up_words(table, texts)
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
    return _counts_add_up(_parse(model))


def _counts_add_up(proto: Any) -> bool:
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


class _WordEncoder:
    """Number of pieces of words, as UTF-8 with the spaces in front."""

    def __init__(self, processor: SentencePieceProcessor, first: str) -> None:
        self._processor = processor
        self._first = first
        self._n_first = len(self._processor.encode(first))

    def count(self, words: list[bytes]) -> list[int]:
        """Pieces of each word, by one call: it costs half of a call for each."""
        # The processor puts one space before a text. A word that has none there, or nothing but spaces, which would
        # lose their place behind a word, gets a character in front that does not merge with it.
        own_space = [word[0] == _BLANK and word.strip(b" ") != b"" for word in words]
        texts = [
            word[1:].decode() if is_own else self._first + word.decode()
            for word, is_own in zip(words, own_space, strict=True)
        ]
        encoded = self._processor.encode(texts, num_threads=1)
        return [len(ids) - (0 if is_own else self._n_first) for ids, is_own in zip(encoded, own_space, strict=True)]


def _word_table(proto: Any, processor: SentencePieceProcessor) -> WordTable:
    loners = _loners(proto)
    ends = _word_ends(proto, only_before_spaces=not (proto.trainer_spec.byte_fallback and loners))
    return WordTable(ends, _WordEncoder(processor, first=min(loners, default="a")).count)


def _word_ends(proto: Any, *, only_before_spaces: bool) -> npt.NDArray[np.bool_]:
    """Whether a word ends between two bytes, [first * 256 + second].

    It does where a character begins with the second and no piece has the two side by side: bytes stand for the
    characters that end and begin with them, so some places are left out. A model without bytes as pieces joins
    unknown characters to one piece, so there words only end before spaces, as they do where no character is a piece
    that is part of no other.
    """
    ends = np.ones((256, 256), bool)
    ends[:, 0x80:0xC0] = False
    for piece in proto.pieces:
        if piece.type not in (piece.UNKNOWN, piece.CONTROL, piece.BYTE):
            text = np.frombuffer(piece.piece.replace(_SPACE, " ").encode(), np.uint8)
            ends[text[:-1], text[1:]] = False
    if only_before_spaces:
        ends[:, np.arange(256) != _BLANK] = False
    ends[_BLANK, _BLANK] = False  # the encoder takes a run of spaces as one word, or as the beginning of one
    return ends.ravel()


def _loners(proto: Any) -> set[str]:
    """Characters that are a piece, and part of no other piece."""
    n_pieces = Counter(character for piece in proto.pieces for character in set(piece.piece))
    normal = proto.SentencePiece.NORMAL
    return {piece.piece for piece in proto.pieces if piece.type == normal and n_pieces[piece.piece] == 1}


def _parse(model: bytes) -> Any:
    proto = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    proto.ParseFromString(model)
    return proto


def _add_up_words(table: WordTable, texts: pa.StringArray) -> npt.NDArray[np.int32]:
    # Every text that is not empty gets its leading space here, so that all words look alike.
    return table.add_up(pc.binary_join_element_wise(pc.if_else(pc.equal(texts, ""), None, ""), texts, " "))


def _encode_whole(processor: SentencePieceProcessor, texts: pa.StringArray) -> npt.NDArray[np.int32]:
    return np.fromiter((len(processor.encode(text)) for text in texts.to_pylist()), np.int32, len(texts))

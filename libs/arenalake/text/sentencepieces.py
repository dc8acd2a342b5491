"""Exact SentencePiece counts, fast: where a model allows it, the counts of the words of a text add up to its count.

Byte-pair merges only ever build pieces of the vocabulary. So no merge crosses the border between two characters that
stand side by side in no piece, and what lies between two such borders, a word here, is cut up in the same way in any
text. Before a space that follows another character there is one, and mostly between letters and punctuation.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2

from arenalake.text.words import SPACE, TOO_LONG, WordCounter

_BLANK = 0x20


def sentencepiece_counter(model: bytes) -> Callable[[pa.StringArray], npt.NDArray[np.int32]]:
    """Return a function that counts the pieces of each text of a column, without special tokens.

    Words are counted and added up where `counts_add_up` proves that to be exact for the model, and whole texts are
    encoded otherwise. A text that itself holds the character U+2581, a symbol that the model's user defined or a very
    long word is encoded whole.
    """
    processor = SentencePieceProcessor(model_proto=model)
    if not counts_add_up(model):
        return lambda texts: _encode_whole(processor, texts)
    proto = _parse(model)
    counter = WordCounter(_word_ends(proto), proto)
    marks = _marks(proto)

    def count(texts: pa.StringArray) -> npt.NDArray[np.int32]:
        # Every text that is not empty gets its leading space here; null and empty texts have no pieces.
        spaced = pc.binary_join_element_wise(pc.if_else(pc.equal(texts, ""), None, ""), texts, " ")
        counts = counter.add_up(spaced)
        whole = pc.fill_null(pc.match_substring_regex(spaced, marks), False).to_numpy(zero_copy_only=False)
        whole |= counts == TOO_LONG
        if whole.any():
            counts[whole] = _encode_whole(processor, texts.filter(pa.array(whole)))
        return counts

    return count


def counts_add_up(model: bytes) -> bool:
    """Whether the count of every common text is the sum over its words, proved from the model's own file.

    That needs: byte-pair merges (they use nothing but neighbours), a text that is taken as it stands but for one space
    put before it, spaces that are pieces of their own rather than unknown (a run of unknown characters is one
    piece, across a border too), no piece of any kind with a space behind another character, and none that is out of
    use (it is merged, and taken apart in the end).
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
        and SPACE in pieces
        and not any(SPACE in piece.lstrip(SPACE) for piece in pieces)
        and not any(piece.type == piece.UNUSED for piece in proto.pieces)
    )


def _word_ends(proto: Any) -> npt.NDArray[np.bool_]:
    """Whether a word ends between two bytes, [first * 256 + second].

    It does where a character begins with the second and no piece has the two side by side: bytes stand for the
    characters that end and begin with them, so some places are left out. A model without bytes as pieces joins
    unknown characters to one piece, so there words only end before spaces.
    """
    ends = np.ones((256, 256), bool)
    ends[:, 0x80:0xC0] = False
    for piece in proto.pieces:
        if piece.type == piece.NORMAL:
            text = np.frombuffer(piece.piece.replace(SPACE, " ").encode(), np.uint8)
            ends[text[:-1], text[1:]] = False
    if not proto.trainer_spec.byte_fallback:
        ends[:, np.arange(256) != _BLANK] = False
    ends[_BLANK, _BLANK] = False  # a run of spaces is one word, or the beginning of one
    return ends.ravel()


def _marks(proto: Any) -> str:
    """A pattern for what only the encoder knows how to take: the mark of a space itself, and symbols by the user."""
    symbols = [piece.piece.replace(SPACE, " ") for piece in proto.pieces if piece.type == piece.USER_DEFINED]
    return "|".join(map(re.escape, [SPACE, *symbols]))


def _parse(model: bytes) -> Any:
    proto = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    proto.ParseFromString(model)
    return proto


def _encode_whole(processor: SentencePieceProcessor, texts: pa.StringArray) -> npt.NDArray[np.int32]:
    return np.fromiter((len(processor.encode(text)) for text in texts.to_pylist()), np.int32, len(texts))

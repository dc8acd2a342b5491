"""Pieces of texts by words, and of words by merges, against SentencePiece with models of the tests' own."""

import numpy as np
import pyarrow as pa
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st
from sentencepiece import sentencepiece_model_pb2

from arenalake.text.words import TOO_LONG, WordCounter

PIECE = sentencepiece_model_pb2.ModelProto.SentencePiece
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
# The same score twice: the merge further left comes first. "é" and "c" are in pieces but none themselves.
BY_SCORE = {5: ("ab", "ba"), 4: ("aba",), 3: ("abab", "▁▁"), 2: ("▁a", "🤖b"), 1: ("▁ab", "aé", "aéb", "cc", "ccc")}
SCORED = {piece: score for score, pieces in BY_SCORE.items() for piece in pieces}
LETTERS = ["▁", "a", "b", "🤖"]


def small_model(*, with_bytes):
    proto = sentencepiece_model_pb2.ModelProto()
    proto.trainer_spec.model_type = proto.trainer_spec.BPE
    proto.trainer_spec.byte_fallback = with_bytes
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.remove_extra_whitespaces = False
    proto.pieces.add(piece="<unk>", score=0, type=PIECE.UNKNOWN)
    for piece in BYTES if with_bytes else []:
        proto.pieces.add(piece=piece, score=0, type=PIECE.BYTE)
    for piece, score in (SCORED | dict.fromkeys(LETTERS, -1)).items():
        proto.pieces.add(piece=piece, score=score)
    return proto


def before_spaces():
    ends = np.zeros((256, 256), bool)
    ends[:, ord(" ")] = True
    ends[ord(" "), ord(" ")] = False
    return ends.ravel()


def counter(*, with_bytes=True, **sizes):
    return WordCounter(before_spaces(), small_model(with_bytes=with_bytes), **sizes)


def encoded(texts, *, with_bytes=True):
    """Number of pieces of each text with a space before it, as SentencePiece puts one there itself."""
    model = small_model(with_bytes=with_bytes).SerializeToString()
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [len(processor.encode(text[1:])) if text else 0 for text in texts]


TEXTS = st.lists(st.text(alphabet="ab cé🤖日x", min_size=1, max_size=40).map(" ".__add__), max_size=8)


@pytest.mark.parametrize("with_bytes", [True, False])
@pytest.mark.parametrize("max_kept", [1, 4, 1 << 10])
@settings(deadline=None, max_examples=60)
@given(batches=st.lists(TEXTS, max_size=3))
def test_texts_count_as_sentencepiece_counts_them_however_few_words_are_kept(with_bytes, max_kept, batches):
    words = counter(with_bytes=with_bytes, max_kept=max_kept)
    for texts in batches:
        sums = words.add_up(pa.array(texts, pa.string()))
        assert sums.tolist() == encoded(texts, with_bytes=with_bytes)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 255])
def test_words_of_any_length_and_at_any_place_in_memory_are_told_apart(length):
    letters = "abx"[: 1 + length % 3]
    words = [" " + (letters * length)[:length], " " + (letters[::-1] * length)[:length]]
    texts = [word for shift in range(1, 10) for word in (" " + "b" * shift, *words)]
    kept = counter()
    for _ in range(2):
        assert kept.add_up(pa.array(texts)).tolist() == encoded(texts)


def test_the_best_score_is_merged_first_and_of_equal_ones_the_first_from_the_left():
    # ▁ aba; ▁ abab; ▁ ba a; ▁ab ba: ab is as good as ba, and ▁a is worse than both.
    texts = [" aba", " abab", " baa", " abba"]
    assert counter().add_up(pa.array(texts)).tolist() == encoded(texts) == [2, 2, 3, 2]


def test_what_is_no_piece_counts_for_its_bytes_or_a_run_of_it_for_one():
    texts = [" 日本x", " c日c", " xaéb", " é"]
    assert counter().add_up(pa.array(texts)).tolist() == encoded(texts) == [8, 6, 3, 3]
    without = counter(with_bytes=False).add_up(pa.array(texts))
    assert without.tolist() == encoded(texts, with_bytes=False) == [2, 2, 3, 2]


def test_words_that_differ_in_one_byte_anywhere_are_different():
    texts = [" " + "a" * n + "x" + "a" * (40 - n) for n in range(41)] + [" " + "ab" * n for n in range(1, 65)]
    words = counter()
    for _ in range(2):
        assert words.add_up(pa.array(texts)).tolist() == encoded(texts)


def test_slices_nulls_and_zero_bytes_are_counted_as_they_stand():
    texts = pa.array([" skipped", " a\x00", " a", " a\x00\x00", None, "", " ab"])
    words = counter()
    assert words.add_up(texts.slice(1)).tolist() == [2, 1, 3, 0, 0, 1]
    assert words.add_up(texts.slice(1)).tolist() == [2, 1, 3, 0, 0, 1]
    assert words.add_up(texts.slice(0, 0)).tolist() == []


def test_the_longest_word_that_is_counted_has_256_bytes():
    longest, longer = " " + "ab" * 127 + "x", " " + "ab" * 128
    assert (len(longest), len(longer)) == (256, 257)
    assert counter().add_up(pa.array([longest, longer, longest])).tolist() == [
        *encoded([longest]),
        TOO_LONG,
        *encoded([longest]),
    ]


def test_a_text_with_a_very_long_word_says_so():
    texts = [" ab", " a " + "x" * 1000 + " a", " " + "x" * 1000, " ab ab"]
    sums = counter().add_up(pa.array(texts)).tolist()
    assert sums == [1, TOO_LONG, TOO_LONG, 2]

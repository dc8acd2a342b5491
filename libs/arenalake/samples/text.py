"""Whole texts at once: word ranks are drawn, become piece numbers, and one `take` writes all texts of a chunk."""

from functools import lru_cache

import numpy as np
import pyarrow as pa

from arenalake.samples.draws import Bools, Floats, Ints
from arenalake.samples.vocabulary import SCRIPTS, Kind, Shape, vocabulary

# Shares of places in a text that are not plain words, for prompts and for answers.
KIND_SHARES = {
    "prompt": {Kind.COMMA: 0.04, Kind.STOP: 0.05, Kind.PARAGRAPH: 0.004},
    "answer": {
        Kind.COMMA: 0.05,
        Kind.STOP: 0.05,
        Kind.PARAGRAPH: 0.008,
        Kind.LIST_ITEM: 0.008,
        Kind.BOLD: 0.004,
        Kind.HEADER: 0.001,
        Kind.CODE: 0.0008,
    },
}
# Among the words of a text in which names of persons were replaced.
NAME_SHARE = 0.02

# Of Zipf's law for words: a third of a text is words outside the few hundred common ones.
WORD_EXPONENT = 1.1

# The shape of a word after each kind of piece.
_SHAPE_AFTER = np.zeros(len(Kind), dtype=np.int32)
_SHAPE_AFTER[Kind.STOP] = Shape.SENTENCE_START
_SHAPE_AFTER[[Kind.PARAGRAPH, Kind.HEADER, Kind.LIST_ITEM, Kind.CODE]] = Shape.LINE_START

_TOKENS_PER_PIECE = np.array([[script.tokens_prompt, script.tokens_answer] for script in SCRIPTS])


def pieces_for(tokens: Floats, script: Ints, answer: Bools) -> Ints:
    """How many pieces a text needs to have about this many tokens; at least one."""
    pieces: Ints = np.rint(tokens / _TOKENS_PER_PIECE[script, answer.astype(np.int64)]).astype(np.int64)
    return np.maximum(pieces, 1)


def compose_texts(
    rng: np.random.Generator, *, script: Ints, n_pieces: Ints, answer: Bools, named: Bools, popular: Ints
) -> tuple[pa.Array, Bools]:
    """Write one text per entry of the arguments.

    Args:
        script: index into `SCRIPTS`.
        n_pieces: length in pieces; 0 gives an empty text.
        answer: the text is an answer (it has Markdown), not a prompt.
        named: names of persons in it were replaced by NAME_1 and so on.
        popular: number of the ready-made prompt that the text is, or -1.

    Returns:
        The texts, and whether each holds a replaced name.
    """
    words = vocabulary()
    n_pieces = np.where(popular >= 0, 1, n_pieces)
    ends = np.cumsum(n_pieces)
    starts = ends - n_pieces
    total = int(ends[-1]) if len(ends) else 0
    first = starts[n_pieces > 0]
    script_of = np.repeat(script.astype(np.int32), n_pieces)

    kind = _kind_table()[_kind_row(answer, named, n_pieces) + rng.integers(0, 2**16, total, dtype=np.uint16)]
    _mend_kinds(kind, first, starts, ends, n_pieces)
    shape = np.zeros(total, dtype=np.int32)
    shape[1:] = _SHAPE_AFTER[kind[:-1]]
    shape[first] = Shape.LINE_START
    shape[kind == Kind.BOLD] = Shape.BOLD

    count = words.word_count[script_of]
    rank = _zipf_ranks(rng.random(total, dtype=np.float32), words.word_count, script_of)
    piece = words.word_start[script_of] + shape * count + rank
    marks = np.flatnonzero(kind > Kind.BOLD)
    at = script_of[marks], kind[marks]
    piece[marks] = words.mark_start[at] + rank[marks] % words.mark_count[at]
    ready = popular >= 0
    piece[starts[ready]] = words.popular_start + popular[ready]

    pieces = words.pieces.take(pa.array(piece))
    _, offsets, data = pieces.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32, count=total + 1)[np.append(starts, total)]
    texts = pa.StringArray.from_buffers(len(n_pieces), pa.py_buffer(bounds), data)
    has_name = np.zeros(len(n_pieces), dtype=bool)
    has_name[np.searchsorted(ends, np.flatnonzero(kind == Kind.NAME), side="right")] = True
    return texts, has_name & ~ready


def _zipf_ranks(uniform: Floats, counts: Ints, script_of: Ints) -> Ints:
    """Ranks from 0 that follow Zipf's law over each script's words: the inverse of its integral, in closed form."""
    power = 1 - WORD_EXPONENT
    mass = (1 - (counts + 1.0) ** power).astype(np.float32)
    ranks: Ints = np.exp(np.log1p(-uniform * mass[script_of]) * np.float32(1 / power)).astype(np.int32) - 1
    return np.minimum(ranks, counts[script_of] - 1)


@lru_cache(maxsize=1)
def _kind_table() -> Ints:
    """Kind of piece for each of 65,536 equally likely draws: prompts, answers, then both with replaced names."""
    rows = []
    for name_share in (0.0, NAME_SHARE):
        for shares in KIND_SHARES.values():
            row = np.zeros(2**16, dtype=np.uint8)
            end = 0
            for kind, share in {**shares, Kind.NAME: name_share}.items():
                start, end = end, end + round(share * 2**16)
                row[start:end] = kind
            rows.append(row)
    return np.concatenate(rows)


def _kind_row(answer: Bools, named: Bools, n_pieces: Ints) -> Ints:
    return np.repeat((answer.astype(np.int32) + 2 * named.astype(np.int32)) << 16, n_pieces)


def _mend_kinds(kind: Ints, first: Ints, starts: Ints, ends: Ints, n_pieces: Ints) -> None:
    """No mark opens a text or follows another, and all but the shortest texts end with a stop."""
    marked = kind != Kind.WORD
    kind[1:][marked[:-1]] = Kind.WORD
    kind[first] = Kind.WORD
    sentences = n_pieces >= 3
    kind[ends[sentences] - 1] = Kind.STOP
    kind[ends[sentences] - 2] = Kind.WORD

"""Files that are one JSON array: its elements, found in one pass in bounded memory.

Spark reads such a file as text that is cut at each opening brace, so that no piece is larger than one text in it. The
pieces of a file are joined again in their order, and cut where an element ends.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from arenalake.compiled import compiled
from arenalake.ingest.files import RawFile, for_reader, reader_of

_CUT_AT = "{"
_SPACE = "\ufeff \t\r\n"
# Bytes that are looked at in one go, and that elements are handed on in.
_BLOCK, _BATCH = 2**20, 2**22
_QUOTE, _COMMA, _OPEN_LIST, _ESCAPE, _CLOSE_LIST, _OPEN_OBJECT, _CLOSE_OBJECT = map(ord, '",[\\]{}')


def read_pieces(spark: SparkSession, files: Sequence[RawFile]) -> DataFrame:
    """The text of the files, cut at each opening brace, which is left out: value, and `_metadata`."""
    reader = reader_of(spark, [file.path for file in files])
    return reader.option("lineSep", _CUT_AT).text([for_reader(file.path) for file in files])


def is_array(spark: SparkSession, file: RawFile) -> bool:
    """Whether the text of a file begins like a list."""
    first = read_pieces(spark, [file]).where("_metadata.file_block_start = 0").head(1)
    return bool(first) and first[0]["value"].lstrip(_SPACE).startswith("[")


def join_pieces(pieces: DataFrame, *, n_files: int) -> DataFrame:
    """The elements of arrays.

    Args:
        pieces: file, value, block_start and row_id, by the last two of which the pieces of a file are in order.
        n_files: number of files; each is one task.

    Returns:
        file, position (of the element in its file, from 0), value (its text). What else is in a file, such as the last
        element of one that was cut off, is an element too: nothing is lost. The last one is empty where the array ends
        behind a whole element and not by its bracket.
    """
    in_order = pieces.repartition(n_files, "file").sortWithinPartitions("file", "block_start", "row_id")
    # As bytes, since text that is not UTF-8 has to come out as it came in.
    texts = in_order.select("file", F.col("value").cast("binary").alias("value"))
    elements = texts.mapInArrow(split_arrays, "file string, position bigint, value binary")
    return elements.select("file", "position", F.col("value").cast("string").alias("value"))


def split_arrays(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Pieces (file, value) of whole files, one file after the other, as elements (file, position, value)."""
    elements = None
    for batch in batches:
        rows = zip(batch["file"].to_pylist(), batch["value"].to_pylist(), strict=True)
        for file, of_file in groupby(rows, key=lambda row: row[0]):
            if elements is None or elements.file != file:
                if elements is not None:
                    yield elements.take(last=True)
                elements = _Elements(file)
            elements.add([value for _, value in of_file])
            if elements.size >= _BATCH:
                yield elements.take()
    if elements is not None:
        yield elements.take(last=True)


class _Elements:
    """The elements of one file, as its pieces come in."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.size = 0
        self._found: list[bytes] = []
        self._n_taken = 0
        self._unfinished = bytearray()
        self._state = np.zeros(4, np.int64)
        self._is_first = True

    def add(self, pieces: Sequence[bytes]) -> None:
        cut = _CUT_AT.encode()
        text = (b"" if self._is_first else cut) + cut.join(pieces)
        self._is_first = False
        for start in range(0, len(text), _BLOCK):
            block = text[start : start + _BLOCK]
            last = 0
            for end in find_ends(np.frombuffer(block, np.uint8), self._state):
                self._unfinished += block[last:end]
                self._finish()
                last = end + 1
            self._unfinished += block[last:]

    def _finish(self) -> None:
        element = bytes(self._unfinished.strip(b" \t\r\n"))
        self._unfinished.clear()
        if element:
            self._found.append(element)
            self.size += len(element)

    def take(self, *, last: bool = False) -> pa.RecordBatch:
        """What was found since this was called last, as file, position, value."""
        if last:
            self._finish()
            inside, depth, quoted, _ = self._state
            if inside and not depth and not quoted:
                self._found.append(b"")
        position = np.arange(self._n_taken, self._n_taken + len(self._found))
        files = pa.array([self.file] * len(self._found), pa.string())
        batch = pa.record_batch([files, pa.array(position), pa.array(self._found, pa.binary())], _NAMES)
        self._n_taken, self._found, self.size = self._n_taken + len(self._found), [], 0
        return batch


_NAMES = ["file", "position", "value"]


@compiled
def find_ends(text: npt.NDArray[np.uint8], state: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where the elements of an array end: the places of its bracket, of the commas between them, and of the other one.

    Args:
        text: bytes of the next part of the file.
        state: what is open after the part before: the array, lists and objects in an element (their number), a string,
            and an escape in it. Zeros at first; changed to what is open after this part.
    """
    inside, depth, quoted, escaped = state
    ends = np.empty(len(text), np.int32)
    n_ends = 0
    for place in range(len(text)):
        byte = text[place]
        if quoted:
            if escaped:
                escaped = 0
            elif byte == _ESCAPE:
                escaped = 1
            elif byte == _QUOTE:
                quoted = 0
        elif byte == _QUOTE:
            quoted = 1
        elif byte in (_OPEN_OBJECT, _OPEN_LIST):
            if byte == _OPEN_LIST and not inside:
                inside = 1
                ends[n_ends] = place
                n_ends += 1
            else:
                depth += 1
        elif byte in (_CLOSE_OBJECT, _CLOSE_LIST):
            if depth:
                depth -= 1
            elif byte == _CLOSE_LIST and inside:
                inside = 0
                ends[n_ends] = place
                n_ends += 1
        elif byte == _COMMA and inside and not depth:
            ends[n_ends] = place
            n_ends += 1
    state[:] = inside, depth, quoted, escaped
    return ends[:n_ends].astype(np.int64)

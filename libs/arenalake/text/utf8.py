"""Bytes of texts, for compiled code.

What decodes them stands in each file of compiled functions, since those are not made anew when another file changes.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def bytes_of(texts: pa.StringArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Where the bytes of texts are, without a copy.

    Returns:
        The bytes of all, and bounds in them: text i is from `bounds[i]` to `bounds[i + 1]`, [texts + 1]. A null hides
        bytes where Arrow was given some.
    """
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.empty(0, np.uint8), np.zeros(1, np.int32)
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data or b"", np.uint8), bounds

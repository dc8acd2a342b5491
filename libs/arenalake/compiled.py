"""Machine code for loops that have no array form."""

import os
from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call, and keep the code on disk for the workers that come later.

    Division by zero gives an infinity or NaN, as in NumPy: a check for it would keep loops from becoming vector
    instructions. Where no folder can be written, as for some executors, each process compiles for itself.
    """
    try:
        kept = njit(cache=True, nogil=True, error_model="numpy")(function)
        folder = str(kept.stats.cache_path)
        os.makedirs(folder, exist_ok=True)
        if os.access(folder, os.W_OK):
            return kept
    except (OSError, RuntimeError):  # numba finds no place at all, or one that cannot be made
        pass
    return njit(nogil=True, error_model="numpy")(function)

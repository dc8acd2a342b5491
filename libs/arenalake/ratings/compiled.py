"""Machine code for loops over battles that have no array form; kept on disk, so that workers need not compile again."""

from collections.abc import Callable
from typing import Any

from numba import njit

compiled: Callable[[Callable[..., Any]], Callable[..., Any]] = njit(cache=True, nogil=True)

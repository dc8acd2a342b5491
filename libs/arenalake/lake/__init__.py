"""Tables of one storage location: read, written, and rebuilt where what they come from has changed."""

from arenalake.lake.derivation import Derivation, Statistic, derive
from arenalake.lake.lake import Lake

__all__ = ["Derivation", "Lake", "Statistic", "derive"]

"""Tables of one storage location: read, written, and rebuilt where what they come from has changed."""

from arenalake.lake.lake import Derivation, Lake

__all__ = ["Derivation", "Lake"]

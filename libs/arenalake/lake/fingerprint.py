"""How a derived table was derived, as its commits carry it, and what tells whether a table is what it was."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from arenalake import __version__


@dataclass(frozen=True)
class State:
    """What is equal as long as the rows of a table are: how they were derived, or else which commit made them.

    Attributes:
        derived: digest of a fingerprint.
        table, version: Delta Lake's id of the table, and the newest commit that changed rows.
    """

    derived: str | None = None
    table: str | None = None
    version: int | None = None


@dataclass(frozen=True)
class Fingerprint:
    """How a table was derived.

    Attributes:
        how: digest of settings, declared columns and version of this package.
        inputs: the state of each input that was there, by the name of its table.
    """

    how: str
    inputs: Mapping[str, State] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any], columns: str, inputs: Mapping[str, State]) -> "Fingerprint":
        """The fingerprint of a table with these settings and columns, made of inputs in these states."""
        how = {"settings": dict(settings), "columns": columns, "version": __version__}
        return cls(_digest(how), inputs)

    @classmethod
    def read(cls, text: str | None) -> "Fingerprint | None":
        """The fingerprint that a commit carries; None where it carries none, or something else."""
        try:
            return _JSON.validate_json(text or "")
        except ValidationError:
            return None

    @property
    def text(self) -> str:
        """What a commit carries; `read` understands it."""
        return _JSON.dump_json(self, exclude_none=True).decode()

    @property
    def state(self) -> State:
        """The state of a table that was derived so."""
        return State(derived=_digest(asdict(self)))


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


_JSON = TypeAdapter(Fingerprint)

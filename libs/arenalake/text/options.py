"""Options of the configuration: how texts are measured."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from arenalake.hints import did_you_mean
from arenalake.section import Section
from arenalake.text.detectors import DETECTORS


class TokensConfig(Section):
    """The tokenizers that count tokens."""

    tokenizers: Annotated[list[str], Field(min_length=1)] = ["sample"]


class LanguageConfig(Section):
    """Which conversations get their language detected, and by which detector.

    `missing` means conversations without a published language. `sample` adds about `sample_size` conversations per
    source and published language (all of a rarer one), chosen by `seed` and conversation id. `all` detects all of them.
    """

    detector: str = "langdetect"
    detect: Literal["missing", "sample", "all"] = "missing"
    sample_size: int = Field(default=200, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)

    @field_validator("detector")
    @classmethod
    def _detector_is_known(cls, name: str) -> str:
        if name not in DETECTORS:
            raise ValueError(
                f"is not a known detector; known: {', '.join(sorted(DETECTORS))}{did_you_mean(name, DETECTORS)}"
            )
        return name

"""What the configuration says about one source, and the outcomes that its labels can stand for."""

from math import isfinite
from typing import Any, Literal

from pydantic import Field, field_validator

from arenalake.section import Section

WINNERS = ("model_a", "model_b", "tie", "tie (bothbad)")


class SourceSettings(Section):
    """One data set: how its files look and where they are."""

    format: str
    path: str = Field(min_length=1)
    columns: dict[str, str] = {}
    winner_labels: dict[str, Literal[WINNERS]] = {}  # type: ignore[valid-type]
    judge_kind: Literal["human", "model"] = "human"
    # The grade that is all for model_b, then the one that is all for model_a.
    likert_scale: tuple[float, float] | None = None

    @field_validator("likert_scale")
    @classmethod
    def _scale_has_two_ends(cls, scale: tuple[float, float] | None) -> tuple[float, float] | None:
        if scale is not None and not (all(map(isfinite, scale)) and scale[0] != scale[1]):
            raise ValueError("must be two different grades: all for model_b, then all for model_a, as in [1, 8]")
        return scale

    @field_validator("winner_labels", mode="before")
    @classmethod
    def _labels_are_text(cls, labels: Any) -> Any:
        # YAML reads 1, yes and null as numbers, booleans and nothing; a label in a file is always text.
        return {str(key): value for key, value in labels.items()} if isinstance(labels, dict) else labels

"""What the configuration says about one source, and the outcomes that its labels can stand for."""

from math import isfinite
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, field_validator

from arenalake.section import Section
from arenalake.sources.names import clean_name

WINNERS = ("model_a", "model_b", "tie", "tie (bothbad)")
TIES = ("tie", "tie (bothbad)")
# Every label of the published releases; anything else is unknown, and never a tie.
PUBLISHED_LABELS = {
    **{winner: winner for winner in WINNERS},
    "bothbad": "tie (bothbad)",
    "both_bad": "tie (bothbad)",
    "tie (both bad)": "tie (bothbad)",
    "tie (inconsistent)": "tie",
}
# Those that say more than the outcome they stand for; `battles.winner_label` keeps them.
TELLING_LABELS = ("tie (inconsistent)",)


class SourceSettings(Section):
    """One data set: how its files look and where they are.

    `identity_phrases` give a model away in an answer; a list, or the path of a YAML file with one, which is read with
    the configuration, so that executors need no file. `winner_is` model means that `winner` holds the name of the model
    that won; then `winner_labels` are those of ties.
    """

    format: str
    path: str = Field(min_length=1)
    columns: dict[str, str] = {}
    winner_labels: dict[str, Literal[WINNERS]] = {}  # type: ignore[valid-type]
    winner_is: Literal["label", "model"] = "label"
    judge_kind: Literal["human", "model"] = "human"
    identity_phrases: tuple[str, ...] = ()

    @field_validator("identity_phrases", mode="before")
    @classmethod
    def _phrases_are_read(cls, phrases: Any) -> Any:
        if not isinstance(phrases, str):
            return phrases
        try:
            listed = yaml.safe_load(Path(phrases).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not YAML in UTF-8"
            raise ValueError(
                f"cannot be read ({reason}); give a list, or the path of a YAML file with a list"
            ) from None
        if not isinstance(listed, list) or not all(isinstance(phrase, str) for phrase in listed):
            raise ValueError("must name a YAML file that holds a list of texts")
        return listed

    @field_validator("identity_phrases")
    @classmethod
    def _no_phrase_is_empty(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        if not all(phrase.strip() for phrase in phrases):
            raise ValueError("holds an empty phrase, which every answer would contain")
        return phrases

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
        if not isinstance(labels, dict):
            return labels
        for label in labels:
            # A file may write true or True, and nobody can tell which of them YAML was given.
            if isinstance(label, bool) or label is None:
                raise ValueError(
                    f"has the label {label}, which YAML did not read as text; write it in quotes as it stands in the "
                    "file, such as 'true' or 'yes'"
                )
        # YAML reads 1 as a number; a label in a file is text, without what surrounds it, and 1.0 is 1.
        return {clean_name(str(label)): winner for label, winner in labels.items()}

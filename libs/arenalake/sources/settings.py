"""What the configuration can say about a source, and the outcomes that its labels can stand for."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BeforeValidator, Field

from arenalake.labels import PUBLISHED_LABELS, TELLING_LABELS, TIES, WINNERS, clean_labels
from arenalake.section import Section

__all__ = ["PUBLISHED_LABELS", "TELLING_LABELS", "TIES", "WINNERS"]


def _as_list(phrases: Any) -> Any:
    if not isinstance(phrases, str):
        return phrases
    try:
        listed = yaml.safe_load(Path(phrases).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not YAML in UTF-8"
        raise ValueError(f"cannot be read ({reason}); give a list, or the path of a YAML file with a list") from None
    if not isinstance(listed, list) or not all(isinstance(phrase, str) for phrase in listed):
        raise ValueError("must name a YAML file that holds a list of texts")
    return listed


def _none_is_empty(phrases: tuple[str, ...]) -> tuple[str, ...]:
    if not all(phrase.strip() for phrase in phrases):
        raise ValueError("holds an empty phrase, which every answer would contain")
    return phrases


def _with_text_as_labels(labels: Any) -> Any:
    if not isinstance(labels, dict):
        return labels
    for label in labels:
        # A file may write true or True, and nobody can tell which of them YAML was given.
        if isinstance(label, bool) or label is None:
            raise ValueError(
                f"has the label {label}, which YAML did not read as text; write it in quotes and spelt as in the data, "
                "such as 'true' or 'yes'"
            )
    # YAML reads 1 as a number; a label in a file is text, without what surrounds it, and 1.0 is 1.
    return clean_labels((str(label), winner) for label, winner in labels.items())


WinnerLabels = Annotated[
    dict[str, Literal[WINNERS]],  # type: ignore[valid-type]
    BeforeValidator(_with_text_as_labels),
]


class SourceSettings(Section):
    """One data set: how its files look and where they are. Formats add what else can be said about theirs.

    Title, licence, citation and url take the place of what the format says of itself.
    """

    format: str
    path: str = Field(min_length=1)
    title: str | None = Field(default=None, min_length=1)
    licence: str | None = Field(default=None, min_length=1)
    citation: str | None = Field(default=None, min_length=1)
    url: str | None = Field(default=None, pattern="^https?://")


class VoteSettings(SourceSettings):
    """Votes; who casts them where the records do not say."""

    judge_kind: Literal["human", "model"] = "human"


class BattleSettings(VoteSettings):
    """Votes on texts. The phrases give a model away in an answer.

    They are a list, or the path of a YAML file with one, which is read with the configuration, so that executors need
    no file.
    """

    identity_phrases: Annotated[tuple[str, ...], BeforeValidator(_as_list), AfterValidator(_none_is_empty)] = ()


class LabelledBattleSettings(BattleSettings):
    """Votes on texts whose outcome is a label: what labels stand for beside the published ones."""

    winner_labels: WinnerLabels = {}

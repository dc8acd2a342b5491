"""Options of the configuration: a source."""

from pydantic import field_validator, model_validator

from arenalake.sources import SOURCES
from arenalake.sources.battle import ONE_HOT
from arenalake.sources.settings import TIES, SourceSettings


class SourceConfig(SourceSettings):
    """A source whose format is known and whose columns can be mapped in it."""

    @field_validator("format")
    @classmethod
    def _format_is_known(cls, name: str) -> str:
        if name not in SOURCES:
            raise ValueError(f"is not a known format; known: {', '.join(sorted(SOURCES))}")
        return name

    @model_validator(mode="after")
    def _columns_can_be_mapped(self) -> "SourceConfig":
        mappable = SOURCES[self.format].mappable
        unknown = sorted(set(self.columns) - set(mappable))
        if unknown:
            allowed = f"only {', '.join(mappable)} can be mapped" if mappable else "its columns are fixed"
            raise ValueError(f"columns {', '.join(unknown)} cannot be mapped in format {self.format}: {allowed}")
        return self

    @model_validator(mode="after")
    def _phrases_have_answers_to_be_in(self) -> "SourceConfig":
        source = SOURCES[self.format]
        if self.identity_phrases and not (source.has_battles and source.has_conversations):
            both = sorted(name for name, other in SOURCES.items() if other.has_battles and other.has_conversations)
            raise ValueError(f"identity_phrases are for votes on texts ({', '.join(both)}), not for {self.format}")
        return self

    @model_validator(mode="after")
    def _grades_become_scores_once(self) -> "SourceConfig":
        if self.likert_scale is None:
            return self
        if "likert" not in SOURCES[self.format].mappable:
            raise ValueError(f"`likert_scale` has no use in format {self.format}, which takes no grades")
        if "score" in self.columns:
            raise ValueError("give either `likert_scale` or a column for `score`, not both")
        return self

    @model_validator(mode="after")
    def _outcomes_are_marked_or_labelled(self) -> "SourceConfig":
        marked = [name for name in ONE_HOT if name in self.columns]
        if not marked:
            return self
        missing = [name for name in ("winner_model_a", "winner_model_b") if name not in marked]
        if missing:
            raise ValueError(f"columns: {', '.join(marked)} cannot be mapped without {', '.join(missing)}")
        if "winner" in self.columns:
            raise ValueError(f"columns: give either winner, or {', '.join(marked)}, not both")
        if len({self.columns[name] for name in marked}) < len(marked):
            raise ValueError(f"columns: {', '.join(marked)} must be different columns of the file")
        return self

    @model_validator(mode="after")
    def _only_votes_have_winners_and_judges(self) -> "SourceConfig":
        source = SOURCES[self.format]
        given = {"winner_labels", "winner_is"} & self.model_fields_set
        if not source.has_battles:
            unused = given | ({"judge_kind"} & self.model_fields_set)
            if unused:
                raise ValueError(
                    f"{', '.join(sorted(unused))} cannot be given in format {self.format}, which has no votes"
                )
        elif given and not any(field.name == "winner" for field in source.fields(self)):
            raise ValueError(f"{', '.join(sorted(given))} cannot be given where each outcome has a column of its own")
        return self

    @model_validator(mode="after")
    def _winners_are_models_or_ties(self) -> "SourceConfig":
        if self.winner_is == "label":
            return self
        if "winner" not in SOURCES[self.format].mappable:
            raise ValueError(f"`winner_is: model` has no use in format {self.format}, which has labels of its own")
        wins = sorted(text for text, winner in self.winner_labels.items() if winner not in TIES)
        if wins:
            raise ValueError(
                f"winner_labels: with `winner_is: model` only ties have labels, but {', '.join(wins)} stands for a win"
            )
        return self

"""Options of the configuration: which judges belong together, and what their agreement is looked at by."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from arenalake.errors import ConfigError
from arenalake.section import Section

GROUPING_COLUMNS = ("turn", "category", "model_a", "model_b")


def _as_list(patterns: object) -> object:
    return [patterns] if isinstance(patterns, str) else patterns


def _named(patterns: list[str]) -> list[str]:
    if not patterns or not all(pattern.strip() for pattern in patterns):
        raise ValueError("must be a name, with * and ? as wildcards, or a list of names")
    return patterns


Patterns = Annotated[list[str], BeforeValidator(_as_list), AfterValidator(_named)]


class JudgesConfig(Section):
    """Groups of judges, and how they are compared.

    `groups` gives names of judges for each group, with `*` and `?` as wildcards. A judge is in the first group that
    matches; a judge that matches no group is in the group of its kind, `human` or `model`. If a vote has no judge, the
    name of its source is used. `matched` lists sets of sources whose votes on the same question, pair of models and
    turn are compared; in the tables, such a set is one source with the name of the set. `families` gives, by group,
    the names of models that are related to its judges. `single` also compares single judges: each pair of judges that
    share an item. `tokenizer` is a name in the tables of one of `tokens.tokenizers`; None means the first of them.
    """

    groups: dict[str, Patterns] = {}
    matched: dict[str, Annotated[list[str], Field(min_length=2)]] = {}
    families: dict[str, Patterns] = {}
    groupings: Annotated[list[str], Field(min_length=1)] = ["all", "turn", "category", "model_a,model_b"]
    single: bool = False
    min_questions: int = Field(default=30, ge=2)
    tokenizer: str | None = None

    def with_tokenizer(self, counted: Sequence[str]) -> "JudgesConfig":
        """The options with a tokenizer that messages are measured with.

        Args:
            counted: the names of `tokens.tokenizers` in the tables.

        Raises:
            ConfigError: the one that is named is not among them.
        """
        if self.tokenizer is not None and self.tokenizer not in counted:
            raise ConfigError(
                f"judges.tokenizer: {self.tokenizer!r} is not among the names of tokens.tokenizers in the tables, "
                f"which are {', '.join(counted)}; give one of them, or leave the key out to use the first"
            )
        return self.model_copy(update={"tokenizer": self.tokenizer or counted[0]})

    @field_validator("groupings")
    @classmethod
    def _groupings_name_columns(cls, groupings: list[str]) -> list[str]:
        for grouping in groupings:
            names = grouping.split(",")
            if grouping != "all" and (not set(names) <= set(GROUPING_COLUMNS) or len(set(names)) < len(names)):
                raise ValueError(
                    f"{grouping!r} must be all, or one or more of {', '.join(GROUPING_COLUMNS)}, each once"
                )
        if len(set(groupings)) < len(groupings):
            raise ValueError("a grouping is listed twice")
        return groupings

    @model_validator(mode="after")
    def _families_are_of_groups(self) -> "JudgesConfig":
        known = [*self.groups, "human", "model"]
        unknown = sorted(set(self.families) - set(known))
        if unknown:
            raise ValueError(f"families: {', '.join(unknown)} is not a group; groups are {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _sources_are_in_one_set(self) -> "JudgesConfig":
        listed = [source for sources in self.matched.values() for source in sources]
        twice = sorted({source for source in listed if listed.count(source) > 1})
        if twice:
            raise ValueError(f"matched: {', '.join(twice)} is listed twice")
        return self

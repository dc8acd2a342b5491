"""The typed configuration: YAML files, `--set` overrides, and what each key may hold.

Unknown keys are errors, and secrets have no place here: credentials belong to the cluster or the environment.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from arenalake.app.options import SparkConfig
from arenalake.battles.options import CleaningConfig
from arenalake.errors import ConfigError
from arenalake.lake.options import StorageConfig
from arenalake.ratings.options import (
    BootstrapConfig,
    RatingsConfig,
)
from arenalake.samples.options import GenerateConfig
from arenalake.section import Section
from arenalake.sources import SOURCES
from arenalake.sources.battle import ONE_HOT
from arenalake.sources.settings import TIES, SourceSettings
from arenalake.text.options import LanguageConfig, TokensConfig


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


class ReportConfig(Section):
    path: str | None = None
    min_cell: int = Field(default=10, ge=0)


class MlflowConfig(Section):
    enabled: bool = True
    tracking_uri: str | None = None
    experiment: str = "arenalake"


JobName = Literal[
    "generate",
    "ingest",
    "measure",
    "corpus_stats",
    "token_stats",
    "moderation_stats",
    "battle_stats",
    "ratings",
    "recovery",
    "reproduce",
    "report",
]


class PipelineConfig(Section):
    """Which jobs `jobs/pipeline.py` runs; it sorts them into dependency order itself.

    `rebuild` makes every derived table anew, and `reread` lists sources whose files are read again with the settings at
    hand; what they gave before is replaced.
    """

    jobs: Annotated[list[JobName], Field(min_length=1)] = [
        "ingest",
        "measure",
        "corpus_stats",
        "token_stats",
        "moderation_stats",
        "battle_stats",
        "ratings",
        "reproduce",
        "report",
    ]
    rebuild: bool = False
    reread: list[str] = []


class Config(Section):
    storage: StorageConfig
    spark: SparkConfig = SparkConfig()
    sources: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")], SourceConfig] = {}
    tokens: TokensConfig = TokensConfig()
    language: LanguageConfig = LanguageConfig()
    cleaning: CleaningConfig = CleaningConfig()
    ratings: RatingsConfig = RatingsConfig()
    bootstrap: BootstrapConfig = BootstrapConfig()
    report: ReportConfig = ReportConfig()
    mlflow: MlflowConfig = MlflowConfig()
    generate: GenerateConfig = GenerateConfig()
    pipeline: PipelineConfig = PipelineConfig()
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="before")
    @classmethod
    def _empty_sections_are_absent(cls, tree: Any) -> Any:
        # As where all keys of a section are commented out.
        return {key: value for key, value in tree.items() if value is not None} if isinstance(tree, dict) else tree

    @model_validator(mode="after")
    def _sources_to_reread_are_there(self) -> "Config":
        unknown = sorted(set(self.pipeline.reread) - set(self.sources))
        if unknown:
            raise ValueError(
                f"pipeline.reread: {', '.join(unknown)} is not among the sources; known: {', '.join(self.sources)}"
            )
        return self

    @model_validator(mode="after")
    def _leaks_are_looked_for(self) -> "Config":
        if self.cleaning.drop_leaked and not any(source.identity_phrases for source in self.sources.values()):
            raise ValueError(
                "cleaning.drop_leaked: no source has identity_phrases, so no leak would be found; give "
                "sources.<name>.identity_phrases, such as conf/phrases/identity.yml, before that source is ingested"
            )
        return self


class UniqueKeyLoader(yaml.SafeLoader):
    """YAML keeps the last of two equal keys in silence; here they are an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = {str(key) for position, key in enumerate(keys) if key in keys[:position]}
        if twice:
            said = f"{', '.join(sorted(twice))} is given twice in one section"
            raise yaml.constructor.ConstructorError(None, None, said, node.start_mark)
        return super().construct_mapping(node, deep)


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Read a YAML file, apply `dotted.key=value` overrides in order, and validate the whole.

    A value is read as YAML, so `--set bootstrap.rounds=200` is a number and `--set tokens.tokenizers=[sample]` a list.

    Raises:
        ConfigError: naming the file or each wrong key, its value and what is allowed.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--config {path}: cannot be read ({error.strerror}); give the path of a YAML file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"--config {path}: is not UTF-8 text ({error.reason})") from None
    try:
        tree = yaml.load(text, UniqueKeyLoader) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"--config {path}: is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"--config {path}: must hold a mapping of sections, found {type(tree).__name__}")
    overrides = list(overrides)
    for override in overrides:
        _apply_override(tree, override)
    return parse_config(tree, where=f"{path} with --set" if overrides else str(path))


def parse_config(tree: Mapping[str, Any], where: str = "configuration") -> Config:
    """Validate a mapping as `Config`; the error lists every wrong key at once."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        problems = "; ".join(_describe(problem) for problem in error.errors())
        raise ConfigError(f"{where}: {problems}") from None


def _describe(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"{key}: no such key{_allowed_keys(problem['loc'][:-1])}"
    if problem["type"] == "missing":
        return f"{key}: is missing"
    if not key:
        return str(message)
    value = problem["input"]
    if problem["type"] in ("model_type", "dict_type"):
        return f"{key}: must be a section (got {value!r}){_allowed_keys(problem['loc'])}"
    message = message.replace("a valid tuple", "a list")
    shown = "" if isinstance(value, dict) else f" (got {value!r})"
    return f"{key}: {message[0].lower()}{message[1:]}{shown}"


def _allowed_keys(location: tuple[Any, ...]) -> str:
    section: Any = Config
    for part in location:
        if section is None:
            section = SourceConfig
        elif section is Config and part == "sources":
            section = None  # the next part is the name of a source
        else:
            annotation = section.model_fields[part].annotation
            section = next(kind for kind in (*get_args(annotation), annotation) if kind is not None)
    if not hasattr(section, "model_fields"):  # a mapping, whose keys are the caller's
        return ""
    allowed = ", ".join(sorted(field.alias or name for name, field in section.model_fields.items()))
    return f"; allowed here: {allowed}"


def _apply_override(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"--set {override}: write it as dotted.key=value, for example bootstrap.rounds=200")
    try:
        value = yaml.safe_load(text) if text.strip() else None
    except yaml.YAMLError:
        value = text
    node: Any = tree
    for depth, part in enumerate(parts[:-1], start=1):
        child = node.get(part)
        if child is None:
            child = node[part] = {}
        if not isinstance(child, dict):
            raise ConfigError(f"--set {override}: {'.'.join(parts[:depth])} is a value, not a section")
        node = child
    node[parts[-1]] = value

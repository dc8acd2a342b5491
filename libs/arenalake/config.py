"""The typed configuration: YAML files, `--set` overrides, and what each key may hold.

Unknown keys are errors, and secrets have no place here: credentials belong to the cluster or the environment.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from arenalake.errors import ConfigError
from arenalake.language.detectors import DETECTORS
from arenalake.paths import local_path
from arenalake.section import Section
from arenalake.sources import SOURCES
from arenalake.sources.battle import ONE_HOT
from arenalake.sources.settings import TIES, SourceSettings

# Covariates of style control: column of `messages` each; tokens are those of the configured tokenizer.
STYLE_COVARIATES = {
    "tokens": "n_tokens",
    "headers": "n_headers",
    "list_items": "n_list_items",
    "bold": "n_bold",
    "chars": "n_chars",
}
SLICE_COLUMNS = ("language", "category", "turn", "anony", "judge_kind", "month", "length")


# What results depend on, whoever made the session: day and month borders, and errors instead of silent overflow.
CORRECTNESS_SETTINGS = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
DELTA_SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
# What to use in place of settings of Spark that others of this configuration would overwrite, or the other way round.
_INSTEAD = {
    "spark.master": "spark.master of this configuration",
    "spark.app.name": "spark.app_name",
    "spark.driver.memory": "spark.driver_memory",
    "spark.driver.extraJavaOptions": "spark.java_options",
    "spark.sql.shuffle.partitions": "spark.shuffle_partitions",
    "spark.jars.packages": "spark.packages",
    "spark.jars": "spark.packages, or --jars in PYSPARK_SUBMIT_ARGS",
}


class StorageConfig(Section):
    """Where the tables live: a folder (`root`), or a schema of a metastore or Unity Catalog."""

    root: str | None = None
    catalog: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    lock_wait_seconds: float = Field(default=600, ge=0)

    @model_validator(mode="after")
    def _root_or_catalog(self) -> "StorageConfig":
        in_catalog = bool(self.catalog and self.schema_name)
        if bool(self.root) == in_catalog or bool(self.catalog) != bool(self.schema_name):
            raise ValueError("give either `root`, or both `catalog` and `schema`")
        return self

    @property
    def local_root(self) -> Path | None:
        """The root as a folder of this machine (or a mount), absolute; None where it is not one."""
        path = None if self.root is None else local_path(self.root)
        return None if path is None else Path(path)


# Spark's own rule (spark.redaction.regex) for what it does not show. A provider of credentials is a class.
_SECRET = r"(?i)secret|password|token|access[.]?key"


class SparkConfig(Section):
    """Read in local mode only; on a cluster, spark-submit or the platform decides.

    `driver_memory` is the heap of the one Java process, driver and executor together. `packages` are Maven coordinates
    of jars beside Delta Lake's, and `conf` holds further settings of Spark.
    """

    master: str | None = None
    shuffle_partitions: int | None = Field(default=None, ge=1)
    driver_memory: str = "2g"
    java_options: str = ""
    app_name: str = "arenalake"
    packages: list[Annotated[str, Field(pattern=r"^[\w.-]+:[\w.-]+:[\w.-]+$")]] = []
    conf: dict[str, str] = {}

    @field_validator("conf", mode="before")
    @classmethod
    def _settings_are_text(cls, conf: Any) -> Any:
        """YAML has numbers and truth values, where Spark has text only."""
        if not isinstance(conf, dict):
            return conf
        if any(isinstance(value, dict) for value in conf.values()):
            raise ValueError("must name settings in full, as in --set 'spark.conf={spark.ui.enabled: true}'")
        return {
            str(key): str(value).lower() if isinstance(value, bool) else str(value) if _is_number(value) else value
            for key, value in conf.items()
        }

    @field_validator("conf")
    @classmethod
    def _settings_are_free(cls, conf: dict[str, str]) -> dict[str, str]:
        for key in conf:
            if not key.startswith("spark."):
                raise ValueError(f"{key} is no setting of Spark; those of Hadoop are written spark.hadoop.<setting>")
            if key in CORRECTNESS_SETTINGS or key in DELTA_SETTINGS:
                raise ValueError(f"{key} cannot be set: results or Delta Lake depend on its value")
            if key in _INSTEAD:
                raise ValueError(f"{key} cannot be set here; use {_INSTEAD[key]}")
            if re.search(_SECRET, key):
                raise ValueError(f"{key} cannot be set, as secrets have no place here; give it to the environment")
        return conf

    @field_validator("master")
    @classmethod
    def _master_is_local(cls, master: str | None) -> str | None:
        if master is not None and not re.fullmatch(r"local(\[([1-9]\d*|\*)(\s*,\s*[1-9]\d*)?\])?", master):
            raise ValueError("must be local, local[<cores>] or local[*]; a cluster's jobs are started by spark-submit")
        return master

    @field_validator("driver_memory")
    @classmethod
    def _memory_has_a_unit(cls, memory: str) -> str:
        if not re.fullmatch(r"[1-9]\d*[kmgtKMGT]", memory):
            raise ValueError("must be a whole number and one of k, m, g and t, such as 4g")
        return memory

    @field_validator("java_options")
    @classmethod
    def _heap_has_a_key_of_its_own(cls, options: str) -> str:
        if re.search(r"(^|\s)-Xm[xs]", options):
            raise ValueError("must not hold -Xmx or -Xms; the heap is spark.driver_memory")
        return options


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


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


class TokensConfig(Section):
    tokenizers: Annotated[list[str], Field(min_length=1)] = ["sample"]


class LanguageConfig(Section):
    """Which conversations get their language detected, and by what.

    `missing` means those that a source does not label. `sample` adds about `sample_size` labelled ones per source and
    published language (all of a rarer one), chosen by `seed` and conversation id; `all` leaves none out.
    """

    detector: str = "langdetect"
    detect: Literal["missing", "sample", "all"] = "missing"
    sample_size: int = Field(default=200, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)

    @field_validator("detector")
    @classmethod
    def _detector_is_known(cls, name: str) -> str:
        if name not in DETECTORS:
            raise ValueError(f"is not a known detector; known: {', '.join(sorted(DETECTORS))}")
        return name


class AnchorConfig(Section):
    model: str
    rating: float


class EloConfig(Section):
    """Online Elo; its scale and base are those of all ratings."""

    k: float = Field(default=4.0, gt=0)
    start: float = 1000.0


class StyleConfig(Section):
    """Style control: how the two answers differ, by covariate, and the ridge on the coefficients.

    `tokenizer` is the name that one of `tokens.tokenizers` has in the tables.
    `ridge` is the inverse variance of a coefficient's normal prior, on the scale of log odds per standard deviation.
    A slice of up to `max_rows_per_task` battles is fitted within one task, at some 100 bytes of memory for each; a
    larger one by sums over parts of it, which takes a pass over the battles for each step of Newton's method.
    """

    covariates: Annotated[list[Literal[tuple(STYLE_COVARIATES)]], Field(min_length=1)] = [  # type: ignore[valid-type]
        "tokens",
        "headers",
        "list_items",
        "bold",
    ]
    tokenizer: str = "sample"
    ridge: float = Field(default=0.5, gt=0)
    max_rows_per_task: int = Field(default=40_000_000, ge=1, le=40_000_000)

    @field_validator("covariates")
    @classmethod
    def _covariates_differ(cls, covariates: list[str]) -> list[str]:
        if len(set(covariates)) < len(covariates):
            raise ValueError("a covariate is listed twice")
        return covariates


class OutlierConfig(Section):
    """The test for voters unlike all others, at level `alpha`; voters with fewer than `min_votes` are not tested.

    Of a voter's votes the first `first_votes` are looked at.
    """

    alpha: float = Field(default=0.05, gt=0, lt=1)
    min_votes: int = Field(default=5, ge=1)
    first_votes: int = Field(default=100, ge=1)

    @model_validator(mode="after")
    def _some_votes_are_looked_at(self) -> "OutlierConfig":
        if self.first_votes < self.min_votes:
            raise ValueError(f"first_votes ({self.first_votes}) must be at least min_votes ({self.min_votes})")
        return self


class CleaningConfig(Section):
    """Which votes are not rated. Rules apply in the order of the keys, each to what those before it left."""

    only_anony: bool = False
    drop_leaked: bool = False
    max_votes_per_prompt: int | None = Field(default=None, ge=1)
    max_votes_per_day: int | None = Field(default=None, ge=1)
    outliers: OutlierConfig | None = None
    seed: int = Field(default=0, ge=0, lt=2**63)

    @property
    def rules(self) -> dict[str, str]:
        """The rules that are on, in their order, and their parameters as text."""
        settings = self.model_dump(exclude={"seed"})
        rules = {}
        for name, value in settings.items():
            if value is None or value is False:
                continue
            given = {**value, "seed": self.seed} if isinstance(value, dict) else {name: value}
            if name == "max_votes_per_prompt":
                given["seed"] = self.seed
            rules[name] = ", ".join(f"{key}={str(own).lower()}" for key, own in given.items())
        return rules


class LengthConfig(Section):
    """What slices by `length` mean: conversations of at least `threshold` tokens are long.

    `tokenizer` is the name that one of `tokens.tokenizers` has in the tables.
    """

    threshold: int = Field(default=768, ge=1)
    tokenizer: str = "sample"


RatingMethod = Literal[
    "bradley_terry", "bradley_terry_no_ties", "rao_kupper", "davidson", "win_rate", "elo", "style_control"
]


# Methods for which a tie is no half win, so that a score between 0 and 1 means nothing to them.
THREE_OUTCOMES = ("bradley_terry_no_ties", "rao_kupper", "davidson")


class RatingsConfig(Section):
    """What to rate and how.

    `outcome` is what a battle says: its winner, or its score where it has one. `pair_weights` inverse lets each vote
    weigh 1 / max(votes of its pair, min_pair_count) in likelihoods and style control.
    """

    methods: Annotated[list[RatingMethod], Field(min_length=1)] = ["bradley_terry"]
    outcome: Literal["winner", "score"] = "winner"
    pair_weights: Literal["none", "inverse"] = "none"
    min_pair_count: int = Field(default=50, ge=1)
    slices: Annotated[list[str], Field(min_length=1)] = ["all", "language"]
    min_battles: int = Field(default=500, ge=1)
    judge_kinds: Annotated[list[Literal["human", "model"]], Field(min_length=1)] = ["human"]
    scale: float = Field(default=400.0, gt=0)
    base: float = Field(default=10.0, gt=1)
    center: float = 1000.0
    anchor: AnchorConfig | None = None
    elo: EloConfig = EloConfig()
    style: StyleConfig = StyleConfig()
    length: LengthConfig = LengthConfig()
    leave_out: list[Literal["language", "month", "judge"]] = []
    min_left_out: int = Field(default=50, ge=1)

    @property
    def by_length(self) -> bool:
        """Whether a slice needs the length of conversations."""
        return any("length" in entry.split(",") for entry in self.slices)

    @field_validator("methods", "judge_kinds", "leave_out")
    @classmethod
    def _entries_differ(cls, entries: list[str]) -> list[str]:
        twice = sorted({entry for entry in entries if entries.count(entry) > 1})
        if twice:
            raise ValueError(f"lists {', '.join(twice)} twice")
        return entries

    @model_validator(mode="after")
    def _something_can_be_left_out(self) -> "RatingsConfig":
        if self.leave_out and set(self.methods) <= {"elo", "style_control"}:
            raise ValueError("leave_out needs a method other than elo and style_control, which are not fitted without")
        if self.leave_out and self.outcome == "score":
            raise ValueError("leave_out needs `outcome: winner`; ratings from scores are not fitted without some votes")
        if self.leave_out and self.pair_weights != "none":
            raise ValueError("leave_out needs `pair_weights: none`; what a vote weighs would depend on those left out")
        return self

    @field_validator("slices")
    @classmethod
    def _slices_are_columns(cls, slices: list[str]) -> list[str]:
        for entry in slices:
            columns = [] if entry == "all" else entry.split(",")
            unknown = [column for column in columns if column not in SLICE_COLUMNS]
            if unknown or len(set(columns)) < len(columns):
                raise ValueError(
                    f"{entry!r} is not a slice; write `all`, or columns out of {', '.join(SLICE_COLUMNS)} "
                    "joined by commas without spaces, each at most once"
                )
        if len(set(slices)) < len(slices):
            raise ValueError("a slice is listed twice")
        return slices

    @model_validator(mode="after")
    def _methods_take_scores(self) -> "RatingsConfig":
        three = [method for method in self.methods if method in THREE_OUTCOMES]
        if self.outcome == "score" and three:
            raise ValueError(
                f"`methods`: {', '.join(three)} cannot be with `outcome: score`, as they need to know what a tie is; "
                "allowed with it: bradley_terry, win_rate, elo, style_control"
            )
        return self


class BootstrapConfig(Section):
    rounds: int = Field(default=1000, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
    unit: Literal["battle", "judge"] = "battle"
    resample: Literal["multinomial", "poisson"] = "multinomial"


class ReportConfig(Section):
    path: str | None = None
    min_cell: int = Field(default=10, ge=0)


class MlflowConfig(Section):
    enabled: bool = True
    tracking_uri: str | None = None
    experiment: str = "arenalake"


class GenerateConfig(Section):
    """Sizes of the generated corpora and the seed that all of it is a function of.

    `judges` (voters) and `models` belong to the battles; without `judges` their number grows with the battles.
    `uniform_models` gives every model of the conversations the same share instead of the published skew.
    `position_bias` is in rating points, for the model shown first. `files` is the number of files per corpus.
    """

    path: str = Field(default="data/raw", min_length=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
    conversations: int = Field(default=1_000, ge=0)
    battles: int = Field(default=1_000, ge=0)
    judges: int | None = Field(default=None, ge=1)
    models: int = Field(default=20, ge=2, le=200)
    uniform_models: bool = False
    position_bias: float = Field(default=0.0, ge=-1000, le=1000)
    files: int = Field(default=4, ge=1)


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

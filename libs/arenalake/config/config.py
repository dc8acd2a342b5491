"""The typed configuration as a whole; each subject declares its own part.

Secrets have no place here: credentials belong to the cluster or the environment.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from arenalake.battles.options import CleaningConfig
from arenalake.config.spark import SparkConfig
from arenalake.jobs import JOBS
from arenalake.judges.options import JudgesConfig
from arenalake.lake.options import StorageConfig
from arenalake.preferences.options import PreferencesConfig
from arenalake.ratings.options import BootstrapConfig, RatingsConfig
from arenalake.samples.options import GenerateConfig
from arenalake.section import Section
from arenalake.sources.options import SourceConfig
from arenalake.sources.settings import BattleSettings
from arenalake.text.options import LanguageConfig, TokensConfig
from arenalake.trees.options import ExportConfig, TreesConfig


class ReportConfig(Section):
    """Path and title of the report, and the number of people or records below which a cell is hidden."""

    path: str | None = None
    title: str = Field(default="arenalake", min_length=1)
    single_file: bool = False
    models: str | None = None
    min_cell: int = Field(default=10, ge=0)


class MlflowConfig(Section):
    """Whether and where runs are tracked."""

    enabled: bool = True
    tracking_uri: str | None = None
    experiment: str = "arenalake"


class PipelineConfig(Section):
    """Which jobs `jobs/pipeline.py` runs; it sorts them into the order of their dependencies.

    `rebuild` derives every derived table again. `reread` lists sources whose files are read again with the current
    settings; their earlier records are replaced.
    """

    jobs: Annotated[list[Literal[tuple(JOBS)]], Field(min_length=1)] = [  # type: ignore[valid-type]
        name for name, job in JOBS.items() if job.usual
    ]
    rebuild: bool = False
    reread: list[str] = []


# What a source may be called.
SOURCE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"


class Config(Section):
    """The whole configuration."""

    storage: StorageConfig
    spark: SparkConfig = SparkConfig()
    sources: dict[Annotated[str, Field(pattern=SOURCE_NAME)], SourceConfig] = {}
    tokens: TokensConfig = TokensConfig()
    language: LanguageConfig = LanguageConfig()
    cleaning: CleaningConfig = CleaningConfig()
    trees: TreesConfig = TreesConfig()
    ratings: RatingsConfig = RatingsConfig()
    judges: JudgesConfig = JudgesConfig()
    bootstrap: BootstrapConfig = BootstrapConfig()
    preferences: PreferencesConfig = PreferencesConfig()
    report: ReportConfig = ReportConfig()
    mlflow: MlflowConfig = MlflowConfig()
    export: ExportConfig = ExportConfig()
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
    def _matched_sources_are_there(self) -> "Config":
        matched = self.judges.matched
        unknown = sorted({source for sources in matched.values() for source in sources} - set(self.sources))
        if unknown:
            raise ValueError(
                f"judges.matched: {', '.join(unknown)} is not among the sources; known: {', '.join(self.sources)}"
            )
        if taken := sorted(set(matched) & set(self.sources)):
            raise ValueError(f"judges.matched: {', '.join(taken)} is the name of a source; give the set another one")
        return self

    @model_validator(mode="after")
    def _leaks_are_looked_for(self) -> "Config":
        if self.cleaning.drop_leaked and not any(
            isinstance(source, BattleSettings) and source.identity_phrases for source in self.sources.values()
        ):
            raise ValueError(
                "cleaning.drop_leaked: no source has identity_phrases, so no leak would be found; give "
                "sources.<name>.identity_phrases, such as conf/phrases/identity.yml, before that source is ingested"
            )
        return self

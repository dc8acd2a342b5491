"""Options of the configuration: what is generated."""

from pydantic import Field

from arenalake.section import Section


class GenerateConfig(Section):
    """Sizes and seed of the generated corpora, which depend on nothing else.

    `likert_prompts` is the number of prompts of a study on a Likert scale; each pair of five models is rated on every
    prompt. `preferences` and `trees` are the numbers of annotated pairs and of conversation trees. `judges` (voters)
    and `models` are those of the battles; without `judges`, the number of voters grows with the battles.
    `uniform_models` gives every model of the conversations the same share instead of the published skew.
    `position_bias` is in rating points, for the model shown first. `files` is the number of files per corpus.
    """

    path: str = Field(default="data/raw", min_length=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
    conversations: int = Field(default=1_000, ge=0)
    battles: int = Field(default=1_000, ge=0)
    likert_prompts: int = Field(default=0, ge=0)
    preferences: int = Field(default=0, ge=0)
    trees: int = Field(default=0, ge=0)
    judges: int | None = Field(default=None, ge=1)
    models: int = Field(default=20, ge=2, le=200)
    uniform_models: bool = False
    position_bias: float = Field(default=0.0, ge=-1000, le=1000)
    files: int = Field(default=4, ge=1)

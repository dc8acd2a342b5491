"""Options of the configuration: which votes are rated."""

from pydantic import Field, model_validator

from arenalake.section import Section


class OutlierConfig(Section):
    """The test for voters who vote unlike others, at level `alpha`; voters with fewer than `min_votes` are not tested.

    Only the first `first_votes` votes of a voter are tested.
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
    """Which votes are not rated. Rules apply in the order of the keys, each to the votes that earlier rules kept."""

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

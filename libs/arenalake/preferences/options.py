"""Options of the configuration: how preferences are fitted."""

from pydantic import Field

from arenalake.section import Section


class PreferencesConfig(Section):
    """The width of the Laplace prior on each weight, and the folds on which accuracy is measured, drawn by the seed."""

    prior_scale: float = Field(default=0.1, gt=0)
    folds: int = Field(default=10, ge=2)
    seed: int = Field(default=0, ge=0, lt=2**63)

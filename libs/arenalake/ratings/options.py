"""Options of the configuration: how models are rated."""

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from arenalake.errors import ConfigError
from arenalake.hints import did_you_mean
from arenalake.section import Section

# Covariates of style control: column of `messages` each; tokens are those of the configured tokenizer.
STYLE_COVARIATES = {
    "tokens": "n_tokens",
    "headers": "n_headers",
    "list_items": "n_list_items",
    "bold": "n_bold",
    "chars": "n_chars",
}

SLICE_COLUMNS = ("language", "category", "turn", "anony", "judge_kind", "month", "length")


class AnchorConfig(Section):
    """A model whose rating is given, in rating points."""

    model: str
    rating: float


class EloConfig(Section):
    """Online Elo; its scale and base are those of all ratings."""

    k: float = Field(default=4.0, gt=0)
    start: float = 1000.0


class StyleConfig(Section):
    """Style control: the covariates by which two answers are compared, and the ridge on their coefficients.

    `tokenizer` is a name in the tables of one of `tokens.tokenizers`.
    `ridge` is the inverse variance of a coefficient's normal prior, on the scale of log odds per standard deviation.
    A slice of up to `max_rows_per_task` battles is fitted within one task, which needs about 100 bytes of memory per
    battle. A larger slice is fitted by sums over its parts, with one pass over the battles per step of Newton's method.
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


class LengthConfig(Section):
    """Slices by `length`: conversations of at least `threshold` tokens are long.

    `tokenizer` is a name in the tables of one of `tokens.tokenizers`.
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

    `outcome` says what a battle counts as: its winner, or its score where it has one. With `pair_weights: inverse`,
    each vote has the weight 1 / max(votes of its pair, min_pair_count) in likelihoods and style control.
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

    def require_tokenizers(self, counted: Collection[str]) -> None:
        """Check that the tokenizers whose counts the methods and slices need are among those that count.

        Args:
            counted: the names of `tokens.tokenizers` in the tables.

        Raises:
            ConfigError: one of them is not.
        """
        needed = {}
        if "style_control" in self.methods and "tokens" in self.style.covariates:
            needed["style"] = (self.style.tokenizer, "leave `tokens` out of ratings.style.covariates")
        if self.by_length:
            needed["length"] = (self.length.tokenizer, "leave slices by `length` out of ratings.slices")
        for section, (wanted, otherwise) in needed.items():
            if wanted not in counted:
                raise ConfigError(
                    f"ratings.{section}.tokenizer: {wanted!r} is not among the names of tokens.tokenizers in the "
                    f"tables, which are {', '.join(counted)}; give one of them, or {otherwise}"
                )

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
            raise ValueError("leave_out needs a method other than elo and style_control, which do not support it")
        if self.leave_out and self.outcome == "score":
            raise ValueError("leave_out needs `outcome: winner`; ratings from scores do not support it")
        if self.leave_out and self.pair_weights != "none":
            raise ValueError("leave_out needs `pair_weights: none`; otherwise weights depend on the votes left out")
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
                    f"{did_you_mean(unknown[0], SLICE_COLUMNS) if unknown else ''}"
                )
        if len(set(slices)) < len(slices):
            raise ValueError("a slice is listed twice")
        return slices

    @model_validator(mode="after")
    def _methods_take_scores(self) -> "RatingsConfig":
        three = [method for method in self.methods if method in THREE_OUTCOMES]
        if self.outcome == "score" and three:
            raise ValueError(
                f"`methods`: {', '.join(three)} cannot be used with `outcome: score`, because they need to know which "
                "votes are ties; allowed with it: bradley_terry, win_rate, elo, style_control"
            )
        return self


class BootstrapConfig(Section):
    """The number of rounds, their seed, and what they resample: battles, or judges with all their votes."""

    rounds: int = Field(default=1000, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
    unit: Literal["battle", "judge"] = "battle"
    resample: Literal["multinomial", "poisson"] = "multinomial"

"""Any table of pairwise votes: the configuration maps its columns and winner labels to those of `battles`."""

from typing import Literal

import pydantic
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.tables import BATTLE, BATTLES
from arenalake.hints import did_you_mean
from arenalake.sources import rules
from arenalake.sources.battle import ONE_HOT, is_false, is_true, one_hot_winner, vote_reasons
from arenalake.sources.names import FALSE_TEXTS, TRUE_TEXTS
from arenalake.sources.settings import PUBLISHED_LABELS, TIES, VoteSettings, WinnerLabels
from arenalake.sources.source import Field, Source, Terms, digest_of, parsed, raw_values, row_of, telling, winner_of
from arenalake.sources.times import time_of

# What a column of the file can be mapped to, and how it is read.
_MAPPABLE = {
    "battle_id": "string",
    "question_id": "string",
    "model_a": "string",
    "model_b": "string",
    "winner": "string",
    **dict.fromkeys(ONE_HOT, "string"),
    "score": "double",
    "judge": "string",
    "turn": "double",
    "anony": "boolean",
    "language": "string",
    "category": "string",
    "likert": "double",
    "tstamp": "string",
    "sequence": "double",
}
# Columns of `battles` that are more than what is mapped to them.
_MADE = ("battle_id", "winner", "score", "tstamp", "sequence")
# Names of columns that mark ties: tie, winner_tie, is_draw, isTie and the like.
_TIE = r"(^|[^a-z]|is)(tie|tied|draw)$"


class VotesSettings(VoteSettings):
    """How the columns of a table of votes are mapped.

    `winner_is: model` means that `winner` holds the name of the model that won; then `winner_labels` only has the
    labels of ties. `likert_scale` has the grade that is all for model_b, then the grade that is all for model_a.
    """

    columns: dict[str, str] = pydantic.Field(default_factory=dict)
    winner_labels: WinnerLabels = pydantic.Field(default_factory=dict)
    winner_is: Literal["label", "model"] = "label"
    likert_scale: tuple[float, float] | None = None

    @pydantic.field_validator("columns")
    @classmethod
    def _columns_can_be_mapped(cls, columns: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(columns) - set(_MAPPABLE))
        if unknown:
            hint = did_you_mean(unknown[0], _MAPPABLE)
            raise ValueError(f"{', '.join(unknown)} cannot be mapped: only {', '.join(_MAPPABLE)} can be{hint}")
        return columns

    @pydantic.field_validator("likert_scale")
    @classmethod
    def _scale_has_two_ends(cls, scale: tuple[float, float] | None) -> tuple[float, float] | None:
        # A grade that is no whole number goes to quarantine, so an end that is none would never be reached.
        if scale is not None and not (all(map(float.is_integer, scale)) and scale[0] != scale[1]):
            raise ValueError(
                "must be two different whole numbers: the grade that is all for model_b, then the grade that is all "
                "for model_a, as in [1, 8]"
            )
        return scale

    @pydantic.model_validator(mode="after")
    def _grades_become_scores_once(self) -> "VotesSettings":
        if self.likert_scale is not None and "score" in self.columns:
            raise ValueError("give either `likert_scale` or a column for `score`, not both")
        return self

    @pydantic.model_validator(mode="after")
    def _outcomes_are_marked_or_labelled(self) -> "VotesSettings":
        marked = _marked(self)
        if not marked:
            return self
        missing = [name for name in ("winner_model_a", "winner_model_b") if name not in marked]
        if missing:
            raise ValueError(f"columns: {', '.join(marked)} cannot be mapped without {', '.join(missing)}")
        if "winner" in self.columns:
            raise ValueError(f"columns: give either winner, or {', '.join(marked)}, not both")
        if len({self.columns[name] for name in marked}) < len(marked):
            raise ValueError(f"columns: {', '.join(marked)} must be different columns of the file")
        unused = sorted({"winner_labels", "winner_is"} & self.model_fields_set)
        if unused:
            raise ValueError(f"{', '.join(unused)} cannot be given if each outcome has its own column")
        return self

    @pydantic.model_validator(mode="after")
    def _winners_are_models_or_ties(self) -> "VotesSettings":
        wins = sorted(text for text, winner in self.winner_labels.items() if winner not in TIES)
        if self.winner_is == "model" and wins:
            raise ValueError(
                f"winner_labels: with `winner_is: model` only ties have labels, but {', '.join(wins)} stands for a win"
            )
        return self


def _fields(config: VotesSettings) -> list[Field]:
    """Columns that are not mapped are looked for under their own names, and are optional unless a vote needs them.

    But for the score, a name that means many things, and for marks of outcomes: these have to be mapped. Where outcomes
    are marked, there is no label.
    """
    marked = _marked(config)
    needed = {"model_a", "model_b", *config.columns}
    if not marked:
        needed.add(_scored_by(config) or "winner")
    mapped_only = {"score", *ONE_HOT} | ({"winner"} if marked else set())
    return [
        Field(name, kind, config.columns.get(name, name), mapped=name in needed)
        for name, kind in _MAPPABLE.items()
        if name not in mapped_only or name in config.columns
    ]


def _marked(config: VotesSettings) -> list[str]:
    """The fields that mark an outcome each, where the configuration maps them; else there are labels."""
    return [name for name in ONE_HOT if name in config.columns]


def _scored_by(config: VotesSettings) -> str | None:
    """The field that gives scores; then records need no winner of their own unless its column is mapped."""
    if "score" in config.columns:
        return "score"
    return "likert" if config.likert_scale else None


def _score(raw: dict[str, Column], config: VotesSettings) -> Column:
    """The score of model_a; null where there is none."""
    if config.likert_scale is None:
        return raw["score"]
    against, in_favour = config.likert_scale
    return (raw["likert"] - against) / (in_favour - against)


def _score_reasons(raw: dict[str, Column], config: VotesSettings, *, is_needed: Column) -> list[Column]:
    scored = _scored_by(config)
    if scored is None:
        return []
    scale = config.likert_scale
    in_range = rules.grade_in_scale(scored, raw[scored], scale) if scale else rules.score_in_range(scored, raw[scored])
    return [F.when(is_needed, rules.required(scored, raw[scored], config.columns.get(scored))), in_range]


def _outcome(raw: dict[str, Column], config: VotesSettings) -> tuple[Column, list[Column]]:
    """The outcome that a record states, null where it is left to the score, and the rules for it."""
    marked = _marked(config)
    if marked:
        winner, one_outcome = one_hot_winner({name: raw[name] for name in marked})
        return winner, [one_outcome]
    label, labels = raw["winner"], config.winner_labels or PUBLISHED_LABELS
    known = sorted(labels)
    if config.winner_is == "model":
        labels = {text: winner for text, winner in labels.items() if winner in TIES}
        known = ["the name of either model", *sorted(labels)]
    winner = winner_of(label, labels)
    if config.winner_is == "model":
        winner = F.when(label == raw["model_a"], "model_a").when(label == raw["model_b"], "model_b").otherwise(winner)
    needed = _scored_by(config) is None or "winner" in config.columns
    required = [rules.required("winner", label, config.columns.get("winner"))] if needed else []
    return winner, [*required, rules.known_winner(label, winner, known)]


def _no_tie(name: str, value: Column) -> Column:
    """The rule that a column of 0 and 1 is no mark of one outcome, of which ties would be taken for the other.

    Broken where the value is 0 or 1, and a column such as `winner_tie` is 1.
    """
    row = F.from_json("record", "map<string,string>")
    ties = F.map_keys(F.map_filter(row, lambda column, cell: F.lower(column).rlike(_TIE) & is_true(cell)))
    text = value.cast("string")
    advice = "if it marks one outcome, map winner_model_a, winner_model_b and winner_tie instead"
    told = F.concat(F.lit(f"{name} is "), text, F.lit(", but "), F.array_join(ties, ", "), F.lit(f" is 1: {advice}"))
    return F.when(is_true(text) | is_false(text), F.when(F.size(ties) > 0, told))


def _parse(records: DataFrame, config: VotesSettings) -> DataFrame:
    raw = raw_values(_fields(config))
    raw = {name: F.lit(None).cast(kind) for name, kind in _MAPPABLE.items()} | raw
    score = _score(raw, config)
    is_by_score = F.lit(False) if _marked(config) else raw["winner"].isNull()
    by_score = F.when(score > 0.5, "model_a").when(score < 0.5, "model_b").when(score == 0.5, "tie")
    stated, outcome_reasons = _outcome(raw, config)
    battle_id = F.coalesce(raw["battle_id"], digest_of(F.col("file"), F.col("position")))
    tstamp = time_of(raw["tstamp"])
    battle = row_of(
        BATTLES,
        battle_id=battle_id,
        winner=F.coalesce(stated, F.when(is_by_score, by_score)),
        winner_label=telling(raw["winner"]),
        score=score,
        judge_kind=F.lit(config.judge_kind),
        tstamp=tstamp,
        sequence=F.coalesce(F.unix_micros(tstamp), raw["sequence"].try_cast("bigint"), F.col("position")),
        **{name: raw[name] for name in _MAPPABLE if name not in (*_MADE, *ONE_HOT)},
    )
    no_ties = [_no_tie("score", raw["score"])] if "score" in config.columns else []
    if {*TRUE_TEXTS, *FALSE_TEXTS} & {label.lower() for label in config.winner_labels}:
        no_ties.append(F.when(~stated.isin(*TIES), _no_tie("winner", raw["winner"])))
    battle_id_given = "battle_id" in config.columns
    reasons = F.array(
        *([rules.required("battle_id", raw["battle_id"], config.columns["battle_id"])] if battle_id_given else []),
        *vote_reasons(raw["model_a"], raw["model_b"], outcome_reasons, config.columns),
        *_score_reasons(raw, config, is_needed=is_by_score),
        *no_ties,
        rules.whole_number("turn", raw["turn"], minimum=1),
        rules.whole_number("likert", raw["likert"]),
        rules.whole_number("sequence", raw["sequence"], is_long=True),
        rules.readable_time(raw["tstamp"], tstamp),
    )
    return parsed(records, key=battle_id, reasons=reasons, rows={BATTLE: F.array(battle)})


VOTES = Source(
    terms=Terms(title="Pairwise votes", licence="as stated by whoever gave the file", text_may_be_shared=False),
    settings=VotesSettings,
    fields=_fields,
    parse=_parse,
    entities=(BATTLE,),
    positioned=True,
)

"""Any table of pairwise votes: the configuration maps its columns and winner labels to those of `battles`."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.sources import rules
from arenalake.sources.battle import vote_reasons
from arenalake.sources.settings import SourceSettings
from arenalake.sources.source import Field, Source, Terms, digest_of, entity, parsed, winner_of
from arenalake.tables import BATTLES

# What a column of the file can be mapped to, and how it is read.
_MAPPABLE = {
    "battle_id": "string",
    "question_id": "string",
    "model_a": "string",
    "model_b": "string",
    "winner": "string",
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
# Seconds reach this in the year 5138, milliseconds did in 1973.
_MILLISECONDS = 1e11
_DIGITS_OF_A_DATE = r"^(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$"
_DATE = r"^\d{4}-"
# Columns of `battles` that are more than what is mapped to them.
_MADE = ("battle_id", "winner", "score", "tstamp", "sequence")


def _fields(config: SourceSettings) -> list[Field]:
    """Columns that are not mapped are looked for under their own names, and are optional unless a vote needs them.

    But for the score: that name means many things, so it has to be mapped.
    """
    needed = {"model_a", "model_b", _scored_by(config) or "winner", *config.columns}
    return [
        Field(name, kind, config.columns.get(name, name), mapped=name in needed)
        for name, kind in _MAPPABLE.items()
        if name != "score" or name in config.columns
    ]


def _scored_by(config: SourceSettings) -> str | None:
    """The field that gives scores; then records need no winner of their own unless its column is mapped."""
    if "score" in config.columns:
        return "score"
    return "likert" if config.likert_scale else None


def _score(raw: dict[str, Column], config: SourceSettings) -> Column:
    """The score of model_a; null where there is none."""
    if config.likert_scale is None:
        return raw["score"]
    against, in_favour = config.likert_scale
    return (raw["likert"] - against) / (in_favour - against)


def _score_reasons(raw: dict[str, Column], config: SourceSettings) -> list[Column]:
    scored = _scored_by(config)
    if scored is None:
        return []
    scale = config.likert_scale
    in_range = rules.grade_in_scale(scored, raw[scored], scale) if scale else rules.score_in_range(scored, raw[scored])
    return [F.when(raw["winner"].isNull(), rules.required(scored, raw[scored], config.columns.get(scored))), in_range]


def _time(text: Column) -> Column:
    """Seconds since 1970 or an ISO 8601 time; null for anything else. Without a zone it is UTC.

    A date without its hyphens is no number of seconds, and without a date Spark would put today's.
    """
    seconds = F.when(~F.trim(text).rlike(_DIGITS_OF_A_DATE), text.try_cast("double"))
    return F.coalesce(
        F.when(seconds < _MILLISECONDS, seconds).try_cast("timestamp"),
        F.when(F.trim(text).rlike(_DATE), text.try_cast("timestamp")),
    )


def _parse(records: DataFrame, config: SourceSettings) -> DataFrame:
    scored = _scored_by(config)
    raw = {name: F.col(f"raw.{name}") for name in _MAPPABLE}
    if scored != "score":
        raw["score"] = F.lit(None).cast("double")
    score = _score(raw, config)
    by_score = F.when(score > 0.5, "model_a").when(score < 0.5, "model_b").when(score == 0.5, "tie")
    battle_id = F.coalesce(raw["battle_id"], digest_of(F.col("file"), F.col("position")))
    tstamp = _time(raw["tstamp"])
    battle = entity(
        BATTLES,
        battle_id=battle_id,
        winner=F.coalesce(winner_of(raw["winner"], config.winner_labels), F.when(raw["winner"].isNull(), by_score)),
        score=score,
        judge_kind=F.lit(config.judge_kind),
        tstamp=tstamp,
        sequence=F.coalesce(F.unix_micros(tstamp), raw["sequence"].try_cast("bigint"), F.col("position")),
        **{name: raw[name] for name in _MAPPABLE if name not in _MADE},
    )
    battle_id_given = "battle_id" in config.columns
    reasons = F.array(
        *([rules.required("battle_id", raw["battle_id"], config.columns["battle_id"])] if battle_id_given else []),
        *vote_reasons(
            raw["model_a"],
            raw["model_b"],
            raw["winner"],
            config,
            config.columns,
            winner_required=scored is None or "winner" in config.columns,
        ),
        *_score_reasons(raw, config),
        rules.whole_number("turn", raw["turn"], minimum=1),
        rules.whole_number("likert", raw["likert"]),
        rules.whole_number("sequence", raw["sequence"]),
        rules.readable_time(raw["tstamp"], tstamp),
    )
    return parsed(records, key=battle_id, reasons=reasons, battle=battle)


VOTES = Source(
    terms=Terms(title="Pairwise votes", licence="as stated by whoever gave the file", text_may_be_shared=False),
    fields=_fields,
    parse=_parse,
    positioned=True,
    has_battles=True,
    has_conversations=False,
    mappable=tuple(_MAPPABLE),
)

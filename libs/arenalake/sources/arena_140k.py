"""Arena Human Preference 140K and the votes of experts (Arena Expert 5K): one vote on two conversations per record.

A session can hold several votes, each on the conversation since the vote before it. `full_conversation` holds earlier
answers too, which other models gave; it is not read. `evaluation_order` counts the votes of one session and does not
order sessions, so battles are ordered by time, or by row where there is none. A person can have many sessions, so there
is no judge.
"""

from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.languages import language_of
from arenalake.entities.tables import BATTLE, CONVERSATION
from arenalake.sources import rules
from arenalake.sources.battle import (
    CONVERSATION_TYPE,
    label_reasons,
    parsed_battle,
    published_labels,
    vote_reasons,
)
from arenalake.sources.printed import messages_of_printed
from arenalake.sources.settings import LabelledBattleSettings
from arenalake.sources.source import Field, Source, Terms, raw_values, telling, winner_of
from arenalake.sources.tags import CATEGORY_TAG_TYPE, OCCUPATIONAL_TAGS_TYPE, category_tags, occupational_tags
from arenalake.sources.times import time_of

_CONVERSATIONS = ("conversation_a", "conversation_b")
_COMMON = [
    Field("id", "string", "id"),
    Field("model_a", "string", "model_a"),
    Field("model_b", "string", "model_b"),
    Field("winner", "string", "winner"),
    Field("language", "string", "language"),
    Field("tstamp", "string", "timestamp"),
    Field("is_code", "boolean", "is_code"),
    Field("category_tag", CATEGORY_TAG_TYPE, "category_tag"),
    Field("occupational_tags", OCCUPATIONAL_TAGS_TYPE, "occupational_tags"),
]
_FIELDS = [*_COMMON, *(Field(name, CONVERSATION_TYPE, name) for name in _CONVERSATIONS)]
_EXPERT_FIELDS = [*_COMMON, *(Field(name, "string", name, is_text=True) for name in _CONVERSATIONS)]


def _parse(records: DataFrame, config: LabelledBattleSettings, *, printed: bool) -> DataFrame:
    raw = raw_values(_FIELDS)
    unreadable: list[Column] = []
    if printed:
        for name in _CONVERSATIONS:
            text, raw[name] = raw[name], messages_of_printed(raw[name])
            told = F.lit(f"{name} cannot be read: it is not a list of messages as Python prints it")
            unreadable.append(F.when(text.isNotNull() & raw[name].isNull(), told))
    labels = published_labels(config)
    winner, tstamp = winner_of(raw["winner"], labels), time_of(raw["tstamp"])
    tags = category_tags(category_tag=raw["category_tag"], is_code=raw["is_code"])
    occupations = occupational_tags(raw["occupational_tags"])
    nothing = F.array().cast("array<string>")
    return parsed_battle(
        records,
        config,
        raw,
        battle_id=raw["id"],
        winner=winner,
        winner_label=telling(raw["winner"]),
        # User and assistant take turns, or the record breaks a rule.
        turn=F.ceil(F.size(raw["conversation_a"]) / 2),
        language=language_of(raw["language"]),
        category_tags=F.when(
            tags.isNotNull() | occupations.isNotNull(),
            F.concat(F.coalesce(tags, nothing), F.coalesce(occupations, nothing)),
        ),
        tstamp=tstamp,
        reasons=[
            rules.required("id", raw["id"]),
            *vote_reasons(raw["model_a"], raw["model_b"], label_reasons(raw["winner"], winner, labels)),
            rules.readable_time(raw["tstamp"], tstamp),
            *unreadable,
        ],
    )


_LICENCE = "user prompts CC-BY-4.0, model outputs by the terms of each model's provider"

ARENA_140K = Source(
    terms=Terms(
        title="Arena Human Preference 140K",
        licence=_LICENCE,
        text_may_be_shared=False,
        url="https://huggingface.co/datasets/lmarena-ai/arena-human-preference-140k",
    ),
    settings=LabelledBattleSettings,
    fields=lambda config: _FIELDS,
    parse=partial(_parse, printed=False),
    positioned=True,  # a copy may have no times
    entities=(CONVERSATION, BATTLE),
)

ARENA_EXPERT = Source(
    terms=Terms(
        title="Arena Expert 5K",
        licence=_LICENCE,
        text_may_be_shared=False,
        url="https://huggingface.co/datasets/lmarena-ai/arena-expert-5k",
    ),
    settings=LabelledBattleSettings,
    fields=lambda config: _EXPERT_FIELDS,
    parse=partial(_parse, printed=True),
    positioned=True,  # there are no times
    entities=(CONVERSATION, BATTLE),
)

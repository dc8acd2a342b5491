"""Arena Human Preference 100K: one vote of one user on two conversations per record, with categories."""

from pyspark.sql import DataFrame

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
from arenalake.sources.settings import LabelledBattleSettings
from arenalake.sources.source import Field, Source, Terms, raw_values, telling, winner_of
from arenalake.sources.tags import CATEGORY_TAG_TYPE, category_tags
from arenalake.sources.times import time_of

_FIELDS = [
    Field("question_id", "string", "question_id"),
    Field("model_a", "string", "model_a"),
    Field("model_b", "string", "model_b"),
    Field("winner", "string", "winner"),
    Field("judge", "string", "judge_hash"),
    Field("conversation_a", CONVERSATION_TYPE, "conversation_a"),
    Field("conversation_b", CONVERSATION_TYPE, "conversation_b"),
    Field("turn", "double", "turn"),
    Field("anony", "boolean", "anony"),
    Field("language", "string", "language"),
    Field("tstamp", "string", "tstamp"),
    Field("is_code", "boolean", "is_code"),
    Field("category_tag", CATEGORY_TAG_TYPE, "category_tag"),
]


def _parse(records: DataFrame, config: LabelledBattleSettings) -> DataFrame:
    raw = raw_values(_FIELDS)
    labels = published_labels(config)
    winner, tstamp = winner_of(raw["winner"], labels), time_of(raw["tstamp"])
    return parsed_battle(
        records,
        config,
        raw,
        battle_id=raw["question_id"],
        question_id=raw["question_id"],
        winner=winner,
        winner_label=telling(raw["winner"]),
        judge=raw["judge"],
        turn=raw["turn"],
        anony=raw["anony"],
        language=language_of(raw["language"]),
        category_tags=category_tags(category_tag=raw["category_tag"], is_code=raw["is_code"]),
        tstamp=tstamp,
        reasons=[
            rules.required("question_id", raw["question_id"]),
            *vote_reasons(raw["model_a"], raw["model_b"], label_reasons(raw["winner"], winner, labels)),
            rules.whole_number("turn", raw["turn"], minimum=1),
            rules.readable_time(raw["tstamp"], tstamp),
        ],
    )


ARENA_100K = Source(
    terms=Terms(
        title="Arena Human Preference 100K",
        licence="user prompts CC-BY-4.0, model outputs by the terms of each model's provider",
        text_may_be_shared=False,
        citation=(
            "Chiang et al. (2024), Chatbot Arena: An Open Platform for Evaluating LLMs by Human Preference, "
            "arXiv:2403.04132"
        ),
        url="https://huggingface.co/datasets/lmarena-ai/arena-human-preference-100k",
    ),
    settings=LabelledBattleSettings,
    fields=lambda config: _FIELDS,
    parse=_parse,
    entities=(CONVERSATION, BATTLE),
)

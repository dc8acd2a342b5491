"""Chatbot Arena Conversations (33K) as published on the hub: one vote of one user on two conversations per record."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.moderation import MODERATION_TYPE
from arenalake.entities.tables import BATTLE, CONVERSATION
from arenalake.sources import rules
from arenalake.sources.battle import CONVERSATION_TYPE, label_reasons, parsed_battle, published_labels, vote_reasons
from arenalake.sources.settings import LabelledBattleSettings
from arenalake.sources.source import Field, Source, Terms, raw_values, telling, winner_of
from arenalake.sources.times import time_of

_FIELDS = [
    Field("question_id", "string", "question_id"),
    Field("model_a", "string", "model_a"),
    Field("model_b", "string", "model_b"),
    Field("winner", "string", "winner"),
    Field("judge", "string", "judge"),
    Field("conversation_a", CONVERSATION_TYPE, "conversation_a"),
    Field("conversation_b", CONVERSATION_TYPE, "conversation_b"),
    Field("turn", "double", "turn"),
    Field("anony", "boolean", "anony"),
    Field("language", "string", "language"),
    Field("tstamp", "string", "tstamp"),
    Field("openai_moderation", MODERATION_TYPE, "openai_moderation"),
    Field(
        "toxic_chat_tag",
        "struct<`roberta-large`:struct<flagged:boolean,probability:double>,`t5-large`:struct<flagged:boolean,score:double>>",
        "toxic_chat_tag",
    ),
]


def _parse(records: DataFrame, config: LabelledBattleSettings) -> DataFrame:
    raw = raw_values(_FIELDS)
    labels = published_labels(config)
    winner, tstamp = winner_of(raw["winner"], labels), time_of(raw["tstamp"])
    roberta = raw["toxic_chat_tag"]["roberta-large"]
    t5 = raw["toxic_chat_tag"]["t5-large"]
    reasons = [
        rules.required("question_id", raw["question_id"]),
        *vote_reasons(raw["model_a"], raw["model_b"], label_reasons(raw["winner"], winner, labels)),
        rules.whole_number("turn", raw["turn"], minimum=1),
        rules.readable_time(raw["tstamp"], tstamp),
        rules.moderation_scores_in_range("openai_moderation", raw["openai_moderation"]),
        rules.score_in_range("toxic_chat_tag.roberta-large.probability", roberta["probability"]),
        rules.score_in_range("toxic_chat_tag.t5-large.score", t5["score"]),
    ]
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
        language=raw["language"],
        tstamp=tstamp,
        moderation=raw["openai_moderation"],
        toxicity=F.when(
            raw["toxic_chat_tag"].isNotNull(), F.struct(roberta.alias("roberta_large"), t5.alias("t5_large"))
        ),
        reasons=reasons,
    )


ARENA = Source(
    terms=Terms(
        title="Chatbot Arena Conversations",
        licence="user prompts CC-BY-4.0, model outputs CC-BY-NC-4.0",
        text_may_be_shared=True,
        citation="Zheng et al. (2023), Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena, arXiv:2306.05685",
        url="https://huggingface.co/datasets/lmsys/chatbot_arena_conversations",
    ),
    settings=LabelledBattleSettings,
    fields=lambda config: _FIELDS,
    parse=_parse,
    entities=(CONVERSATION, BATTLE),
)

"""LMSYS-Chat-1M as published on the hub: one conversation with one model per record, no votes."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.moderation import MODERATION_TYPE
from arenalake.entities.tables import CONVERSATION, CONVERSATIONS
from arenalake.sources import rules
from arenalake.sources.settings import SourceSettings
from arenalake.sources.source import Field, Source, Terms, messages_of, parsed, raw_values, row_of

_FIELDS = [
    Field("conversation_id", "string", "conversation_id"),
    Field("model", "string", "model"),
    Field("conversation", "array<struct<content:string,role:string>>", "conversation"),
    Field("turn", "double", "turn"),
    Field("language", "string", "language"),
    Field("openai_moderation", f"array<{MODERATION_TYPE}>", "openai_moderation"),
    Field("redacted", "boolean", "redacted"),
]


def _parse(records: DataFrame, config: SourceSettings) -> DataFrame:
    raw = raw_values(_FIELDS)
    moderation = F.when(F.size(raw["openai_moderation"]) > 0, raw["openai_moderation"])
    conversation = row_of(
        CONVERSATIONS,
        conversation_id=raw["conversation_id"],
        model=raw["model"],
        language=raw["language"],
        turn=raw["turn"],
        redacted=raw["redacted"],
        messages=messages_of(raw["conversation"]),
        moderation=moderation,
    )
    reasons = F.array(
        rules.required("conversation_id", raw["conversation_id"]),
        rules.required("model", raw["model"]),
        rules.whole_number("turn", raw["turn"], minimum=1),
        rules.messages_in_order("conversation", raw["conversation"]),
        rules.one_per_message("openai_moderation", raw["openai_moderation"], raw["conversation"]),
        rules.all_moderation_scores_in_range("openai_moderation", raw["openai_moderation"]),
    )
    return parsed(records, key=raw["conversation_id"], reasons=reasons, rows={CONVERSATION: F.array(conversation)})


LMSYS_CHAT_1M = Source(
    terms=Terms(
        title="LMSYS-Chat-1M",
        licence="LMSYS-Chat-1M Dataset License Agreement",
        text_may_be_shared=False,
        citation=(
            "Zheng et al. (2023), LMSYS-Chat-1M: A Large-Scale Real-World LLM Conversation Dataset, arXiv:2309.11998"
        ),
        url="https://huggingface.co/datasets/lmsys/lmsys-chat-1m",
    ),
    settings=SourceSettings,
    fields=lambda config: _FIELDS,
    parse=_parse,
    entities=(CONVERSATION,),
)

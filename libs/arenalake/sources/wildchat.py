"""WildChat as published on the hub: one conversation of one user with one model per record, no votes."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.moderation import MODERATION_TYPE
from arenalake.entities.tables import CONVERSATION, CONVERSATIONS
from arenalake.sources import rules
from arenalake.sources.names import name_of
from arenalake.sources.settings import SourceSettings
from arenalake.sources.source import Field, Source, Terms, digest_of, messages_of, parsed, raw_values, row_of
from arenalake.sources.times import time_of

_FIELDS = [
    Field("conversation_hash", "string", "conversation_hash"),
    Field("model", "string", "model"),
    Field("tstamp", "string", "timestamp"),
    Field("conversation", "array<struct<content:string,role:string>>", "conversation"),
    Field("turn", "double", "turn"),
    Field("language", "string", "language"),
    Field("openai_moderation", f"array<{MODERATION_TYPE}>", "openai_moderation"),
    Field("redacted", "boolean", "redacted"),
    Field("hashed_ip", "string", "hashed_ip"),
]


def _parse(records: DataFrame, config: SourceSettings) -> DataFrame:
    raw = raw_values(_FIELDS)
    tstamp = time_of(raw["tstamp"])
    # The hash is of the text alone, so conversations of the same words share it. The number of a turn is of one
    # conversation; releases that lack it tell conversations of the same words apart by when and by whom they were held.
    # It is read out of the record, since a key that needs the whole list of messages takes long to plan.
    turn_identifier = name_of(F.get_json_object("record", "$.conversation[0].turn_identifier"))
    held = F.coalesce(turn_identifier, digest_of(tstamp, raw["hashed_ip"]))
    conversation_id = F.concat(raw["conversation_hash"], F.lit("/"), held)
    conversation = row_of(
        CONVERSATIONS,
        conversation_id=conversation_id,
        model=raw["model"],
        language=raw["language"],
        turn=raw["turn"],
        redacted=raw["redacted"],
        tstamp=tstamp,
        messages=messages_of(raw["conversation"]),
        moderation=F.when(F.size(raw["openai_moderation"]) > 0, raw["openai_moderation"]),
    )
    reasons = F.array(
        rules.required("conversation_hash", raw["conversation_hash"]),
        rules.required("model", raw["model"]),
        rules.whole_number("turn", raw["turn"], minimum=1),
        rules.readable_time(raw["tstamp"], tstamp),
        rules.messages_in_order("conversation", raw["conversation"]),
        rules.one_per_message("openai_moderation", raw["openai_moderation"], raw["conversation"]),
        rules.all_moderation_scores_in_range("openai_moderation", raw["openai_moderation"]),
    )
    return parsed(records, key=conversation_id, reasons=reasons, rows={CONVERSATION: F.array(conversation)})


WILDCHAT = Source(
    terms=Terms(
        title="WildChat",
        licence="ODC-BY",
        text_may_be_shared=True,
        citation="Zhao et al. (2024), WildChat: 1M ChatGPT Interaction Logs in the Wild, arXiv:2405.01470",
        url="https://huggingface.co/datasets/allenai/WildChat-1M",
    ),
    settings=SourceSettings,
    fields=lambda config: _FIELDS,
    parse=_parse,
    entities=(CONVERSATION,),
)

"""What records that are votes on two conversations have in common: fields, rules and entities."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from arenalake.sources import rules
from arenalake.sources.settings import WINNERS, SourceSettings
from arenalake.sources.source import entity, messages_of, winner_of
from arenalake.tables import CONVERSATIONS

CONVERSATION_TYPE = "array<struct<content:string,role:string>>"


def vote_reasons(
    model_a: Column,
    model_b: Column,
    label: Column,
    config: SourceSettings,
    columns: dict[str, str] | None = None,
    *,
    winner_required: bool = True,
) -> list[Column]:
    """The rules that every vote must keep; `columns` names the file's columns where they are mapped."""
    named = columns or {}
    allowed = sorted(config.winner_labels) if config.winner_labels else list(WINNERS)
    return [
        rules.required("model_a", model_a, named.get("model_a")),
        rules.required("model_b", model_b, named.get("model_b")),
        *([rules.required("winner", label, named.get("winner"))] if winner_required else []),
        rules.known_winner(label, winner_of(label, config.winner_labels), allowed),
        rules.two_models(model_a, model_b),
    ]


def sides(
    battle_id: Column, raw: dict[str, Column], *, language: Column | None = None, tstamp: Column | None = None
) -> Column:
    """The two conversations of a battle, of which those that the record does not have are left out."""
    both = []
    for side in ("a", "b"):
        messages = messages_of(raw[f"conversation_{side}"])
        conversation = entity(
            CONVERSATIONS,
            conversation_id=F.concat(battle_id, F.lit(f"/{side}")),
            model=raw[f"model_{side}"],
            language=language if language is not None else F.lit(None),
            turn=F.size(F.filter(messages, lambda m: m["role"] == "user")),
            battle_id=battle_id,
            side=F.lit(side),
            tstamp=tstamp if tstamp is not None else F.lit(None),
            messages=messages,
        )
        both.append(F.when(messages.isNotNull(), conversation))
    return F.array_compact(F.array(*both))


def prompt_hash(messages: Column) -> Column:
    return F.sha2(F.get(messages, F.lit(0))["content"], 256)


def gives_away(raw: dict[str, Column], phrases: Sequence[str]) -> Column:
    """Whether an answer of either side holds one of the phrases, whatever the case of their letters.

    A phrase is found inside of words too. Null without phrases; and where neither side's text has one, null if a side
    has no text.

    Source: FastChat, fastchat/serve/monitor/clean_battle_data.py, which looks into the prompts as well; but a user who
        asks about a model does not know which one answers.
    """
    if not phrases:
        return F.lit(None).cast("boolean")
    wanted = sorted({phrase.lower() for phrase in phrases})

    def found(side: str) -> Column:
        answers = F.filter(raw[f"conversation_{side}"], lambda message: message["role"] == "assistant")
        # A step of its own, so that a text is put into lower case once and not once per phrase.
        lower = F.transform(answers, lambda message: F.lower(message["content"]))
        return F.exists(lower, lambda text: reduce(or_, [F.contains(text, F.lit(phrase)) for phrase in wanted]))

    return found("a") | found("b")

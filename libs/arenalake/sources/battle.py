"""What records that are votes on two conversations have in common: fields, rules and entities."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import add, and_, or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.prompts import prompt_hash
from arenalake.entities.tables import BATTLE, BATTLES, CONVERSATION, CONVERSATIONS
from arenalake.sources import rules
from arenalake.sources.names import FALSE_TEXTS, TRUE_TEXTS
from arenalake.sources.settings import PUBLISHED_LABELS, BattleSettings, LabelledBattleSettings
from arenalake.sources.source import messages_of, parsed, row_of

CONVERSATION_TYPE = "array<struct<content:string,role:string>>"


# Outcomes given as a column each, in which 1 or true marks the one that was voted for.
ONE_HOT = {
    "winner_model_a": "model_a",
    "winner_model_b": "model_b",
    "winner_tie": "tie",
    "winner_bothbad": "tie (bothbad)",
}


def published_labels(config: LabelledBattleSettings) -> dict[str, str]:
    """The labels of a published format: those of the releases, which the configuration can change and add to."""
    return PUBLISHED_LABELS | config.winner_labels


def vote_reasons(
    model_a: Column, model_b: Column, outcome: Sequence[Column], columns: Mapping[str, str] | None = None
) -> list[Column]:
    """The rules that every vote must keep; `columns` names the file's columns where they are mapped.

    Args:
        outcome: the rules of the outcome, in whatever way the format gives it.
    """
    named = columns or {}
    return [
        rules.required("model_a", model_a, named.get("model_a")),
        rules.required("model_b", model_b, named.get("model_b")),
        *outcome,
        rules.two_models(model_a, model_b),
    ]


def label_reasons(label: Column, winner: Column, known: Iterable[str]) -> list[Column]:
    """The rules of an outcome that is given as a label of a published format."""
    return [rules.required("winner", label), rules.known_winner(label, winner, sorted(known))]


def one_hot_winner(marks: Mapping[str, Column]) -> tuple[Column, Column]:
    """The outcome that columns of 0 and 1 (or false and true) mark, and the rule that exactly one of them is 1.

    Args:
        marks: text by names out of `ONE_HOT`.
    """
    is_one = {name: is_true(mark) for name, mark in marks.items()}
    is_mark = [F.coalesce(is_one[name] | is_false(mark), F.lit(False)) for name, mark in marks.items()]
    n_ones = reduce(add, [F.coalesce(one, F.lit(False)).cast("int") for one in is_one.values()])
    good = reduce(and_, is_mark) & (n_ones == 1)
    winner = F.coalesce(*[F.when(good & one, ONE_HOT[name]) for name, one in is_one.items()])
    values = F.concat_ws(", ", *[F.coalesce(mark, F.lit("null")) for mark in marks.values()])
    told = F.concat(F.lit(f"{', '.join(marks)} are "), values, F.lit("; exactly one must be 1, the others 0"))
    return winner, F.when(~good, told)


def is_true(mark: Column) -> Column:
    """Whether a mark says yes; null where there is none."""
    return F.lower(mark).isin(*TRUE_TEXTS)


def is_false(mark: Column) -> Column:
    """Whether a mark says no; null where there is none."""
    return F.lower(mark).isin(*FALSE_TEXTS)


def parsed_battle(
    records: DataFrame,
    config: BattleSettings,
    raw: Mapping[str, Column],
    *,
    battle_id: Column,
    winner: Column,
    tstamp: Column,
    reasons: Sequence[Column],
    **columns: Column,
) -> DataFrame:
    """A vote on two conversations as entities, see `parsed`; both must be there.

    Args:
        raw: model_a, model_b, conversation_a and conversation_b.
        tstamp: null where the source has no time; battles are then in the order of their file.
        reasons: the rules of the format's other fields.
        columns: further columns of `battles`.
    """
    battle = row_of(
        BATTLES,
        battle_id=battle_id,
        model_a=raw["model_a"],
        model_b=raw["model_b"],
        winner=winner,
        judge_kind=F.lit(config.judge_kind),
        prompt_hash=prompt_hash(raw["conversation_a"]),
        leaked=gives_away(raw, config.identity_phrases),
        tstamp=tstamp,
        sequence=F.coalesce(F.unix_micros(tstamp), F.col("position")),
        **columns,
    )
    in_order = [rules.messages_in_order(name, raw[name]) for name in ("conversation_a", "conversation_b")]
    conversations = sides(battle_id, raw, language=columns.get("language"), tstamp=tstamp)
    rows = {CONVERSATION: conversations, BATTLE: F.array(battle)}
    return parsed(records, key=battle_id, reasons=F.array(*reasons, *in_order), rows=rows)


def sides(
    battle_id: Column, raw: Mapping[str, Column], *, language: Column | None = None, tstamp: Column | None = None
) -> Column:
    """The two conversations of a battle, of which those that the record does not have are left out."""
    both = []
    for side in ("a", "b"):
        messages = messages_of(raw[f"conversation_{side}"])
        conversation = row_of(
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


def gives_away(raw: Mapping[str, Column], phrases: Sequence[str]) -> Column:
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

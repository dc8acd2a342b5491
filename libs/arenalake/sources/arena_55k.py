"""Arena Human Preference 55K (a CSV): one vote per record, the outcome in three columns, texts as JSON lists."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.tables import BATTLE, CONVERSATION
from arenalake.sources import rules
from arenalake.sources.battle import one_hot_winner, parsed_battle, vote_reasons
from arenalake.sources.settings import BattleSettings
from arenalake.sources.source import Field, Source, Terms, raw_values

_OUTCOMES = ("winner_model_a", "winner_model_b", "winner_tie")
_TEXTS = ("prompt", "response_a", "response_b")
_FIELDS = [
    *(Field(name, "string", name) for name in ("id", "model_a", "model_b", *_OUTCOMES)),
    *(Field(name, "string", name, is_text=True) for name in _TEXTS),
]


def _parse(records: DataFrame, config: BattleSettings) -> DataFrame:
    raw = raw_values(_FIELDS)
    winner, one_outcome = one_hot_winner({name: raw[name] for name in _OUTCOMES})
    texts = {name: _texts_in(raw[name]) for name in _TEXTS}
    for side in ("a", "b"):
        raw[f"conversation_{side}"] = _conversation(texts["prompt"], texts[f"response_{side}"])
    n_prompts = F.size(texts["prompt"])
    not_lists = [
        F.when(raw[name].isNotNull() & texts[name].isNull(), F.lit(f"{name} is not a JSON list of texts"))
        for name in _TEXTS
    ]
    answered = [_as_many(name, F.size(texts[name]), n_prompts) for name in _TEXTS[1:]]
    return parsed_battle(
        records,
        config,
        raw,
        battle_id=raw["id"],
        winner=winner,
        turn=n_prompts,
        tstamp=F.lit(None).cast("timestamp"),
        reasons=[
            rules.required("id", raw["id"]),
            *vote_reasons(raw["model_a"], raw["model_b"], [one_outcome]),
            *not_lists,
            *answered,
        ],
    )


def _texts_in(text: Column) -> Column:
    """The texts and nulls of a JSON list; null where it is none. A variant tells types, and halves of characters."""
    are_texts = F.schema_of_variant(F.from_json(text, "variant")).isin("ARRAY<STRING>", "ARRAY<VOID>")
    return F.when(are_texts & F.rtrim(text).endswith("]"), F.from_json(text, "array<string>"))


def _conversation(prompts: Column, answers: Column) -> Column:
    """Prompts and answers in turns; a null, which stands where a model gave no answer, is an empty text."""

    def message(text: Column, role: str) -> Column:
        return F.struct(F.coalesce(text, F.lit("")).alias("content"), F.lit(role).alias("role"))

    turns = F.arrays_zip(prompts.alias("prompt"), answers.alias("answer"))
    return F.flatten(
        F.transform(turns, lambda t: F.array(message(t["prompt"], "user"), message(t["answer"], "assistant")))
    )


def _as_many(name: str, n: Column, n_prompts: Column) -> Column:
    told = F.concat(F.lit(f"{name} has "), n.cast("string"), F.lit(" texts for "), n_prompts.cast("string"))
    return F.when(n != n_prompts, F.concat(told, F.lit(" prompts")))


ARENA_55K = Source(
    terms=Terms(
        title="Arena Human Preference 55K",
        licence="Apache-2.0",
        text_may_be_shared=True,
        citation=(
            "Chiang et al. (2024), Chatbot Arena: An Open Platform for Evaluating LLMs by Human Preference, "
            "arXiv:2403.04132"
        ),
        url="https://huggingface.co/datasets/lmarena-ai/arena-human-preference-55k",
    ),
    settings=BattleSettings,
    fields=lambda config: _FIELDS,
    parse=_parse,
    positioned=True,  # there are no times
    entities=(CONVERSATION, BATTLE),
)

"""MT-bench judgments: votes of experts and authors, and of GPT-4, on answers to 80 questions; texts may be missing.

GPT-4 saw each pair in both orders; `tie (inconsistent)` is a tie because its two verdicts contradict each other.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.prompts import prompt_hash
from arenalake.entities.tables import BATTLE, BATTLES, CONVERSATION
from arenalake.sources import rules
from arenalake.sources.battle import CONVERSATION_TYPE, gives_away, label_reasons, published_labels, sides, vote_reasons
from arenalake.sources.settings import LabelledBattleSettings
from arenalake.sources.source import Field, Source, Terms, digest_of, parsed, raw_values, row_of, telling, winner_of

_FIELDS = [
    Field("question_id", "string", "question_id"),
    Field("model_a", "string", "model_a"),
    Field("model_b", "string", "model_b"),
    Field("winner", "string", "winner"),
    Field("judge", "string", "judge"),
    Field("conversation_a", CONVERSATION_TYPE, "conversation_a"),
    Field("conversation_b", CONVERSATION_TYPE, "conversation_b"),
    Field("turn", "double", "turn"),
]

# Ten questions each, from 81 on; the judgments themselves have no category.
# Source: FastChat, fastchat/llm_judge/data/mt_bench/question.jsonl.
_CATEGORIES = ("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities")
_FIRST_QUESTION, _QUESTIONS_EACH = 81, 10


def _category(question_id: Column) -> Column:
    """The category of a question of the benchmark; null for any other question."""
    place = F.floor((question_id.try_cast("bigint") - _FIRST_QUESTION) / _QUESTIONS_EACH)
    is_known = place.between(0, len(_CATEGORIES) - 1)
    return F.when(is_known, F.get(F.array(*map(F.lit, _CATEGORIES)), place.cast("int")))


def _parse(records: DataFrame, config: LabelledBattleSettings) -> DataFrame:
    raw = raw_values(_FIELDS)
    # The published records have no id; a judge votes once on a question, an ordered pair of models and a turn.
    battle_id = digest_of(*[raw[name] for name in ("question_id", "model_a", "model_b", "judge", "turn")])
    labels = published_labels(config)
    winner = winner_of(raw["winner"], labels)
    battle = row_of(
        BATTLES,
        battle_id=battle_id,
        question_id=raw["question_id"],
        model_a=raw["model_a"],
        model_b=raw["model_b"],
        winner=winner,
        winner_label=telling(raw["winner"]),
        judge=raw["judge"],
        # The published data set has GPT-4's verdicts in a split of its own, with the same columns.
        judge_kind=F.when(raw["judge"].startswith("gpt"), "model").otherwise(config.judge_kind),
        turn=raw["turn"],
        category=_category(raw["question_id"]),
        prompt_hash=prompt_hash(raw["conversation_a"]),
        leaked=gives_away(raw, config.identity_phrases),
        sequence=F.col("position"),
    )
    given = [F.when(raw[name].isNotNull(), rules.messages_in_order(name, raw[name])) for name in _CONVERSATIONS]
    reasons = F.array(
        rules.required("question_id", raw["question_id"]),
        *vote_reasons(raw["model_a"], raw["model_b"], label_reasons(raw["winner"], winner, labels)),
        rules.required("judge", raw["judge"]),
        rules.required("turn", raw["turn"]),
        rules.whole_number("turn", raw["turn"], minimum=1),
        *given,
    )
    rows = {CONVERSATION: sides(battle_id, raw), BATTLE: F.array(battle)}
    return parsed(records, key=battle_id, reasons=reasons, rows=rows)


_CONVERSATIONS = ("conversation_a", "conversation_b")

MT_BENCH = Source(
    terms=Terms(
        title="MT-bench human judgments",
        licence="CC-BY-4.0",
        text_may_be_shared=True,
        citation="Zheng et al. (2023), Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena, arXiv:2306.05685",
        url="https://huggingface.co/datasets/lmsys/mt_bench_human_judgments",
    ),
    settings=LabelledBattleSettings,
    fields=lambda config: _FIELDS,
    parse=_parse,
    positioned=True,
    entities=(CONVERSATION, BATTLE),
)

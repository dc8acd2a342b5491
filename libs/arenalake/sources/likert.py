"""Comparisons of two answers on a Likert scale from 1 (the first is better) to 8, or by two scores.

Three shapes of records are known: one flat rating per record; and those of the study "Can foundation models label data
like humans?", which are tasks with the ratings of several people, and reviews by a model.
"""

from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.prompts import prompt_hash
from arenalake.entities.tables import BATTLE, BATTLES, CONVERSATION, LIKERT_RECORD, LIKERT_RECORDS
from arenalake.sources import rules
from arenalake.sources.battle import gives_away, sides, vote_reasons
from arenalake.sources.names import filled, name_of
from arenalake.sources.settings import BattleSettings
from arenalake.sources.source import Field, Source, Terms, digest_of, parsed, raw_values, row_of

FIRST, LAST = 1, 8
# Grades in the middle: slightly better, or as good as the other.
_MIDDLE_FIRST, _MIDDLE_SECOND = 4, 5
_KINDS = ("human", "model")
# Of a task that nobody rated in the end.
_CANCELED = "canceled"

_FIELDS = [
    Field("question_id", "string", "question_id"),
    Field("category", "string", "category"),
    Field("prompt", "string", "prompt", is_text=True),
    Field("prompt_variant", "string", "prompt_variant"),
    Field("model_a", "string", "model_a"),
    Field("model_b", "string", "model_b"),
    Field("completion_a", "string", "completion_a", is_text=True),
    Field("completion_b", "string", "completion_b", is_text=True),
    Field("rater", "string", "rater"),
    Field("rater_kind", "string", "rater_kind"),
    Field("rating", "double", "rating"),
    Field("score_a", "double", "score_a"),
    Field("score_b", "double", "score_b"),
    # A task of the study, rated by several people.
    Field("status", "string", "status"),
    Field("task_id", "string", "task_id"),
    Field(
        "params",
        "struct<templateVariables:struct<prompt:string,modela:string,modelb:string,response1:string,response2:string>>",
        "params",
    ),
    Field(
        "response",
        "struct<annotations:struct<Preference:string>,responses:array<struct<Preference:string>>>",
        "response",
    ),
    # A review by a model: one rating, or two scores.
    Field("review_id", "string", "review_id"),
    Field("question", "string", "question", is_text=True),
    Field("model1", "string", "model1"),
    Field("model2", "string", "model2"),
    Field("answer1", "string", "answer1", is_text=True),
    Field("answer2", "string", "answer2", is_text=True),
    Field("score", "array<double>", "score"),
]


class LikertSettings(BattleSettings):
    """Comparisons on a scale.

    `middle` says how the grades 4 and 5 count: each as a `tie`, or as a `win` of the first and of the second answer.
    `votes_of` is for tasks with several raters: one vote per rater (`raters`), or one vote per `task`, by the
    aggregated rating of its raters.
    """

    middle: Literal["tie", "win"] = "tie"
    votes_of: Literal["raters", "task"] = "raters"


def _parse(records: DataFrame, config: LikertSettings) -> DataFrame:
    raw = raw_values(_FIELDS)
    task = raw["params"]["templateVariables"]
    is_task, is_review = raw["task_id"].isNotNull(), raw["review_id"].isNotNull()
    text = {
        "prompt": F.coalesce(raw["prompt"], raw["question"], task["prompt"]),
        "a": F.coalesce(raw["completion_a"], raw["answer1"], task["response1"]),
        "b": F.coalesce(raw["completion_b"], raw["answer2"], task["response2"]),
    }
    sides_of: dict[str, Column] = {
        "model_a": F.coalesce(raw["model_a"], raw["model1"], name_of(filled(task["modela"]))),
        "model_b": F.coalesce(raw["model_b"], raw["model2"], name_of(filled(task["modelb"]))),
        **{f"conversation_{side}": _conversation(text["prompt"], text[side]) for side in ("a", "b")},
    }
    question_id = F.coalesce(raw["question_id"], F.sha2(text["prompt"], 256))
    scored = [F.coalesce(raw[f"score_{side}"], _of_two(raw["score"], place)) for place, side in enumerate("ab")]
    has_scores = scored[0].isNotNull() | scored[1].isNotNull()
    single = F.transform(raw["response"]["responses"], lambda one: one["Preference"].try_cast("double"))
    single = F.when(F.size(single) > 0, single)
    aggregate = raw["response"]["annotations"]["Preference"].try_cast("double")
    aggregate = F.when(~F.isnan(aggregate), aggregate)
    of_one = F.when(F.size(raw["score"]) == 1, F.get(raw["score"], F.lit(0)))
    rating = F.coalesce(raw["rating"], of_one, aggregate)
    # Of plain columns alone: keys are looked up before lists and objects are read. A rater who rates the same answers
    # in two ways has two votes, so a vote in a list, which the key cannot tell from another, has that of its row.
    # Nobody in particular may rate the same answers twice in the same way, as two people do.
    asked = F.coalesce(raw["question_id"], F.sha2(F.coalesce(raw["prompt"], raw["question"]), 256))
    models = [F.coalesce(raw["model_a"], raw["model1"]), F.coalesce(raw["model_b"], raw["model2"])]
    stated = [raw[name] for name in ("rating", "score_a", "score_b")]
    vote = digest_of(asked, *models, raw["rater"], raw["prompt_variant"], *stated)
    has_vote = raw["rater"].isNotNull() & F.coalesce(*stated).isNotNull()
    of_row = digest_of(F.col("file"), F.col("position"))
    key = F.coalesce(raw["task_id"], raw["review_id"], F.when(has_vote, vote), of_row)
    kind = F.coalesce(raw["rater_kind"], F.when(is_review, "model").when(is_task, "human"), F.lit(config.judge_kind))
    judge = F.concat_ws("/", "raw_rater", "raw_prompt_variant")
    by_scores = _winner_of_scores(*scored)

    def battle(grade: Column, battle_id: Column) -> Column:
        # Who gives scores as well as ratings is two judges; nobody in particular stays without a name.
        named = F.when(grade.isNull() & has_scores, F.concat(judge, F.lit("/scores"))).otherwise(judge)
        return row_of(
            BATTLES,
            battle_id=battle_id,
            question_id=question_id,
            model_a=sides_of["model_a"],
            model_b=sides_of["model_b"],
            winner=F.when(grade.isNotNull(), _winner(grade, config.middle)).otherwise(by_scores),
            judge=F.when(judge != "", named),
            judge_kind=kind,
            turn=F.lit(1),
            category=raw["category"],
            likert=grade,
            score=F.coalesce((LAST - grade) / (LAST - FIRST), _points(by_scores)),
            prompt_hash=prompt_hash(sides_of["conversation_a"]),
            leaked=gives_away(sides_of, config.identity_phrases),
            sequence=F.col("position"),
        )

    by_raters = F.lit(config.votes_of == "raters") & single.isNotNull()
    battles = F.when(
        by_raters,
        F.transform(single, lambda grade, place: battle(grade, F.concat(key, F.lit("/"), place.cast("string")))),
    ).otherwise(F.array(battle(rating, key)))
    record = row_of(
        LIKERT_RECORDS,
        question_id=question_id,
        category=raw["category"],
        prompt_variant=raw["prompt_variant"],
        model_a=sides_of["model_a"],
        model_b=sides_of["model_b"],
        rating=rating,
        score_a=scored[0],
        score_b=scored[1],
        ratings=single,
    )
    has_rating = rating.isNotNull() | by_raters
    reasons = F.array(
        F.when(raw["status"] == _CANCELED, F.lit("the task was canceled")),
        rules.required("question_id", question_id),
        *vote_reasons(sides_of["model_a"], sides_of["model_b"], []),
        F.when(raw["rater_kind"].isNotNull() & ~raw["rater_kind"].isin(*_KINDS), _unknown_kind(raw["rater_kind"])),
        F.when(~has_rating & ~has_scores, F.lit("rating is missing, and there are no scores in its place")),
        F.when(has_rating & has_scores, F.lit("the record has a rating and scores, so its vote is ambiguous")),
        F.when(~has_rating & has_scores & (scored[0].isNull() | scored[1].isNull()), F.lit("one score is missing")),
        *[_a_number(f"score_{side}", score) for side, score in zip("ab", scored, strict=True)],
        F.when(F.size(raw["score"]) > 2, F.lit("score has more than two numbers")),
        _on_scale("rating", rating),
        F.when(by_raters, _all_on_scale(single)),
    )
    rows = {CONVERSATION: sides(key, sides_of), BATTLE: battles, LIKERT_RECORD: F.array(record)}
    return parsed(records, key=key, reasons=reasons, rows=rows)


def _conversation(prompt: Column, answer: Column) -> Column:
    """One exchange; null where a text is missing."""
    messages = [
        F.struct(text.alias("content"), F.lit(role).alias("role"))
        for text, role in ((prompt, "user"), (answer, "assistant"))
    ]
    return F.when(prompt.isNotNull() & answer.isNotNull(), F.array(*messages))


def _of_two(scores: Column, place: int) -> Column:
    return F.when(F.size(scores) == 2, F.get(scores, F.lit(place)))


def _winner(grade: Column, middle: str) -> Column:
    if middle == "tie":
        outcome = F.when(grade < _MIDDLE_FIRST, "model_a").when(grade > _MIDDLE_SECOND, "model_b")
        return outcome.when(grade.isin(_MIDDLE_FIRST, _MIDDLE_SECOND), "tie")
    return F.when(grade <= _MIDDLE_FIRST, "model_a").when(grade >= _MIDDLE_SECOND, "model_b")


def _winner_of_scores(first: Column, second: Column) -> Column:
    return F.when(first > second, "model_a").when(first < second, "model_b").when(first == second, "tie")


def _points(winner: Column) -> Column:
    """The outcome as a number. Two scores are on a scale that nobody states, so how far apart they are says nothing."""
    return F.when(winner == "model_a", 1.0).when(winner == "model_b", 0.0).when(winner == "tie", 0.5)


def _on_scale(name: str, grade: Column) -> Column:
    """Broken by a grade that is no whole number from 1 to 8; null is missing."""
    is_good = (grade == F.floor(grade)) & grade.between(FIRST, LAST)
    told = F.concat(F.lit(f"{name} is "), grade.cast("string"), F.lit(f", not a whole number from {FIRST} to {LAST}"))
    return F.when(grade.isNotNull() & ~F.coalesce(is_good, F.lit(False)), told)


def _all_on_scale(grades: Column) -> Column:
    """The same for the ratings of several people, none of which may be missing."""
    broken = F.filter(F.transform(grades, lambda grade: _on_scale("a rating", grade)), lambda told: told.isNotNull())
    no_rating = F.when(F.exists(grades, lambda grade: grade.isNull()), F.lit("a rater gave no rating"))
    return F.coalesce(F.get(broken, F.lit(0)), no_rating)


def _a_number(name: str, score: Column) -> Column:
    is_none = F.isnan(score) | (F.abs(score) == float("inf"))
    return F.when(is_none, F.concat(F.lit(f"{name} is "), score.cast("string"), F.lit(", not a number")))


def _unknown_kind(kind: Column) -> Column:
    return F.concat(F.lit("rater_kind is "), kind, F.lit(f"; it must be {' or '.join(_KINDS)}"))


LIKERT = Source(
    terms=Terms(
        title="Ratings on a Likert scale",
        licence="as stated by whoever gave the file",
        text_may_be_shared=False,
        citation="Rajani et al. (2023), Can foundation models label data like humans?, Hugging Face Blog",
        url="https://huggingface.co/blog/llm-v-human-data",
    ),
    settings=LikertSettings,
    fields=lambda config: _FIELDS,
    parse=_parse,
    positioned=True,
    entities=(CONVERSATION, BATTLE, LIKERT_RECORD),
)

"""GAIR's preference dissection: pairs of answers from the arena, 29 annotated properties, the preferences of 33 judges.

A record is a pair: it becomes a row of `preference_pairs`, a battle for each judge's preference, and a conversation for
each response. Its objects have keys with spaces, dots, slashes and hyphens, and one has a key for each judge, so they
are taken apart here as maps of texts. Grades may be numbers or texts, and what is graded item by item is a list of
texts such as "description | 2".

The pairs come from the arena's own votes (`human` is the vote), so these battles overlap with those of the arena.
"""

from collections.abc import Callable, Iterable, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.properties import (
    BASIC,
    CASES,
    CLARIFY,
    EMPATHETIC,
    ERROR_TYPES,
    HIGHEST_GRADE,
    LENGTHY,
    MISTAKE_SCORES,
    MISTAKES,
    NON_REPETITIVE,
    PROPERTIES,
    PROPERTIES_TYPE,
    QUERY_SPECIFIC,
    REPETITIVE,
    SEVERITIES,
    STANCE_SCORES,
    STANCES,
    column_of,
)
from arenalake.entities.tables import (
    BATTLE,
    BATTLES,
    CONVERSATION,
    CONVERSATIONS,
    PREFERENCE_PAIR,
    PREFERENCE_PAIRS,
)
from arenalake.sources import rules
from arenalake.sources.settings import SourceSettings
from arenalake.sources.source import Field, Source, Terms, digest_of, parsed, raw_values, row_of

_SIDES = {"a": "response_1", "b": "response_2"}
_LISTS = {
    "constraints": "explicit constraints",
    "stances": "explicit subjective stances",
    "mistakes": "explicit mistakes or biases",
}
_YES_OR_NO = {"clear_intent": "clear intent", "expresses_feelings": "explicitly express feelings"}
_OF_SIDE = {"basic": "basic", "errors": "errors", "specific": "query-specific"}
_FIELDS = [
    Field("query", "string", "query", is_text=True),
    Field("scenario", "string", "scenario_auto-j"),
    Field("scenario_group", "string", "scenario_group"),
    Field("reference", "string", "gpt-4-turbo_reference", is_text=True),
    *(Field(name, "string", column) for name, column in _YES_OR_NO.items()),
    *(Field(name, "string", column, is_json=True) for name, column in _LISTS.items()),
    Field("labels", "string", "preference_labels", is_json=True),
    *(Field(f"response_{side}", "string", response, is_json=True) for side, response in _SIDES.items()),
    *(
        Field(f"{name}_{side}", "string", f"{column}_{response}", is_json=True)
        for side, response in _SIDES.items()
        for name, column in _OF_SIDE.items()
    ),
]
_OBJECTS = ["labels", *(f"{name}_{side}" for side in _SIDES for name in ("response", *_OF_SIDE))]

_HUMAN = "human"
_PREFERRED = {"response_1": "model_a", "response_2": "model_b"}
_BASIC_KEYS = (*BASIC, REPETITIVE)
_GRADES = {str(grade): grade for grade in range(HIGHEST_GRADE + 1)}
# What the labels of each query-specific property count as.
_SCORES: dict[str, Mapping[str, int]] = {
    key: {STANCES: STANCE_SCORES, MISTAKES: MISTAKE_SCORES}.get(key, _GRADES) for key in QUERY_SPECIFIC
}
_APPLICABLE = "applicable or not"
_NOTHING = "array<string>"
# A column that Spark may compute only once. A filter on the reasons would otherwise be pushed below the steps, and put
# what they compute in place of their names: a text would be taken apart again for each mention and each grade.
_BARRIER = "found_place"


def _parse(records: DataFrame, config: SourceSettings) -> DataFrame:
    raw = raw_values(_FIELDS)
    # In steps, so that what is used often is computed once, and planned once. As maps and lists: a column for each of
    # the 29 properties of both responses takes long to plan, and steps between which structs are Spark would undo.
    objects = {name: F.from_json(raw[name], "map<string,string>") for name in _OBJECTS}
    lists = {name: F.from_json(raw[name], "array<string>") for name in _LISTS}
    records = records.withColumns({f"found_{name}": column for name, column in (objects | lists).items()})
    value = {name: F.col(f"found_{name}") for name in (*_OBJECTS, *_LISTS)}
    taken_apart = {"found_winners": _labels(value["labels"])}
    for side in _SIDES:
        errors = value[f"errors_{side}"]
        taken_apart |= {
            f"found_grades_{side}": _each(_BASIC_KEYS, value[f"basic_{side}"], _plain),
            f"found_items_{side}": _each(QUERY_SPECIFIC, value[f"specific_{side}"], _items_of),
            f"found_said_{side}": _plain(errors[_APPLICABLE]),
            f"found_list_{side}": F.from_json(errors["errors"], "array<map<string,string>>"),
        }
    records = records.withColumns(taken_apart)
    value |= {name.removeprefix("found_"): F.col(name) for name in taken_apart}
    taken_apart = {f"found_scores_{side}": _scores(value[f"items_{side}"]) for side in _SIDES}
    taken_apart |= {
        f"found_numbers_{side}": F.transform(value[f"grades_{side}"], lambda grade: grade.try_cast("double"))
        for side in _SIDES
    }
    records = records.withColumns(taken_apart)
    value |= {name.removeprefix("found_"): F.col(name) for name in taken_apart}
    means = {f"found_means_{side}": F.transform(value[f"scores_{side}"], _mean) for side in _SIDES}
    responses = {side: value[f"response_{side}"] for side in _SIDES}
    model = {side: F.trim(responses[side]["model"]) for side in _SIDES}
    said = [part for side in _SIDES for part in (model[side], responses[side]["content"])]
    hashes = {"found_pair_id": digest_of(raw["query"], *said), "found_prompt_hash": F.sha2(raw["query"], 256)}
    records = records.withColumns(means | hashes | {_BARRIER: F.monotonically_increasing_id()})
    value |= {name.removeprefix("found_"): F.col(name) for name in means | hashes}

    cases, pair_id = _cases(raw, value), value["pair_id"]
    pair = row_of(
        PREFERENCE_PAIRS,
        pair_id=pair_id,
        scenario=raw["scenario"],
        scenario_group=raw["scenario_group"],
        **{f"model_{side}": model[side] for side in _SIDES},
        **cases,
        **{name: value[name] for name in _LISTS},
        reference=raw["reference"],
        **{f"properties_{side}": _properties(side, value, cases) for side in _SIDES},
        **{f"errors_{side}": _errors(side, value) for side in _SIDES},
        labels=value["winners"],
    )
    rows = {
        CONVERSATION: F.array(*[_conversation(side, pair_id, raw["query"], responses[side]) for side in _SIDES]),
        BATTLE: F.transform(value["winners"], lambda label: _battle(label, value, model, raw)),
        PREFERENCE_PAIR: F.array(pair),
    }
    return parsed(records, key=pair_id, reasons=_reasons(raw, value, model, cases), rows=rows)


def _mean(scores: Column) -> Column:
    """The mean of a list of numbers; null where it is empty or holds a null."""
    total = F.aggregate(scores, F.lit(0.0), lambda total, score: total + score)
    return F.try_divide(total, F.size(scores).cast("double"))


def _each(keys: Iterable[str], members: Column, read: Callable[[Column], Column]) -> Column:
    """A list of what is read of the member of each key."""
    return F.transform(F.array(*[F.lit(key) for key in keys]), lambda key: read(F.try_element_at(members, key)))


def _scores(items: Column) -> Column:
    """What was graded as numbers, for each query-specific property; a label that is not known is null."""
    known = F.create_map(
        *[
            F.lit(one)
            for i, labels in enumerate(_SCORES.values())
            for label, score in labels.items()
            for one in (f"{i}/{label}", float(score))
        ]
    )
    return F.transform(
        items,
        lambda graded, i: F.transform(
            graded, lambda item: F.try_element_at(known, F.concat(i.cast("string"), F.lit("/"), item))
        ),
    )


def _items_of(text: Column) -> Column:
    """What was graded, item by item, as written behind the last bar; one grade is one item; none is an empty list."""
    listed = F.when(F.startswith(F.trim(text), F.lit("[")), F.from_json(text, "array<string>")).otherwise(F.array(text))
    is_given = text.isNotNull() & (F.trim(text) != "")
    graded = F.transform(listed, lambda item: _plain(F.substring_index(item, "|", -1)))
    return F.when(is_given, F.coalesce(graded, F.array(_plain(text)))).otherwise(F.array().cast("array<string>"))


def _plain(label: Column) -> Column:
    """A label without what surrounds it, in small letters; whole numbers without a point."""
    return F.regexp_replace(F.lower(F.trim(label)), r"^(\d+)\.0+$", "$1")


def _cases(raw: Mapping[str, Column], value: Mapping[str, Column]) -> dict[str, Column]:
    """Whether the query is of each case; null where the record does not say."""
    found = [_says(raw["clear_intent"], no=True), _says(raw["expresses_feelings"], no=False)]
    found += [F.when(value[name].isNotNull(), F.size(value[name]) > 0) for name in _LISTS]
    return dict(zip(CASES, found, strict=True))


def _says(text: Column, *, no: bool) -> Column:
    plain = F.lower(text)
    return F.when(plain.isin("yes", "no"), plain == ("no" if no else "yes"))


def _labels(judges: Column) -> Column:
    """The preference of each judge who has one, by judge."""
    preferred = F.map_filter(judges, lambda judge, label: label.isNotNull())
    listed = F.transform(
        F.map_entries(preferred),
        lambda entry: F.struct(F.trim(entry["key"]).alias("judge"), _winner(entry["value"]).alias("winner")),
    )
    return F.array_sort(listed)


def _winner(label: Column) -> Column:
    winner = F.lit(None).cast("string")
    for text, side in _PREFERRED.items():
        winner = F.when(F.trim(label) == text, side).otherwise(winner)
    return winner


def _properties(side: str, value: Mapping[str, Column], cases: Mapping[str, Column]) -> Column:
    grades = value[f"numbers_{side}"]
    found = {name: F.get(grades, F.lit(i)) for i, name in enumerate(BASIC.values())}
    repetitive = F.get(grades, F.lit(_BASIC_KEYS.index(REPETITIVE)))
    found[NON_REPETITIVE] = F.coalesce(found[NON_REPETITIVE], HIGHEST_GRADE - repetitive)
    is_told = value[f"said_{side}"] == "applicable"
    severities = F.transform(value[f"list_{side}"], lambda error: _plain(error["severity"]))
    for severity, name in SEVERITIES.items():
        others = F.array_remove(severities, severity)
        found[name] = F.when(is_told, (F.size(severities) - F.size(others)).cast("double"))
    for i, (case, name) in enumerate(zip(CASES, QUERY_SPECIFIC.values(), strict=True)):
        found[name] = F.when(cases[case], F.get(value[f"means_{side}"], F.lit(i)))
    found[LENGTHY] = value[f"response_{side}"]["num_words"].try_cast("double")
    return F.struct(*[found[name].alias(column_of(name)) for name in PROPERTIES]).cast(PROPERTIES_TYPE)


def _errors(side: str, value: Mapping[str, Column]) -> Column:
    listed = F.transform(
        value[f"list_{side}"],
        lambda error: F.struct(
            _plain(error["type"]).alias("type"),
            _plain(error["severity"]).alias("severity"),
            error["brief description"].alias("description"),
        ),
    )
    return F.when(value[f"said_{side}"] == "applicable", listed)


def _conversation(side: str, pair_id: Column, query: Column, response: Column) -> Column:
    messages = [
        F.struct(F.lit(role).alias("role"), text.alias("content"))
        for role, text in (("user", query), ("assistant", response["content"]))
    ]
    return row_of(
        CONVERSATIONS,
        conversation_id=F.concat(pair_id, F.lit(f"/{side}")),
        model=F.trim(response["model"]),
        turn=F.lit(1),
        side=F.lit(side),
        messages=F.array(*messages),
    )


def _battle(
    label: Column, value: Mapping[str, Column], model: Mapping[str, Column], raw: Mapping[str, Column]
) -> Column:
    return row_of(
        BATTLES,
        battle_id=F.concat(value["pair_id"], F.lit("/"), label["judge"]),
        question_id=value["pair_id"],
        model_a=model["a"],
        model_b=model["b"],
        winner=label["winner"],
        judge=label["judge"],
        judge_kind=F.when(label["judge"] == _HUMAN, "human").otherwise("model"),
        turn=F.lit(1),
        category=raw["scenario_group"],
        prompt_hash=value["prompt_hash"],
        sequence=F.col("position"),
    )


def _reasons(
    raw: Mapping[str, Column], value: Mapping[str, Column], model: Mapping[str, Column], cases: Mapping[str, Column]
) -> Column:
    """Every rule that the record breaks, as an array in which what is kept is null."""
    plain = [
        _missing("query", raw["query"]),
        rules.required("scenario_group", raw["scenario_group"]),
        rules.two_models(model["a"], model["b"]),
    ]
    for name, column in _YES_OR_NO.items():
        is_other = raw[name].isNotNull() & ~F.lower(raw[name]).isin("yes", "no")
        plain += [rules.required(column, raw[name]), F.when(is_other, _told(column, raw[name], "Yes or No"))]
    for name, column in _LISTS.items():
        plain.append(_unlike(column, raw[name], value[name], "a list of texts"))
    for name in _OBJECTS:
        column = next(field.column for field in _FIELDS if field.name == name)
        plain.append(_unlike(column, raw[name], value[name], "an object"))
    for side, response in _SIDES.items():
        words = value[f"response_{side}"]["num_words"]
        n_words = words.try_cast("double")
        is_number = F.coalesce((n_words >= 0) & (n_words == F.floor(n_words)) & (n_words < 2.0**31), F.lit(False))
        plain += _of_object(
            value[f"response_{side}"],
            [
                _missing(f"{response}.content", value[f"response_{side}"]["content"]),
                rules.required(f"{response}.model", model[side]),
                rules.required(f"{response}.num_words", words),
                F.when(words.isNotNull() & ~is_number, _told(f"{response}.num_words", words, "a number of words")),
            ],
        )
    found = [F.array(*plain), _label_reasons(value["labels"])]
    for side, response in _SIDES.items():
        found += [
            _grade_reasons(f"basic_{response}", value[f"basic_{side}"], value[f"grades_{side}"]),
            _error_reasons(f"errors_{response}", side, value),
            _specific_reasons(f"query-specific_{response}", value[f"items_{side}"], value[f"scores_{side}"], cases),
        ]
    found.append(_uneven_reasons(value, cases))
    nothing = F.array().cast(_NOTHING)
    return F.when(F.col(_BARRIER) >= 0, F.concat(*[F.coalesce(one, nothing) for one in found]))


def _missing(name: str, text: Column) -> Column:
    """Broken by null; a text of nothing is what a model may have answered."""
    return F.when(text.isNull(), F.lit(f"{name} is missing"))


def _told(name: str, text: Column, wanted: str) -> Column:
    return F.concat(F.lit(f"{name} is "), F.to_json(F.array(text)), F.lit(f", not {wanted}"))


def _unlike(column: str, raw: Column, value: Column, wanted: str) -> Column:
    return F.when(raw.isNull(), F.lit(f"{column} is missing")).when(value.isNull(), F.lit(f"{column} is not {wanted}"))


def _of_object(value: Column, reasons: list[Column]) -> list[Column]:
    """Reasons that only an object can give: that there is none is a reason of its own."""
    return [F.when(value.isNotNull(), reason) for reason in reasons]


def _label_reasons(judges: Column) -> Column:
    wrong = F.map_filter(judges, lambda judge, label: label.isNotNull() & _winner(label).isNull())
    return F.transform(
        F.map_entries(wrong),
        lambda entry: F.concat(
            F.lit("preference_labels: "),
            entry["key"],
            F.lit(" prefers "),
            F.to_json(F.array(entry["value"])),
            F.lit(f", not {' or '.join(_PREFERRED)}"),
        ),
    )


def _grade_reasons(name: str, basic: Column, grades: Column) -> Column:
    keys = F.array(*[F.lit(key) for key in _BASIC_KEYS])
    is_turned_round = F.get(grades, F.lit(_BASIC_KEYS.index(REPETITIVE))).isNotNull()
    may_be_missing = F.array(F.lit(REPETITIVE), F.when(is_turned_round, NON_REPETITIVE))

    def reason(grade: Column, i: Column) -> Column:
        key = F.get(keys, i)
        about = F.concat(F.lit(f"{name}: "), key)
        told = F.concat(about, F.lit(" is "), grade, F.lit(f", not a whole number from 0 to {HIGHEST_GRADE}"))
        is_missing = grade.isNull() & ~F.coalesce(F.array_contains(may_be_missing, key), F.lit(False))
        return F.when(is_missing, F.concat(about, F.lit(" is missing"))).when(~grade.isin(*_GRADES), told)

    return F.when(basic.isNotNull(), F.transform(grades, reason))


def _error_reasons(name: str, side: str, value: Mapping[str, Column]) -> Column:
    check, said, listed = value[f"errors_{side}"], value[f"said_{side}"], value[f"list_{side}"]
    is_told = said == "applicable"
    whole = F.array(
        rules.required(f"{name}.{_APPLICABLE}", check[_APPLICABLE]),
        F.when(
            ~said.isin("applicable", "not applicable"),
            _told(f"{name}.{_APPLICABLE}", check[_APPLICABLE], "applicable or not applicable"),
        ),
        F.when(is_told & listed.isNull(), F.lit(f"{name}.errors is missing or not a list of objects")),
    )

    def of_errors(key: str, known: Iterable[str]) -> Column:
        def reason(error: Column) -> Column:
            label = F.coalesce(error[key], F.lit("null"))
            return F.when(~_plain(label).isin(*known), _told(f"{name}: the {key} of an error", label, ", ".join(known)))

        return F.when(is_told, F.transform(listed, reason))

    nothing = F.array().cast(_NOTHING)
    found = [whole, of_errors("type", ERROR_TYPES), of_errors("severity", SEVERITIES)]
    return F.when(check.isNotNull(), F.concat(*[F.coalesce(one, nothing) for one in found]))


_NO_CASE = {
    CLARIFY: "the intent is clear",
    EMPATHETIC: "the query expresses no feelings",
}


def _specific_reasons(name: str, items: Column, scores: Column, cases: Mapping[str, Column]) -> Column:
    known = F.array(*[F.lit(", ".join(labels)) for labels in _SCORES.values()])
    keys = F.array(*[F.lit(key) for key in QUERY_SPECIFIC])
    is_asked = F.array(*[cases[case] for case in CASES])
    why = F.array(
        *[F.lit(_NO_CASE.get(key, f"{CASES[case]} has none")) for case, key in zip(CASES, _SCORES, strict=True)]
    )

    def of_property(graded: Column, i: Column) -> Column:
        about = F.concat(F.lit(f"{name}: "), F.get(keys, i))

        def unknown(item: Column, place: Column) -> Column:
            is_known = F.get(F.get(scores, i), place).isNotNull()
            label = F.to_json(F.array(F.coalesce(item, F.lit("null"))))
            return F.when(~is_known, F.concat(about, F.lit(" is "), label, F.lit(", not "), F.get(known, i)))

        is_without = ~F.get(is_asked, i) & (F.size(graded) > 0)
        told = F.when(is_without, F.concat(about, F.lit(" is graded, but "), F.get(why, i)))
        return F.concat(F.transform(graded, unknown), F.array(told))

    return F.flatten(F.transform(items, of_property))


def _uneven_reasons(value: Mapping[str, Column], cases: Mapping[str, Column]) -> Column:
    """What a query asks for is graded in both responses item by item, so one of them cannot have fewer grades.

    Both may have none, or fewer than the query has items: the authors' code takes such annotations, as no difference
    and as means over the graded items.
    """
    keys = F.array(*[F.lit(key) for key in QUERY_SPECIFIC])
    is_asked = F.array(*[cases[case] for case in CASES])

    def reason(graded: Column, i: Column) -> Column:
        n_a, n_b = F.size(graded), F.size(F.get(value["items_b"], i))
        told = F.concat(
            F.lit("query-specific: "),
            F.get(keys, i),
            F.lit(" has "),
            n_a.cast("string"),
            F.lit(" grades in response_1 and "),
            n_b.cast("string"),
            F.lit(" in response_2"),
        )
        return F.when(F.get(is_asked, i) & (n_a != n_b), told)

    both = value["specific_a"].isNotNull() & value["specific_b"].isNotNull()
    return F.when(both, F.transform(value["items_a"], reason))


PREFERENCE_DISSECTION = Source(
    terms=Terms(
        title="Preference dissection",
        licence="CC-BY-NC-4.0",
        text_may_be_shared=True,
        citation="Li et al. (2024), Dissecting Human and LLM Preferences, arXiv:2402.11296",
        url="https://huggingface.co/datasets/GAIR/preference-dissection",
    ),
    settings=SourceSettings,
    fields=lambda config: _FIELDS,
    parse=_parse,
    entities=(CONVERSATION, BATTLE, PREFERENCE_PAIR),
    positioned=True,  # there are no times
)

"""A table of votes in memory as arrays, checked: no unknown label, no missing name, no model against itself."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from arenalake.errors import VotesError
from arenalake.hints import did_you_mean
from arenalake.labels import PUBLISHED_LABELS, TIES, WINNERS, clean_labels, text_name
from arenalake.plurals import counted
from arenalake.ratings.model.votes import A_WINS, B_WINS, TIE, Ints

Labels = Mapping[Any, str]
_OUTCOMES = {"model_a": A_WINS, "model_b": B_WINS, **dict.fromkeys(TIES, TIE)}
# Labels, columns and models that an error names; the number of the others is told.
_NAMED = 8


@dataclass(frozen=True)
class Names:
    """A column of names.

    Attributes:
        values: the names by code point, each once.
        codes: index of each row's name, [N]; -1 where there is none.
    """

    values: tuple[str, ...]
    codes: Ints


@dataclass(frozen=True)
class Votes:
    """Checked votes in their order.

    Attributes:
        models: names by code point.
        first: index of `model_a` of each vote, [N].
        second: index of `model_b`, [N].
        outcome: `A_WINS`, `B_WINS` or `TIE`, seen from `model_a`, [N].
        judge: who voted; None where nobody asked.
        by: columns whose values make slices; a vote without a value is in none of them.
    """

    models: tuple[str, ...]
    first: Ints
    second: Ints
    outcome: Ints
    judge: Names | None
    by: dict[str, Names]


@dataclass(frozen=True)
class VoteColumns:
    """What a table's columns hold.

    Attributes:
        model_a: name of the column with the model shown first.
        model_b: name of the column with the model shown second.
        winner: name of the column with the outcome.
        labels: what labels stand for, beside the published ones.
        judge: name of the column that says who voted.
        by: names of columns whose values make slices.
    """

    model_a: str
    model_b: str
    winner: str
    labels: Labels | None
    judge: str | None
    by: tuple[str, ...]

    @property
    def roles(self) -> dict[str, str]:
        """The columns that every vote needs, by what they hold."""
        roles = {"model_a": self.model_a, "model_b": self.model_b, "winner": self.winner}
        return {**roles, "judge": self.judge} if self.judge else roles


def read_votes(votes: Any, columns: VoteColumns) -> Votes:
    """Read and check a pandas, polars or Arrow table of votes, or anything else that speaks Arrow's C stream.

    Raises:
        VotesError: a column is missing, a vote lacks a name or an outcome, a label is not known, a model meets itself.
    """
    given = _table_of(votes)
    table = _arrow_of(given, check_columns(_columns_of(given), columns))
    if not table.num_rows:
        raise VotesError("votes: the table has no rows")
    names = {role: _names_of(table[column], role, column) for role, column in columns.roles.items()}
    for role, column in columns.roles.items():
        require_no_missing(role, column, int(np.count_nonzero(names[role].codes < 0)), table.num_rows)
    models = tuple(sorted({*names["model_a"].values, *names["model_b"].values}))
    known = known_labels(columns.labels)
    require_sides(names["winner"].values, models, known, columns.winner)
    outcome = _outcomes_of(names["winner"], known, columns.winner)
    first, second = (_within(names[role], models) for role in ("model_a", "model_b"))
    own = np.flatnonzero(first == second)
    if len(own):
        raise same_model(len(own), models[first[own[0]]])
    by = {name: _names_of(table[name], "by", name) for name in columns.by}
    return Votes(models, first, second, outcome, names.get("judge"), by)


def check_columns(known: Sequence[str], columns: VoteColumns) -> list[str]:
    """The columns that are needed, each once.

    Raises:
        VotesError: one is not there, is there twice, or has two roles.
    """
    roles, by = columns.roles, columns.by
    for role, name in [*roles.items(), *(("by", name) for name in by)]:
        if name not in known:
            raise VotesError(
                f"{role}: the table has no column {name!r}{did_you_mean(name, known)}; it has {_some(known)}"
            )
        if known.count(name) > 1:
            raise VotesError(f"{role}: the table has {known.count(name)} columns {name!r}")
    twice = [name for name in roles.values() if list(roles.values()).count(name) > 1]
    if twice:
        raise VotesError(f"{' and '.join(r for r, n in roles.items() if n == twice[0])}: both are column {twice[0]!r}")
    if len(set(by)) < len(by):
        raise VotesError("by: a column is listed twice")
    return list(dict.fromkeys([*roles.values(), *by]))


def known_labels(labels: Labels | None) -> dict[str, str]:
    """What each label stands for: the caller's, and those of the published formats.

    Raises:
        VotesError: one stands for something that is no outcome.
    """
    # Arrow writes truth values in small letters.
    try:
        own = clean_labels((_text_of(key), outcome) for key, outcome in (labels or {}).items())
    except ValueError as error:
        raise VotesError(f"labels: {error}") from None
    for label, outcome in own.items():
        if outcome not in WINNERS:
            raise VotesError(
                f"labels: {label!r} is given the outcome {outcome!r}{did_you_mean(str(outcome), WINNERS)}; "
                f"allowed: {', '.join(WINNERS)}"
            )
    return {**PUBLISHED_LABELS, **own}


def require_sides(labels: Iterable[str], models: Iterable[str], known: Mapping[str, str], column: str) -> None:
    """Check that labels say which side won, not which model.

    Raises:
        VotesError: labels that are not known are names of models.
    """
    named = sorted(set(models).intersection(labels) - set(known))
    if named:
        raise VotesError(
            f"winner: column {column!r} holds names of models, such as {named[0]!r}, instead of the side that won; "
            "replace them with model_a, model_b or tie, or run the jobs on a source of the format votes with "
            "`winner_is: model`"
        )


def require_known(found: Mapping[str, int], known: Mapping[str, str], column: str) -> None:
    """Check labels, given with their numbers of votes.

    Raises:
        VotesError: some are not known; it names them and what is known.
    """
    unknown = {label: n for label, n in found.items() if label not in known}
    if unknown:
        told = _some([f"{label!r} ({counted(n, 'vote')})" for label, n in unknown.items()], quoted=True)
        raise VotesError(
            f"winner: column {column!r} has labels without a meaning: {told}; known: {', '.join(known)}. "
            f"Give the outcome of each: labels={{{next(iter(unknown))!r}: 'model_a'}} in Python, or "
            f"--label {shlex.quote(next(iter(unknown)))}=model_a"
        )


def require_no_missing(role: str, column: str, n_missing: int, n_votes: int) -> None:
    """Check that every vote has a name or an outcome.

    Raises:
        VotesError: some have none.
    """
    if n_missing:
        advice = ", or give each vote its own judge" if role == "judge" else ""
        raise VotesError(
            f"{role}: {n_missing:,} of {counted(n_votes, 'vote')} have no value in column {column!r} (null, NaN or "
            f"blank); remove these votes first{advice}"
        )


def same_model(n: int, model: str) -> VotesError:
    """The error about `n` votes with one model on both sides, such as `model`."""
    votes = counted(n, "vote")
    return VotesError(
        f"model_a, model_b: both sides are the same model in {votes}, such as {model!r}; remove these votes first"
    )


def kind_of(votes: Any) -> str:
    """The package that a table comes from: pandas, polars, pyarrow, pyspark, or another."""
    return type(votes).__module__.partition(".")[0]


def _table_of(votes: Any) -> Any:
    """The table itself where its package is known, else as Arrow."""
    kind = kind_of(votes)
    if (kind == "pandas" and hasattr(votes, "columns")) or (kind == "polars" and hasattr(votes, "collect_schema")):
        return votes
    try:
        return pa.table(votes)
    except (TypeError, ValueError):
        raise VotesError(
            f"votes: expected a pandas, polars, Arrow or Spark table, got {type(votes).__qualname__}; read a file "
            "first, for example with polars.read_csv"
        ) from None


def _columns_of(table: Any) -> list[str]:
    if kind_of(table) == "polars":
        return list(table.collect_schema().names())
    return [str(name) for name in (table.columns if kind_of(table) == "pandas" else table.column_names)]


def _arrow_of(table: Any, columns: list[str]) -> pa.Table:
    if kind_of(table) == "polars":
        import polars as pl

        return table.lazy().select(columns).collect().to_arrow(compat_level=pl.CompatLevel.oldest())
    if kind_of(table) == "pandas":
        by_text = {str(name): name for name in table.columns}
        return pa.table({name: _array_of(table[by_text[name]], name) for name in columns})
    return table.select(columns)


def _array_of(column: Any, name: str) -> pa.Array:
    try:
        return pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise VotesError(f"votes: column {name!r} holds values of several kinds: {error}") from None


def _names_of(column: pa.ChunkedArray, role: str, name: str) -> Names:
    """Any scalar type as names; a number is written as a whole one where it is one."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise VotesError(f"{role}: column {name!r} holds values of type {kind}, not names")
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    encoded = column.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # of no chunks
        return Names((), np.empty(0, dtype=np.int64))
    texts = [None if value is None else text_name(_text_of(value)) for value in encoded.dictionary.to_pylist()]
    codes = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False).astype(np.int64)
    used = np.bincount(codes, minlength=len(texts) + 1) > 0  # categories may have no row
    values = sorted({text for text, is_used in zip(texts, used, strict=False) if text is not None and is_used})
    position = {text: index for index, text in enumerate(values)}
    new = np.array([*(-1 if text is None else position.get(text, -1) for text in texts), -1], dtype=np.int64)
    return Names(tuple(values), new[codes])


def _text_of(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _outcomes_of(names: Names, known: Mapping[str, str], column: str) -> Ints:
    counts = np.bincount(names.codes, minlength=len(names.values))
    require_known(dict(zip(names.values, counts.tolist(), strict=True)), known, column)
    outcomes: Ints = np.array([_OUTCOMES[known[label]] for label in names.values], dtype=np.int64)[names.codes]
    return outcomes


def _within(names: Names, models: Sequence[str]) -> Ints:
    position = {model: index for index, model in enumerate(models)}
    codes: Ints = np.array([position[name] for name in names.values], dtype=np.int64)[names.codes]
    return codes


def _some(names: Sequence[str], *, quoted: bool = False) -> str:
    told = ", ".join(name if quoted else repr(name) for name in names[:_NAMED])
    return told if len(names) <= _NAMED else f"{told} and {len(names) - _NAMED:,} more"

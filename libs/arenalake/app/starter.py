"""A first configuration for somebody's file, from a look at its columns."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from arenalake.api.files import SUFFIXES, scan_votes
from arenalake.config.config import SOURCE_NAME
from arenalake.errors import CallerError, VotesError
from arenalake.labels import PUBLISHED_LABELS, TIES, clean_name
from arenalake.sources import SOURCES

# Names under which tables of votes have their columns, likely ones first.
_PAIRS = (
    ("model_a", "model_b"),
    ("left", "right"),
    ("model_left", "model_right"),
    ("model_1", "model_2"),
    ("model1", "model2"),
    ("model_x", "model_y"),
)
_GUESSES = {
    "winner": ("winner", "outcome", "vote", "preference", "choice", "result", "label"),
    "judge": ("judge", "worker", "annotator", "rater", "voter", "user_id"),
    "question_id": ("question_id", "prompt_id"),
    "language": ("language", "lang"),
    "category": ("category",),
    "tstamp": ("tstamp", "timestamp", "created_at"),
}
_FIRST = ("left", "a", "model_left", "model_1", "model1")
_SECOND = ("right", "b", "model_right", "model_2", "model2")
_DRAWN = ("draw", "equal", "both")
# Share of columns, of the file and of the format together, that have to be the same.
_ALIKE = 0.7
# More labels than this are no labels.
_MOST_LABELS = 20
# Columns that only one format has, for those of its files that lack most of its columns.
_SIGNS = (
    ("oasst1", {"message_tree_id", "tree_state", "prompt"}),  # nested trees
    ("likert", {"model_a", "model_b", "completion_a", "completion_b", "rating"}),
    ("likert", {"task_id", "params", "response"}),  # tasks of the study, and its reviews by a model
    ("likert", {"review_id", "model1", "model2", "score"}),
)
# The jobs that have something to do with the records of each format.
_OF_TEXTS = ("ingest", "measure", "corpus_stats", "token_stats")
_OF_VOTES_ON_TEXTS = (*_OF_TEXTS, "battle_stats", "ratings", "report")
_OF_JUDGED_TEXTS = (*_OF_TEXTS, "battle_stats", "judge_agreement", "ratings", "reproduce", "report")
_JOBS = {
    "lmsys_chat_1m": (*_OF_TEXTS, "moderation_stats", "reproduce", "report"),
    "wildchat": (*_OF_TEXTS, "moderation_stats", "report"),
    "arena": (*_OF_TEXTS, "moderation_stats", "battle_stats", "ratings", "reproduce", "report"),
    "arena_55k": _OF_VOTES_ON_TEXTS,
    "arena_100k": _OF_VOTES_ON_TEXTS,
    "arena_140k": _OF_VOTES_ON_TEXTS,
    "arena_expert": _OF_VOTES_ON_TEXTS,
    "mt_bench": _OF_JUDGED_TEXTS,
    "likert": _OF_JUDGED_TEXTS,
    "oasst1": ("ingest", "measure", "token_stats", "moderation_stats", "tree_stats", "reproduce", "report"),
    "preference_dissection": (*_OF_TEXTS, "judge_agreement", "preference_stats", "reproduce", "report"),
    "votes": ("ingest", "battle_stats", "ratings", "report"),
}


def write_starter(path: Path, output: Path, *, name: str | None, replace: bool) -> list[str]:
    """Write a commented configuration for a file, or for a folder of files that look alike.

    Args:
        name: of the source; by default that of the format.

    Returns:
        What was found, and what to do next.

    Raises:
        CallerError: no source may be called so, or the output is there already, or cannot be written.
        VotesError: the file cannot be read, or has no columns that look like votes.
    """
    if name is not None and not re.search(SOURCE_NAME, name):
        raise CallerError(
            f"--name {name}: use letters, digits, dots, hyphens and underscores, and begin with a letter or digit"
        )
    if output.exists() and not replace:
        raise CallerError(f"--output {output}: exists already; give another name, or --force to replace it")
    frame = scan_votes(_first_file(path))
    columns = frame.collect_schema().names()
    published = find_format(columns)
    if published:
        source, told = [f"    format: {published}"], [f"{path}: looks like {SOURCES[published].terms.title}"]
    else:
        source, told = _votes_source(path, frame, columns)
    format_ = published or "votes"
    jobs = _JOBS[format_]
    text = _TEMPLATE.format(
        path=json.dumps(str(path), ensure_ascii=False),
        name=name or format_,
        source="\n".join(source),
        ratings=_RATINGS if "ratings" in jobs else "",
        jobs=", ".join(jobs),
    )
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CallerError(f"--output {output}: cannot be written ({error.strerror})") from None
    return [*told, f"{output}: written; check it, then run: arenalake run --config {output}"]


def find_format(columns: Sequence[str]) -> str | None:
    """The published format whose columns a file has, or most of them, or those that only this format has."""
    shares = {}
    for name, source in SOURCES.items():
        if name == "votes":
            continue
        settings = source.settings(format=name, path="-")
        own = {field.column.partition(".")[0] for field in source.fields(settings)}
        shares[name] = len(own & set(columns)) / len(own | set(columns))
    best = max(shares, key=lambda name: shares[name])
    if shares[best] >= _ALIKE:
        return best
    return next((name for name, signs in _SIGNS if signs <= set(columns)), None)


def guess_columns(columns: Sequence[str]) -> dict[str, str]:
    """Column of `battles` to column of the file, for those that have a usual name.

    Raises:
        VotesError: the models or the winner are in none of them.
    """
    pair = next((pair for pair in _PAIRS if set(pair) <= set(columns)), None)
    guessed = dict(zip(("model_a", "model_b"), pair, strict=True)) if pair else {}
    for role, names in _GUESSES.items():
        found = next((name for name in names if name in columns), None)
        guessed |= {role: found} if found else {}
    missing = [role for role in ("model_a", "model_b", "winner") if role not in guessed]
    if missing:
        raise VotesError(
            f"no column looks like {', '.join(missing)}; the file has {', '.join(columns)}. Start from "
            "conf/votes_example.yml and map these columns there"
        )
    return guessed


def guess_label(label: str) -> str | None:
    """The outcome that a label most likely stands for; None where nobody could say."""
    small = label.lower()
    known: Mapping[str, str] = {
        **dict.fromkeys(_FIRST, "model_a"),
        **dict.fromkeys(_SECOND, "model_b"),
        **dict.fromkeys(_DRAWN, "tie"),
    }
    return PUBLISHED_LABELS.get(label) or PUBLISHED_LABELS.get(small) or known.get(small)


def _first_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted(file for file in path.rglob("*") if file.is_file() and SUFFIXES & set(file.suffixes))
    if not files:
        raise VotesError(f"{path}: holds no file that ends in {', '.join(sorted(SUFFIXES))}")
    return files[0]


def _votes_source(path: Path, frame: pl.LazyFrame, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    guessed = guess_columns(columns)
    roles = ("winner", "model_a", "model_b")
    values = frame.select(pl.col(guessed[role]).cast(pl.String).alias(role) for role in roles).collect()
    names = {role: {clean_name(value) for value in values[role].drop_nulls().unique()} for role in roles}
    labels, models = sorted(names["winner"]), names["model_a"] | names["model_b"]
    wins = [label for label in labels if guess_label(label) not in TIES]
    winners_are_models = bool(wins) and models.issuperset(wins)
    if winners_are_models:
        labels = [label for label in labels if label not in wins]
    if len(labels) > _MOST_LABELS:
        raise VotesError(
            f"{path}: column {guessed['winner']!r} has {len(labels):,} different values, too many for labels, and not "
            "all of them are names of models"
        )
    lines = [
        "    format: votes # any table of pairwise votes",
        "    columns: # column of `battles`: column of the file",
    ]
    lines += [f"      {role}: {_quoted(column)}" for role, column in guessed.items()]
    if winners_are_models:
        lines.append("    winner_is: model # the column holds the name of the winner, or the label of a tie")
    outcomes = {label: guess_label(label) for label in labels}
    if any(outcomes.values()):
        lines.append("    winner_labels: # label: outcome; a vote with any other label goes to quarantine")
    elif outcomes:
        lines.append("    # winner_labels: # label: outcome; a vote with any other label goes to quarantine")
    for label, outcome in outcomes.items():
        told = f"{_quoted(label)}: {outcome or 'model_a, model_b, tie or tie (bothbad)?'}"
        lines.append(f"      {told}" if outcome else f"      # {told}")
    lines.append("    judge_kind: human # or model, if a language model voted")
    open_ = [label for label, outcome in outcomes.items() if outcome is None]
    what = [f"{path}: a table of votes, {', '.join(f'{role} = {column}' for role, column in guessed.items())}"]
    if open_:
        what.append(f"give the outcomes of these labels in winner_labels: {', '.join(map(repr, open_))}")
    return lines, what


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_TEMPLATE = """\
# Written by `arenalake init`, which guessed it from the columns. docs/configuration.md describes every key.

storage:
  root: lake # a folder for the tables, the report and the record of runs

spark:
  master: "local[*]" # all cores of this machine
  shuffle_partitions: 2 # enough for a few million records

sources:
  {name}: # this name becomes the column `source` of the tables
    path: {path}
{source}
{ratings}
pipeline:
  jobs: [{jobs}]
"""

_RATINGS = """
ratings:
  methods: [bradley_terry] # also bradley_terry_no_ties, rao_kupper, davidson, elo, win_rate
  slices: [all, language] # also category, turn, month, judge_kind, or several of them joined by commas

bootstrap:
  rounds: 1000
  unit: battle # or judge: resample whole judges, if the votes of one person are not independent
"""

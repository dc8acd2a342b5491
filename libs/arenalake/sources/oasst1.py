"""OpenAssistant conversations (OASST1): messages one by one, or whole trees with their replies inside.

A record is a message. A nested tree is unfolded into its messages before anything is read, so all forms of the same
trees give the same rows, and a message that breaks a rule goes to quarantine alone. A tree that cannot be unfolded
stays one record. Rules about messages and those above them need all messages: `find_broken_trees` is asked once files
are read.
"""

import json
from typing import Any

import numpy as np
import polars as pl
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.columns import ASSISTANT, PROMPTER
from arenalake.entities.tables import TREE_MESSAGES
from arenalake.entities.trees import TREE_MESSAGE, find_parents, map_trees
from arenalake.numbers.forests import CIRCLE, MISSING, ROOT, any_on_path, find_depths
from arenalake.sources import rules
from arenalake.sources.settings import SourceSettings
from arenalake.sources.source import Field, Source, Terms, parsed, raw_values, row_of
from arenalake.sources.times import time_of

# What is said of each name in these columns, and of which type it is. The names are not known beforehand, and files
# have them as objects or as lists side by side.
_ENTRIES = {
    "labels": {"value": "double", "count": "double"},
    "emojis": {"count": "double"},
    "detoxify": {"value": "double"},
}
_FIELDS = [
    Field("message_id", "string", "message_id"),
    Field("parent_id", "string", "parent_id"),
    Field("message_tree_id", "string", "message_tree_id"),
    Field("tree_state", "string", "tree_state"),
    Field("role", "string", "role"),
    Field("language", "string", "lang"),
    Field("text", "string", "text", is_text=True),
    Field("rank", "double", "rank"),
    Field("review_count", "double", "review_count"),
    Field("review_result", "boolean", "review_result"),
    Field("deleted", "boolean", "deleted"),
    Field("synthetic", "boolean", "synthetic"),
    Field("model", "string", "model_name"),
    Field("user_id", "string", "user_id"),
    Field("tstamp", "string", "created_date"),
    *(Field(name, "string", name, is_json=True) for name in _ENTRIES),
]
# Where a document has this key, it is a tree.
_PROMPT, _REPLIES = "prompt", "replies"
_OF_TREE = ("message_tree_id", "tree_state")
# A path has all messages above one, so the paths of a single chain take the square of its length.
MAX_DEPTH = 1_000


class _NotATreeError(Exception):
    """Why a document that holds a tree cannot be taken apart."""


def unfold(documents: DataFrame) -> DataFrame:
    """Nested trees as their messages, in the order in which they stand; any other document stays as it is.

    Args:
        documents: file, position and value, the text of a JSON document.

    Returns:
        The same columns. A tree that cannot be taken apart stays one document.
    """
    # In Python, since replies in replies have no type that Spark could be told.
    messages = F.udf(messages_of_tree, "array<string>", useArrow=True)(_text_of_tree("value"))
    is_other = F.col("messages").isNull()
    found = documents.withColumn("messages", messages)
    return found.select(
        *[name for name in documents.columns if name != "value"],
        # Outer: for a plain one Spark infers a filter, which would call Python once more.
        F.explode_outer(F.when(is_other, F.array("value")).otherwise(F.col("messages"))).alias("value"),
    )


def _text_of_tree(column: str) -> Column:
    """The text where it may be that of a tree, else null; inside of a text the key would have backslashes."""
    return F.when(F.contains(F.col(column), F.lit(f'"{_PROMPT}"')), F.col(column))


def messages_of_tree(text: str | None) -> list[str] | None:
    """The messages of a nested tree as JSON, with what the tree says of all of them and without their replies.

    Returns:
        None for what is no tree, or none that can be taken apart.
    """
    try:
        return None if text is None else [json.dumps(message) for message in _walk(text)]
    except _NotATreeError:
        return None


def fault_of_tree(text: str | None) -> str | None:
    """Why a document that has a prompt in it could not be taken apart; None for one that has none."""
    try:
        if text is not None:
            _walk(text)
    except _NotATreeError as error:
        return str(error) or None
    return None


def _walk(text: str) -> list[dict[str, Any]]:
    try:
        tree = json.loads(text, object_pairs_hook=_with_keys_once)
    except RecursionError:
        raise _NotATreeError("prompt: replies are nested too deep") from None
    except ValueError:  # told by the reader, which sees the same text
        raise _NotATreeError from None
    if not isinstance(tree, dict) or _PROMPT not in tree:
        raise _NotATreeError
    shared = {name: tree[name] for name in _OF_TREE if name in tree}
    waiting: list[tuple[Any, Any]] = [(tree[_PROMPT], None)]
    messages = []
    while waiting:
        message, above = waiting.pop()
        if not isinstance(message, dict):
            raise _NotATreeError("prompt: a message is not an object")
        replies = message.pop(_REPLIES, None) or []
        if not isinstance(replies, list):
            raise _NotATreeError("prompt: replies are not a list")
        for name, wanted in {**shared, "parent_id": above}.items():
            if message.setdefault(name, wanted) != wanted:
                raise _NotATreeError(f"prompt: {name} of a message contradicts its place in the tree")
        messages.append(message)
        waiting += [(reply, message.get("message_id")) for reply in reversed(replies)]
    return messages


def _with_keys_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _parse(records: DataFrame, config: SourceSettings) -> DataFrame:
    raw = raw_values(_FIELDS)
    tstamp = time_of(raw["tstamp"])
    read = records.withColumns({f"parsed_{name}": F.try_parse_json(raw[name]) for name in _ENTRIES})
    # A step of its own: a lambda is no generated code, and would read the lists anew for each use.
    read = read.withColumns({f"lists_{name}": _lists(name) for name in _ENTRIES})
    read = read.withColumns({f"read_{name}": _entries(name, raw[name]) for name in _ENTRIES})
    entries = {name: F.col(f"read_{name}") for name in _ENTRIES}
    # Called not deterministic, so that Spark leaves filters on reasons above this step: below it, they would take every
    # document apart once per rule.
    find_fault = F.udf(fault_of_tree, "string", useArrow=True).asNondeterministic()
    read, fault = read.withColumn("fault", find_fault(_text_of_tree("record"))), F.col("fault")
    message = row_of(
        TREE_MESSAGES,
        tstamp=tstamp,
        **{field.name: raw[field.name] for field in _FIELDS if field.name not in ("tstamp", *_ENTRIES)},
        **{name: F.when(F.size(found) > 0, F.array_sort(found)) for name, found in entries.items()},
    )
    of_message = F.array(
        rules.required("message_id", raw["message_id"]),
        rules.required("message_tree_id", raw["message_tree_id"]),
        F.when(raw["parent_id"] == raw["message_id"], F.lit("parent_id is the id of the message itself")),
        rules.required("role", raw["role"]),
        _known_role(raw["role"]),
        F.when(raw["text"].isNull(), F.lit("text is missing; an empty text is allowed")),
        rules.whole_number("rank", raw["rank"], minimum=0),
        rules.whole_number("review_count", raw["review_count"], minimum=0),
        rules.readable_time(raw["tstamp"], tstamp),
        *[reason for name, found in entries.items() for reason in _entry_reasons(name, found)],
    )
    # A tree that could not be taken apart has no field of a message.
    reasons = F.when(fault.isNotNull(), F.array(fault)).otherwise(of_message)
    return parsed(read, key=raw["message_id"], reasons=reasons, rows={TREE_MESSAGE: F.array(message)})


def _lists(name: str) -> Column:
    """The names and what `_ENTRIES` says as lists side by side; each null where they are not given so."""
    lists = ",".join(f"{column}:array<{kind}>" for column, kind in _ENTRIES[name].items())
    return F.try_variant_get(F.col(f"parsed_{name}"), "$", f"struct<name:array<string>,{lists}>")


def _entries(name: str, raw: Column) -> Column:
    """Entries (name and what `_ENTRIES` says) of an object by name, or of lists side by side.

    Args:
        name: of the field.
        raw: its JSON.

    Returns:
        Without entries where there is no field; null where it is neither.
    """
    columns, document, beside = _ENTRIES[name], F.col(f"parsed_{name}"), F.col(f"lists_{name}")
    of_lists = F.transform(
        F.arrays_zip(beside["name"], *[beside[column] for column in columns]),
        lambda one: F.struct(one["name"].alias("name"), *[one[column].alias(column) for column in columns]),
    )
    of_one = ",".join(f"{column}:{kind}" for column, kind in columns.items())
    (only, *more) = columns
    by_name = F.try_variant_get(document, "$", f"map<string,{f'struct<{of_one}>' if more else columns[only]}>")

    def of_entry(entry: Column) -> Column:
        values = {column: entry["value"][column] if more else entry["value"] for column in columns}
        return F.struct(entry["key"].alias("name"), *[value.alias(column) for column, value in values.items()])

    is_there = raw.isNotNull() & ~F.coalesce(F.is_variant_null(document), F.lit(False))
    # A parquet file has all names on every message, and nulls for those that a message does not have.
    given = F.filter(F.map_entries(by_name), lambda entry: entry["value"].isNotNull())
    found = F.when(beside["name"].isNotNull(), of_lists).otherwise(F.transform(given, of_entry))
    nothing = F.array().cast(f"array<struct<name:string,{of_one}>>")
    return F.when(is_there, found).otherwise(nothing)


def _entry_reasons(name: str, entries: Column) -> list[Column]:
    """The rules of labels, emojis and scores."""
    columns = _ENTRIES[name]

    def is_wrong(entry: Column) -> Column:
        wrong = entry["name"].isNull()
        if "value" in columns:
            wrong |= ~F.coalesce(entry["value"].between(0.0, 1.0), F.lit(False))
        if "count" in columns:
            count = entry["count"]
            wrong |= ~F.coalesce((count == F.floor(count)) & count.between(0, 2.0**31 - 1), F.lit(False))
        return wrong

    limits = {"value": "values from 0 to 1", "count": "whole numbers as counts"}
    wanted = " and ".join(limits[column] for column in columns)
    return [
        F.when(entries.isNull(), F.lit(f"{name} is neither an object by name nor parallel lists")),
        F.when(F.exists(entries, is_wrong), F.lit(f"{name} has an entry without {wanted}")),
        F.when(F.size(F.array_distinct(entries["name"])) < F.size(entries), F.lit(f"{name} has a name twice")),
    ]


def _known_role(role: Column) -> Column:
    told = F.concat(F.lit("role is "), role, F.lit(f", neither {PROMPTER} nor {ASSISTANT}"))
    return F.when(~role.isin(PROMPTER, ASSISTANT), told)


def find_broken_trees(messages: DataFrame) -> DataFrame:
    """Messages that do not fit to those above them.

    Args:
        messages: columns of the table `tree_messages`, all of one source.

    Returns:
        record_key and reasons (array<string>) of each message that breaks a rule or is below one that does.
    """
    needed = messages.select("source", "message_tree_id", "message_id", "parent_id", "role", "rank")
    schema = "message_id string, parent_id string, reason string, parent_is_missing boolean"
    broken = map_trees(needed, judge_trees, schema)
    others = messages.select(F.col("message_id").alias("parent_id"), F.col("message_tree_id").alias("other_tree"))
    elsewhere = broken.where("parent_is_missing").select("message_id", "parent_id").join(others, "parent_id")
    broken = broken.join(elsewhere.select("message_id", "other_tree"), "message_id", "left")
    in_other = F.concat(F.lit("parent_id is the id of a message in another tree, "), F.col("other_tree"))
    return broken.select(
        F.col("message_id").alias("record_key"), F.array(F.coalesce(in_other, "reason")).alias("reasons")
    )


def judge_trees(messages: pl.DataFrame) -> pl.DataFrame:
    """What does not fit in some whole trees.

    Args:
        messages: source, message_tree_id, message_id, parent_id, role, rank; a message once.

    Returns:
        message_id, parent_id, reason and parent_is_missing (its parent is not in the tree) of messages that break a
        rule, the first one that they break, and of those below them.
    """
    parents = find_parents(messages)
    depths = find_depths(parents)
    roles = messages["role"].to_numpy()
    is_root, has_parent = parents == ROOT, parents >= 0
    tree = ["source", "message_tree_id"]
    n_roots = messages.select((pl.col("parent_id").is_null()).sum().over(tree)).to_series().to_numpy()
    is_ranked = pl.col("rank").is_not_null() & pl.col("parent_id").is_not_null()
    n_of_rank = messages.select(pl.when(is_ranked).then(pl.len().over(*tree, "parent_id", "rank")).otherwise(1))
    is_same_role = np.zeros(len(messages), bool)
    is_same_role[has_parent] = roles[has_parent] == roles[parents[has_parent]]
    found = {
        "the tree has more than one first message": n_roots > 1,
        "parent_id is the id of no message": parents == MISSING,
        "the messages above it form a circle": depths == CIRCLE,
        f"a tree must begin with a message of the {PROMPTER}": is_root & (roles != PROMPTER),
        "its role is the same as that of the message it answers": is_same_role,
        "its rank occurs more than once among the replies": n_of_rank.to_series().to_numpy() > 1,
        f"more than {MAX_DEPTH:,} messages are above it": depths > MAX_DEPTH,
    }
    broken = any_on_path(parents, np.logical_or.reduce(list(found.values())))
    reason = pl.lit("a message above it is in quarantine")
    for why, where in reversed(found.items()):
        reason = pl.when(pl.Series(where)).then(pl.lit(why)).otherwise(reason)
    told = messages.select("message_id", "parent_id", reason=reason, parent_is_missing=pl.Series(parents == MISSING))
    return told.filter(pl.Series(broken))


OASST1 = Source(
    terms=Terms(
        title="OpenAssistant Conversations (OASST1)",
        licence="Apache-2.0",
        text_may_be_shared=True,
        citation="Köpf et al. (2023), OpenAssistant Conversations, arXiv:2304.07327",
        url="https://huggingface.co/datasets/OpenAssistant/oasst1",
    ),
    settings=SourceSettings,
    fields=lambda config: _FIELDS,
    parse=_parse,
    entities=(TREE_MESSAGE,),
    unfold=unfold,
    find_broken=find_broken_trees,
)

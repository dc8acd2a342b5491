"""Job `measure`: conversations that are not yet measured with every configured tokenizer become rows of `messages`."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from arenalake.measure.messages import measure_conversations
from arenalake.measure.tokenizers import tokenizer_keys
from arenalake.steps.step import Context, StepResult
from arenalake.tables import CONVERSATIONS, MESSAGES

_CONVERSATION = ["source", "conversation_id"]
# A conversation is measured as a whole, so its first message speaks for it.
_IS_FIRST = "position = 0"


def run(context: Context) -> StepResult:
    """Measure what is missing, file by file; a file that is complete is not read.

    Each write is one commit that leaves whole conversations behind, so what a killed run did not write is missing
    by the same count and is written by the next one.
    """
    lake, keys = context.lake, tokenizer_keys(context.config.tokens.tokenizers)
    conversations, messages = lake.read(CONVERSATIONS), lake.read(MESSAGES)
    files = _incomplete_files(conversations, messages, list(keys))
    if not files:
        return StepResult(
            lines=["measure: nothing new, every conversation is measured with " + ", ".join(keys)],
            metrics={"conversations": 0, "messages": 0},
        )
    before = messages.count()
    new = [file for file in files if file.n_measured == 0]
    partly = [file for file in files if 0 < file.n_measured < file.n_conversations]
    added = {key: [file for file in files if file[f"n_{i}"] < file.n_measured] for i, key in enumerate(keys)}
    if new:
        rows = _of_files(conversations, new)
        lake.append(MESSAGES, measure_conversations(rows, tokenizers=list(keys.values())))
    if partly:
        rows = _of_files(conversations, partly)
        rows = rows.join(messages.where(_IS_FIRST).select(*_CONVERSATION), _CONVERSATION, "left_anti")
        lake.insert_new(MESSAGES, measure_conversations(rows, tokenizers=list(keys.values())))
    for key, lacking in added.items():
        if lacking:
            without = messages.where(_IS_FIRST).where(~F.map_contains_key("n_tokens", key)).select(*_CONVERSATION)
            rows = _of_files(conversations, lacking).join(without, _CONVERSATION, "left_semi")
            measured = measure_conversations(rows, tokenizers=[keys[key]])
            lake.upsert(MESSAGES, measured, update={"n_tokens": "map_concat(old.n_tokens, new.n_tokens)"})
    n_conversations = sum(file.n_conversations - file.n_measured for file in files)
    n_messages = lake.read(MESSAGES).count() - before
    lines = [f"measure: {n_conversations:,} conversations, {n_messages:,} messages measured with {', '.join(keys)}"]
    lines += [
        f"measure: {sum(file.n_measured - file[f'n_{i}'] for file in files):,} conversations measured again with {key}"
        for i, key in enumerate(keys)
        if added[key]
    ]
    return StepResult(lines=lines, metrics={"conversations": n_conversations, "messages": n_messages})


def _incomplete_files(conversations: DataFrame, messages: DataFrame, keys: Sequence[str]) -> list[Row]:
    """Files with conversations that lack a measurement: conversations in all, measured at all, and with each tokenizer.

    Neither side reads a column of text.
    """
    file = ["source", "file"]
    with_key = {f"n_{i}": F.count_if(F.map_contains_key("n_tokens", key)) for i, key in enumerate(keys)}
    there = conversations.groupBy(*file).agg(F.count("*").alias("n_conversations"))
    counted = [n.alias(name) for name, n in with_key.items()]
    measured = messages.where(_IS_FIRST).groupBy(*file).agg(F.count("*").alias("n_measured"), *counted)
    counts = there.join(measured, file, "left").na.fill(0, ["n_measured", *with_key])
    return counts.where(F.least("n_measured", *with_key) < F.col("n_conversations")).orderBy(*file).collect()


def _of_files(conversations: DataFrame, files: Sequence[Row]) -> DataFrame:
    """The conversations of these files, by a filter that lets Delta skip the other ones."""
    wanted: Column = F.lit(False)
    for source in sorted({file.source for file in files}):
        names = [file.file for file in files if file.source == source]
        wanted = wanted | ((F.col("source") == source) & F.col("file").isin(names))
    return conversations.where(wanted)

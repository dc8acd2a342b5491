"""From conversations to measured messages: the one pass over the text, after which no text is read again."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.measure.markdown import count_markdown
from arenalake.measure.tokenizers import load_counter, tokenizer_keys
from arenalake.moderation import CATEGORIES, column_suffix
from arenalake.tables import MESSAGES

_PER_CONVERSATION = ("source", "file", "conversation_id", "model", "language", "month")


def measure_conversations(conversations: DataFrame, *, tokenizers: Sequence[str]) -> DataFrame:
    """Measure every message.

    Args:
        conversations: columns of the table `conversations`.
        tokenizers: specifications of the tokenizers that count.

    Returns:
        Columns of the table `messages`, one row per message. A turn begins with each message of the user. Moderation
        is null where the conversation has none or the message's entry is missing. `detected_language` is null: it
        is filled by language detection, which looks at conversations and not at messages.

    Raises:
        TokenizerError, ConfigError: a tokenizer cannot be loaded, or two have the same name.
    """
    keys = tokenizer_keys(tokenizers)
    for spec in keys.values():
        load_counter(spec)  # a specification that does not work is the caller's mistake, told before any task starts
    needed = conversations.select(
        "source",
        "file",
        "conversation_id",
        "model",
        "language",
        F.date_format("tstamp", "yyyy-MM").alias("month"),
        "messages",
        "moderation",
    )
    return needed.mapInArrow(_measure(keys), MESSAGES.ddl)


def _measure(keys: dict[str, str]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def measure(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield measure_batch(batch, keys)

    return measure


def measure_batch(batch: pa.RecordBatch, keys: dict[str, str]) -> pa.RecordBatch:
    """The messages of one Arrow batch of conversations; `keys` maps the names of tokenizers to specifications."""
    messages = batch.column("messages")
    sizes = pc.list_value_length(messages).to_numpy()
    starts = np.cumsum(sizes) - sizes
    conversation = np.repeat(np.arange(len(sizes)), sizes)
    position = np.arange(sizes.sum()) - starts[conversation]

    flat = messages.flatten()
    role, text = pc.struct_field(flat, "role"), pc.struct_field(flat, "content").cast(pa.string())
    headers, list_items, bold = count_markdown(text)
    columns: dict[str, pa.Array] = {name: batch.column(name).take(conversation) for name in _PER_CONVERSATION}
    columns |= {
        "position": pa.array(position, pa.int32()),
        "role": role,
        "detected_language": pa.nulls(len(flat), pa.string()),
        "turn": pa.array(_turns(role, starts, conversation), pa.int32()),
        "n_tokens": _token_map({key: load_counter(spec)(text) for key, spec in keys.items()}, len(flat)),
        "n_chars": pc.utf8_length(text),
        "n_headers": pa.array(headers, pa.int32()),
        "n_list_items": pa.array(list_items, pa.int32()),
        "n_bold": pa.array(bold, pa.int32()),
    }
    columns |= _moderation(batch.column("moderation"), conversation, position)
    return pa.RecordBatch.from_pydict({name: columns[name] for name in MESSAGES.column_names})


def _turns(
    role: pa.StringArray, starts: npt.NDArray[np.int64], conversation: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    asked = np.concatenate([[0], np.cumsum(pc.equal(role, "user").to_numpy(zero_copy_only=False))])
    turns: npt.NDArray[np.int64] = asked[1:] - asked[starts][conversation]
    return turns


def _token_map(counts: dict[str, npt.NDArray[np.int32]], n: int) -> pa.MapArray:
    offsets = np.arange(n + 1, dtype=np.int32) * len(counts)
    names = pa.DictionaryArray.from_arrays(np.tile(np.arange(len(counts), dtype=np.int32), n), list(counts))
    return pa.MapArray.from_arrays(offsets, names.cast(pa.string()), np.stack(list(counts.values()), axis=1).ravel())


def _moderation(
    moderation: pa.ListArray, conversation: npt.NDArray[np.int64], position: npt.NDArray[np.int64]
) -> dict[str, pa.Array]:
    """The moderation entry of each message, found by its position, as flat columns."""
    sizes = pc.fill_null(pc.list_value_length(moderation), 0).to_numpy()
    starts = np.cumsum(sizes) - sizes
    entry = pa.array(starts[conversation] + position, mask=position >= sizes[conversation])
    tags = moderation.flatten()
    fields = {"flagged": pc.struct_field(tags, "flagged")}
    for prefix, struct in (("flag", "categories"), ("score", "category_scores")):
        for category in CATEGORIES:
            fields[f"{prefix}_{column_suffix(category)}"] = pc.struct_field(tags, [struct, category])
    return {name: field.take(entry) for name, field in fields.items()}

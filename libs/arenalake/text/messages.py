"""From conversations to measured messages: the one pass over the text, after which no text is read again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.moderation import CATEGORIES, FLAG_COLUMNS, LABELLED_BIT, ROLE_BIT, ROLES, SCORE_COLUMNS
from arenalake.entities.prompts import prompt_hash
from arenalake.entities.tables import DETECTION_TYPE, MESSAGES
from arenalake.text.detect import DETECTION, detect_languages
from arenalake.text.detectors import require_detector
from arenalake.text.markdown import count_markdown
from arenalake.text.tokenizers import load_counter, tokenizer_keys

# Columns of `conversations` that measuring needs.
NEEDED = ("source", "file", "conversation_id", "model", "language", "side", "tstamp", "messages", "moderation")
_PER_CONVERSATION = ("source", "file", "conversation_id", "model", "language", "month")
# One detector's answer per conversation, as `detect_conversations` gives it.
_DETECTED = f"source string, conversation_id string, detection {DETECTION_TYPE}"


def require_counters(tokenizers: Sequence[str], detector: str) -> dict[str, str]:
    """Load what counts and detects, so that a mistake in the call is told before any task starts.

    Returns:
        `tokenizer_keys` of the specifications.

    Raises:
        TokenizerError, ConfigError, DetectorError: as `measure_conversations` says.
    """
    require_detector(detector)
    keys = tokenizer_keys(tokenizers)
    for spec in keys.values():
        load_counter(spec)
    return keys


def measure_conversations(
    conversations: DataFrame, *, tokenizers: Sequence[str], detector: str = "langdetect", detect: Column | None = None
) -> DataFrame:
    """Measure every message.

    Args:
        conversations: columns of the table `conversations`, of which `NEEDED` are enough.
        tokenizers: specifications of the tokenizers that count.
        detector: name of the language detector.
        detect: condition on `conversations` for those whose language is to be detected; none of them if left out.

    Returns:
        Columns of the table `messages`, one row per message. A turn begins with each message of the user. Moderation
        is null where the conversation has none or the message's entry is missing. A language is detected from all that
        the user wrote, so it is the same for every message of a conversation; from the answer where nobody asks.

    Raises:
        TokenizerError, ConfigError: a tokenizer cannot be loaded, or two have the same name.
        DetectorError: the detector is not installed.
    """
    keys = require_counters(tokenizers, detector)
    needed = conversations.select(
        "source",
        "file",
        "conversation_id",
        "model",
        "language",
        F.date_format("tstamp", "yyyy-MM").alias("month"),
        "messages",
        "moderation",
        F.when(F.coalesce("side", F.lit("a")) == "a", prompt_hash(F.col("messages"))).alias("prompt_hash"),
        (F.lit(False) if detect is None else F.coalesce(detect, F.lit(False))).alias("detect"),
    )
    return needed.mapInArrow(_measure(keys, detector), MESSAGES.ddl)


def detect_conversations(conversations: DataFrame, *, detector: str) -> DataFrame:
    """Detect the language of every conversation from all that the user wrote, or from the answer where nobody asks.

    Args:
        conversations: columns of the table `conversations`.

    Returns:
        source, conversation_id, detected_language, detections (a map with this detector alone).

    Raises:
        DetectorError: the detector is not installed.
    """
    require_detector(detector)

    def detect(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            everyone = pa.array(np.ones(len(batch), bool))
            detections = _detections(batch.column("messages"), everyone, detector)
            columns = [batch.column("source"), batch.column("conversation_id"), detections]
            yield pa.RecordBatch.from_arrays(columns, ["source", "conversation_id", "detection"])

    detected = conversations.select("source", "conversation_id", "messages").mapInArrow(detect, _DETECTED)
    return detected.select(
        "source",
        "conversation_id",
        F.col("detection.language").alias("detected_language"),
        F.create_map(F.lit(detector), "detection").alias("detections"),
    )


def _measure(keys: dict[str, str], detector: str) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def measure(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield measure_batch(batch, keys, detector)

    return measure


def measure_batch(batch: pa.RecordBatch, keys: dict[str, str], detector: str) -> pa.RecordBatch:
    """The messages of one Arrow batch of conversations; `keys` maps the names of tokenizers to specifications."""
    messages = batch.column("messages")
    sizes = pc.list_value_length(messages).to_numpy()
    bounds = _up_to(sizes)
    starts, ends = bounds[:-1], bounds[1:]
    conversation = np.repeat(np.arange(len(sizes)), sizes)
    position = np.arange(sizes.sum()) - starts[conversation]

    flat = messages.flatten()
    role, text = pc.struct_field(flat, "role"), pc.struct_field(flat, "content").cast(pa.string())
    headers, list_items, bold = count_markdown(text)
    detections = _detections(messages, batch.column("detect"), detector)
    asked = _up_to(pc.equal(role, "user").to_numpy(zero_copy_only=False))
    # An answer alone, as in a tree, is one turn too.
    turns = np.maximum(asked[ends] - asked[starts], 1)
    turn = np.maximum(asked[1:] - asked[starts][conversation], 1)
    counts = {key: load_counter(spec)(text) for key, spec in keys.items()}
    up_to = {key: _up_to(n) for key, n in counts.items()}
    in_all = {key: n[ends] - n[starts] for key, n in up_to.items()}
    flags = _moderation(batch.column("moderation"), conversation, position)
    # What is about a conversation stands on its first message.
    on_first = pa.array(conversation, mask=position > 0)
    columns: dict[str, pa.Array] = {name: batch.column(name).take(conversation) for name in _PER_CONVERSATION}
    columns |= {
        "position": pa.array(position, pa.int32()),
        "role": role,
        "detected_language": pc.struct_field(detections, "language").take(conversation),
        "turn": pa.array(turn, pa.int32()),
        "n_tokens": _token_map(counts, pa.int32()),
        "n_chars": pc.utf8_length(text),
        "n_headers": pa.array(headers, pa.int32()),
        "n_list_items": pa.array(list_items, pa.int32()),
        "n_bold": pa.array(bold, pa.int32()),
        "prompt_hash": batch.column("prompt_hash").take(on_first),
        "detections": _named(detections.take(on_first), detector),
        "turns": pa.array(turns, pa.int32()).take(on_first),
        "n_tokens_in_all": _token_map(in_all, pa.int64()).take(on_first),
        "pattern": pa.ListArray.from_arrays(bounds, _codes(role, flags)).take(on_first),
    }
    columns |= flags
    return pa.RecordBatch.from_pydict({name: columns[name] for name in MESSAGES.column_names})


def _up_to(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Sums of the first 0, 1, 2, … values."""
    return np.concatenate([[0], np.cumsum(values, dtype=np.int64)])


def _codes(role: pa.StringArray, flags: Mapping[str, pa.Array]) -> pa.Array:
    """Each message as one number, as the table `moderation_patterns` describes it."""
    codes = pc.index_in(role, pa.array(ROLES)).to_numpy(zero_copy_only=False).astype(np.int32) << ROLE_BIT
    for bit, column in enumerate(FLAG_COLUMNS):
        codes |= flags[column].is_valid().to_numpy(zero_copy_only=False).astype(np.int32) << (LABELLED_BIT + bit)
        codes |= pc.fill_null(flags[column], False).to_numpy(zero_copy_only=False).astype(np.int32) << bit
    return pa.array(codes, pa.int32())


def _detections(messages: pa.ListArray, wanted: pa.BooleanArray, detector: str) -> pa.StructArray:
    """What a detector says of the user's messages of each conversation; null for those that are not wanted."""
    numbers = np.flatnonzero(wanted.to_numpy(zero_copy_only=False))
    if not len(numbers):
        return pa.nulls(len(messages), DETECTION)
    chosen = messages.take(pa.array(numbers))
    flat, parent = chosen.flatten(), pc.list_parent_indices(chosen)
    of_user = pc.equal(pc.struct_field(flat, "role"), "user")
    n_asked = np.bincount(parent.filter(of_user).to_numpy(), minlength=len(numbers))
    of_user = pc.or_(of_user, pa.array(n_asked == 0).take(parent))  # an answer alone speaks for itself
    n_texts = np.bincount(parent.filter(of_user).to_numpy(), minlength=len(numbers))
    offsets = pa.array(np.concatenate([[0], np.cumsum(n_texts)]), pa.int32())
    texts = pa.ListArray.from_arrays(offsets, pc.struct_field(flat, "content").cast(pa.string()).filter(of_user))
    place = np.zeros(len(messages), np.int64)
    place[numbers] = np.arange(len(numbers))
    detected = detect_languages(pc.binary_join(texts, "\n"), detector)
    return detected.take(pa.array(place, mask=~wanted.to_numpy(zero_copy_only=False).astype(bool)))


def _named(detections: pa.StructArray, detector: str) -> pa.MapArray:
    """A map of one entry, the detector's, for each detection; null where there is none."""
    there = detections.is_valid()
    ends = np.cumsum(there.to_numpy(zero_copy_only=False))
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32(), mask=~np.append(there, True))
    names = pa.array([detector] * int(ends[-1] if len(ends) else 0), pa.string())
    return pa.MapArray.from_arrays(offsets, names, detections.filter(there))


def _token_map(counts: dict[str, npt.NDArray[np.int32]], of: pa.DataType) -> pa.MapArray:
    values = np.stack(list(counts.values()), axis=1)
    n = len(values)
    offsets = np.arange(n + 1, dtype=np.int32) * len(counts)
    names = pa.DictionaryArray.from_arrays(np.tile(np.arange(len(counts), dtype=np.int32), n), list(counts))
    return pa.MapArray.from_arrays(offsets, names.cast(pa.string()), pa.array(values.ravel(), of))


def _moderation(
    moderation: pa.ListArray, conversation: npt.NDArray[np.int64], position: npt.NDArray[np.int64]
) -> dict[str, pa.Array]:
    """The moderation entry of each message, found by its position, as flat columns."""
    sizes = pc.fill_null(pc.list_value_length(moderation), 0).to_numpy()
    starts = np.cumsum(sizes) - sizes
    entry = pa.array(starts[conversation] + position, mask=position >= sizes[conversation])
    tags = moderation.flatten()
    fields = {"flagged": pc.struct_field(tags, "flagged")}
    for names, struct in ((FLAG_COLUMNS[1:], "categories"), (SCORE_COLUMNS, "category_scores")):
        for name, category in zip(names, CATEGORIES, strict=True):
            fields[name] = pc.struct_field(tags, [struct, category])
    return {name: field.take(entry) for name, field in fields.items()}

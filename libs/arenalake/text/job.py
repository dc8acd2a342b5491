"""Job `measure`: conversations that lack a configured tokenizer or their language are measured into `messages`."""

import logging
from collections.abc import Mapping, Sequence

import polars as pl
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from arenalake.entities.tables import CONVERSATION, CONVERSATIONS, MESSAGES
from arenalake.errors import ConfigError
from arenalake.lake import Lake
from arenalake.lake.fingerprint import Fingerprint
from arenalake.plurals import counted
from arenalake.sources import all_entities
from arenalake.step import Context, StepResult
from arenalake.text.choose import count_strata, in_sample, without_label
from arenalake.text.messages import NEEDED, detect_conversations, measure_conversations
from arenalake.text.options import LanguageConfig
from arenalake.text.tables import TOKENIZERS
from arenalake.text.tokenizers import file_digest, load_counter, tokenizer_keys

log = logging.getLogger(__name__)

_CONVERSATION = ["source", "conversation_id"]
# A conversation is measured as a whole, so its first message speaks for it.
_IS_FIRST = "position = 0"
# Earlier versions did not say what a conversation is as a whole; such rows are measured again.
_IS_OUTDATED = "pattern IS NULL"
# The language in force is not what this detector said.
_OTHER = "detections['{0}'] IS NOT NULL AND detected_language IS DISTINCT FROM detections['{0}'].language"
_NOTHING = {"conversations": 0.0, "messages": 0.0}


def run(context: Context) -> StepResult:
    """Measure what is missing, file by file; a file that is complete is not read.

    Each write is one commit that leaves whole conversations behind, so what a killed run did not write is missing
    by the same count and is written by the next one.

    Where all was measured and no table has changed since, as the last commit of `tokenizers` tells, Spark is not asked.

    Raises:
        ConfigError: a tokenizer's file is not the one that its name was counted with.
    """
    lake, keys = context.lake, tokenizer_keys(context.config.tokens.tokenizers)
    _remember_files(lake, keys)
    entities = [entity.table for entity in all_entities() if entity.as_conversations and lake.exists(entity.table)]
    if not entities:
        return StepResult(lines=["measure: no conversations"], metrics=_NOTHING, lacks="conversations")
    settings = {"tokenizers": list(keys), "language": context.config.language.model_dump()}
    read = {table.name: lake.state_of(table) for table in entities}

    def fingerprint() -> Fingerprint:
        written = {MESSAGES.name: lake.state_of(MESSAGES)} if lake.exists(MESSAGES) else {}
        return Fingerprint.of(settings, MESSAGES.ddl, read | written)

    is_complete = lake.fingerprint_of(TOKENIZERS) == fingerprint()
    result = None if is_complete and not lake.rebuild else _measure(context, keys)
    if not is_complete:
        lake.store(TOKENIZERS, lake.load(TOKENIZERS), fingerprint=fingerprint())
    told = f"measure: nothing new; every conversation is measured with {', '.join(keys)}"
    return result or StepResult(lines=[told], metrics=_NOTHING)


def _measure(context: Context, keys: Mapping[str, str]) -> StepResult | None:
    """Measure what is missing; None where nothing is.

    Args:
        keys: the specifications of tokenizers by their names in the tables.
    """
    lake, language = context.lake, context.config.language
    conversations, messages = _read_conversations(lake), lake.read(MESSAGES)
    detector, detect = language.detector, _to_be_detected(conversations, language)
    files = _incomplete_files(conversations, messages, list(keys), detector, detect)
    if any(file.n_outdated for file in files):
        log.info("measured again: rows are from an earlier version", extra={"table": MESSAGES.name})
        outdated = messages.where(_IS_FIRST).where(_IS_OUTDATED)
        lake.delete(MESSAGES, outdated, on=("source", "file"))
        files = _incomplete_files(conversations, messages, list(keys), detector, detect)
    if not files:
        return None
    before = messages.count()

    def measure_all(rows: DataFrame) -> DataFrame:
        return measure_conversations(rows, tokenizers=list(keys.values()), detector=detector, detect=detect)

    new = [file for file in files if file.n_measured == 0]
    partly = [file for file in files if 0 < file.n_measured < file.n_conversations]
    added = {key: [file for file in files if file[f"n_{i}"] < file.n_measured] for i, key in enumerate(keys)}
    if new:
        rows = _of_files(conversations, new)
        lake.append(MESSAGES, measure_all(rows))
    if partly:
        rows = _of_files(conversations, partly)
        rows = rows.join(messages.where(_IS_FIRST).select(*_CONVERSATION), _CONVERSATION, "left_anti")
        lake.insert_new(MESSAGES, measure_all(rows))
    for key, lacking in added.items():
        if lacking:
            without = messages.where(_IS_FIRST).where(~F.map_contains_key("n_tokens", key)).select(*_CONVERSATION)
            rows = _of_files(conversations, lacking).join(without, _CONVERSATION, "left_semi")
            measured = measure_conversations(rows, tokenizers=[keys[key]])
            counts = ("n_tokens", "n_tokens_in_all")
            lake.upsert(MESSAGES, measured, update={name: f"map_concat(old.{name}, new.{name})" for name in counts})
    undetected = [file for file in files if file.n_measured > 0 and file.n_detected < file.n_to_detect]
    if undetected:
        without = messages.where(_IS_FIRST).where(F.col("detections")[detector].isNull()).select(*_CONVERSATION)
        rows = _of_files(conversations, undetected).where(detect).join(without, _CONVERSATION, "left_semi")
        changes = {
            "detected_language": "new.detected_language",
            "detections": "CASE WHEN old.position = 0 THEN "
            "map_concat(coalesce(old.detections, map()), new.detections) END",
        }
        lake.update(MESSAGES, detect_conversations(rows, detector=detector), on=_CONVERSATION, update=changes)
    if any(file.n_other for file in files):
        # Another detector spoke last, but this one was asked before: no text is needed.
        asked = messages.where(_IS_FIRST).where(_OTHER.format(detector))
        answers = asked.select(*_CONVERSATION, F.col("detections")[detector]["language"].alias("detected_language"))
        changes = {"detected_language": "new.detected_language"}
        lake.update(MESSAGES, answers, on=_CONVERSATION, update=changes)
    n_conversations = sum(file.n_conversations - file.n_measured for file in files)
    n_messages = lake.read(MESSAGES).count() - before
    lines = [
        f"measure: {counted(n_conversations, 'conversation')}, {counted(n_messages, 'message')} measured with "
        f"{', '.join(keys)}"
    ]
    lines += [
        f"measure: {counted(sum(file.n_measured - file[f'n_{i}'] for file in files), 'conversation')} measured again "
        f"with {key}"
        for i, key in enumerate(keys)
        if added[key]
    ]
    n_detected = sum(max(0, file.n_to_detect - file.n_detected) for file in files)
    if n_detected:
        lines.append(f"measure: language of {counted(n_detected, 'conversation')} detected with {detector}")
    return StepResult(lines=lines, metrics={"conversations": n_conversations, "messages": n_messages})


def _remember_files(lake: Lake, keys: Mapping[str, str]) -> None:
    """Record which file each tokenizer is; a file of the same name with other content would mix its counts in."""
    digests = {key: digest for key, spec in keys.items() if (digest := file_digest(spec))}
    if not digests:
        return
    recorded = dict(lake.load(TOKENIZERS).select("tokenizer", "digest").rows())
    for key, digest in digests.items():
        if recorded.get(key, digest) != digest:
            raise ConfigError(
                f"tokens.tokenizers: {keys[key]!r} is not the file that {key!r} was counted with so far (SHA-256 "
                f"{digest[:12]}, was {recorded[key][:12]}); rename the new file"
            )
    new = [(key, digest) for key, digest in digests.items() if key not in recorded]
    for key, _ in new:
        load_counter(keys[key])  # a file that does not work is not remembered
    if new:
        rows = pl.DataFrame(new, TOKENIZERS.no_rows.schema, orient="row")
        lake.change(TOKENIZERS, lambda stored: pl.concat([stored, rows]))


def _read_conversations(lake: Lake) -> DataFrame:
    """All that is to be measured, whatever table it is in, with the columns that measuring needs."""
    conversations = lake.read(CONVERSATIONS).select(*NEEDED)
    for entity in all_entities():
        if entity.as_conversations and entity is not CONVERSATION and lake.exists(entity.table):
            others = entity.as_conversations(lake.read(entity.table))
            conversations = conversations.unionByName(others, allowMissingColumns=True).select(*NEEDED)
    return conversations


def _to_be_detected(conversations: DataFrame, language: LanguageConfig) -> Column:
    """A condition on `conversations` and `messages` alike."""
    if language.detect == "all":
        return F.lit(True)
    if language.detect == "missing":
        return without_label()
    strata = count_strata(conversations, sample_size=language.sample_size).collect()
    return without_label() | in_sample(strata, sample_size=language.sample_size, seed=language.seed)


def _incomplete_files(
    conversations: DataFrame, messages: DataFrame, keys: Sequence[str], detector: str, detect: Column
) -> list[Row]:
    """Files with conversations that lack a measurement, with counts of conversations.

    Those are in all, measured at all, and with each tokenizer; whose language is to be detected, and was; and whose
    `detected_language` is another detector's although this one was asked; and that an earlier version measured. Neither
    side reads a column of text.
    """
    file = ["source", "file"]
    with_key = {f"n_{i}": F.count_if(F.map_contains_key("n_tokens", key)) for i, key in enumerate(keys)}
    outdated = {"n_outdated": F.count_if(F.expr(_IS_OUTDATED))}
    of_language = {
        "n_detected": F.count_if(detect & F.map_contains_key("detections", detector)),
        "n_other": F.count_if(F.expr(_OTHER.format(detector))),
    }
    there = conversations.groupBy(*file).agg(
        F.count("*").alias("n_conversations"), F.count_if(detect).alias("n_to_detect")
    )
    counted = [n.alias(name) for name, n in (with_key | of_language | outdated).items()]
    measured = messages.where(_IS_FIRST).groupBy(*file).agg(F.count("*").alias("n_measured"), *counted)
    counts = there.join(measured, file, "left").na.fill(0, ["n_measured", *with_key, *of_language, *outdated])
    is_incomplete = F.least("n_measured", *with_key) < F.col("n_conversations")
    is_incomplete |= (F.col("n_detected") < F.col("n_to_detect")) | (F.col("n_other") > 0) | (F.col("n_outdated") > 0)
    return counts.where(is_incomplete).orderBy(*file).collect()


def _of_files(conversations: DataFrame, files: Sequence[Row]) -> DataFrame:
    """The conversations of these files, by a filter that lets Delta skip the other ones."""
    wanted: Column = F.lit(False)
    for source in sorted({file.source for file in files}):
        names = [file.file for file in files if file.source == source]
        wanted = wanted | ((F.col("source") == source) & F.col("file").isin(names))
    return conversations.where(wanted)

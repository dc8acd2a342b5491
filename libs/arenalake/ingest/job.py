"""Read new raw files of the configured sources into entities; what breaks a rule goes to quarantine."""

import logging
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import polars as pl
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from arenalake.alike import look_alike_lines
from arenalake.entities.entity import Entity
from arenalake.entities.tables import INGESTED_FILES, MESSAGES, QUARANTINE, SOURCE_TERMS
from arenalake.errors import (
    ArenalakeError,
    NothingKeptError,
    SchemaMismatchError,
    SourceNotFoundError,
    UnreadableFileError,
)
from arenalake.ingest.files import Listing, RawFile, digest_of, is_named, list_files
from arenalake.ingest.quarantine import quarantine_rows
from arenalake.ingest.records import count_rows, is_nested, read_records
from arenalake.ingest.resolve import (
    CONFLICT,
    MISFIT,
    contested_keys,
    judge_contested,
    rows_of_content,
    stored_content,
    with_record_key,
)
from arenalake.ingest.summary import count_sentences, list_sentences
from arenalake.lake import Lake
from arenalake.lake.fingerprint import Fingerprint
from arenalake.lake.holding import hold
from arenalake.lake.table import Table
from arenalake.plurals import counted
from arenalake.sources import SOURCES, Source, all_entities
from arenalake.sources.options import SourceConfig
from arenalake.step import Context, StepResult

log = logging.getLogger(__name__)

# So many contested keys may pass through the driver.
_FEW_KEYS = 10_000
# Files of so many bytes are parsed once, since planning takes longer than parsing and five plans would hold it.
_FEW_BYTES = 32 * 2**20
# Columns that hold names, which may look alike.
_NAMES = ("model", "model_a", "model_b", "language", "category")
# Sources do not know each other: while one is planned or committed, another is read.
_AT_ONCE = 4


@dataclass(frozen=True)
class _Counts:
    """What became of the records of one file: rows = kept + quarantined + duplicates."""

    rows: int
    kept: int
    quarantined: int
    duplicates: int


def run(context: Context) -> StepResult:
    """Ingest every configured source. What goes wrong with a file or a source is told after the others are done."""
    lake, sources = context.lake, context.config.sources
    result, listed = StepResult(), {}
    if not sources:
        result.errors.append(NothingKeptError("sources: no source is configured, so there is nothing to ingest"))
    for name, source in sources.items():
        try:
            listed[name] = list_files(lake, name, source.path)
        except SourceNotFoundError as error:
            result.errors.append(error)
    for name in listed.keys() & set(context.config.pipeline.reread):
        _forget_files(lake, name, listed[name].files)
    write_terms(lake, {name: sources[name] for name in listed})
    for name, listing in listed.items():
        if listing.others:
            log.info("ignored: not data, or hidden", extra={"source": name, "files": ",".join(listing.others[:10])})

    with_rules = {name: source for name, source in sources.items() if SOURCES[source.format].find_broken}
    is_settled = not with_rules or lake.fingerprint_of(INGESTED_FILES) == _settled(lake, with_rules)

    def ingest(name: str) -> StepResult:
        try:
            return _ingest_source(lake, name, sources[name], listed[name], is_settled=is_settled)
        except ArenalakeError as error:
            return StepResult(errors=[error])
        except Exception as error:
            log.exception("failed", extra={"source": name})
            return StepResult(errors=[ArenalakeError(f"sources.{name}: {type(error).__name__}: {_first_line(error)}")])

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in pool.map(ingest, listed):
            result.lines += done.lines
            result.unreadable += done.unreadable
            result.errors += done.errors
            result.metrics |= done.metrics
    if with_rules and not result.errors and lake.exists(INGESTED_FILES):
        settled = _settled(lake, with_rules)
        if lake.fingerprint_of(INGESTED_FILES) != settled:
            lake.store(INGESTED_FILES, lake.load(INGESTED_FILES), fingerprint=settled)
    return result


def _settled(lake: Lake, sources: Mapping[str, SourceConfig]) -> Fingerprint:
    """What `ingested_files` carries once no record of these sources breaks a rule beside others, until one comes."""
    tables = {SOURCES[source.format].entities[-1].table for source in sources.values()} | {QUARANTINE}
    states = {table.name: lake.state_of(table) for table in tables if lake.exists(table)}
    return Fingerprint.of({"sources": sorted(sources)}, INGESTED_FILES.ddl, states)


def _ingest_source(lake: Lake, name: str, config: SourceConfig, listing: Listing, *, is_settled: bool) -> StepResult:
    new, known_names = _new_files(lake, name, listing.files)
    batch = _Batch(lake, name, config, known_names)
    if not new:
        batch.heal()
    counts = batch.ingest_what_can_be_read(new)
    if counts or not is_settled:
        batch.move_misfits(counts)
    unreadable = [*listing.unreadable, *batch.unreadable]
    total = {key: sum(getattr(count, key) for count in counts.values()) for key in _Counts.__dataclass_fields__}
    result = StepResult(unreadable=unreadable, metrics={f"{name}.{key}": n for key, n in total.items()})
    result.lines.append(
        _summary(name, len(listing.files) - len(batch.unreadable), len(unreadable), total, len(counts), batch)
    )
    ever = _sums_of(lake, name)
    has_reasons = total["quarantined"] if counts else ever["quarantined"]
    reasons = _count_reasons(lake, name, list(counts)) if has_reasons else []
    result.lines += list_sentences(f"{name}: in quarantine", reasons)
    result.lines += list_sentences(f"{name}: not kept", batch.notes)
    if reasons and not counts:
        result.lines.append(
            f"{name}: still in quarantine: {counted(ever['quarantined'], 'record')} of earlier files; if you have "
            f"changed the source's settings, --set pipeline.reread=[{name}] reads its files again"
        )
    for column, names in batch.count_names().items() if total["kept"] else ():
        result.lines += look_alike_lines(name, column, names)
    if not ever["kept"] and not unreadable:
        result.errors.append(_nothing_kept(name, config, ever["rows"], reasons))
    return result


def _count_reasons(lake: Lake, name: str, files: Sequence[str]) -> list[tuple[str, int]]:
    """Why records of these files are in quarantine; of all files if none is named."""
    records = lake.read(QUARANTINE).where(F.col("source") == name)
    return count_sentences(records.where(F.col("file").isin(*files)) if files else records, "reasons")


def _nothing_kept(name: str, config: SourceConfig, rows: int, reasons: Sequence[tuple[str, int]]) -> ArenalakeError:
    if not rows:
        return NothingKeptError(f"sources.{name}.path: {config.path} holds no records")
    why = f"; most often: {reasons[0][0]}" if reasons else ""
    return NothingKeptError(f"sources.{name}: none of {counted(rows, 'record')} could be kept{why}")


def _summary(name: str, n_readable: int, n_unreadable: int, total: dict[str, int], n_new: int, batch: "_Batch") -> str:
    missing = f"; {counted(n_unreadable, 'file')} could not be read" if n_unreadable else ""
    line = (
        f"{name}: {counted(total['rows'], 'record')} in {counted(n_new, 'new file')} = "
        f"{total['kept']:,} kept + {total['quarantined']:,} quarantined + {counted(total['duplicates'], 'duplicate')}"
    )
    if not n_new:
        line = f"{name}: nothing new in {counted(n_readable, 'file')}"
    if batch.moved:
        why = ", ".join(sorted(batch.moved))
        line += f"; {counted(batch.moved.total(), 'earlier record')} moved to quarantine ({why})"
    if batch.returned:
        line += f"; {counted(batch.returned, 'earlier record')} came back from quarantine"
    return line + missing


def _sums_of(lake: Lake, name: str) -> dict[str, int]:
    """Records of all files of a source that were ever ingested."""
    files = lake.load(INGESTED_FILES).filter(pl.col("source") == name)
    return files.select(pl.col("rows", "kept", "quarantined").sum()).row(0, named=True)


def _forget_files(lake: Lake, name: str, files: Sequence[RawFile]) -> None:
    """Take a source's files for new. What they gave is then removed as what an interrupted run left, and read again.

    Raises:
        SourceNotFoundError: one of them is not there any more, so its records would be lost.
    """
    recorded = lake.load(INGESTED_FILES).filter(pl.col("source") == name)
    gone = set(recorded["file"]) - {file.name for file in files}
    if gone:
        raise SourceNotFoundError(
            f"pipeline.reread: {name} cannot be read again: {len(gone)} of its files no longer exist, such as "
            f"{min(gone)}; put them back, or use a new storage.root"
        )
    lake.change(INGESTED_FILES, lambda rows: rows.filter(pl.col("source") != name))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300]


def terms_of(sources: Mapping[str, SourceConfig]) -> pl.DataFrame:
    """The rows of `source_terms`.

    What the configuration says of a source comes before what its format says, but for whether text may be passed on.
    """
    rows = []
    for name, source in sources.items():
        terms = SOURCES[source.format].terms
        own = (source.title or terms.title, source.licence or terms.licence, terms.text_may_be_shared)
        rows.append((name, source.format, *own, source.citation or terms.citation, source.url or terms.url))
    return pl.DataFrame(rows, SOURCE_TERMS.no_rows.schema, orient="row")


def write_terms(lake: Lake, sources: Mapping[str, SourceConfig]) -> None:
    """Add or renew the terms of these sources; those of others stay, as their rows do."""
    wanted = terms_of(sources)
    try:
        stored = lake.load(SOURCE_TERMS)
    except SchemaMismatchError:  # another version's table is made anew
        stored = SOURCE_TERMS.no_rows
    merged = pl.concat([stored.filter(~pl.col("source").is_in(list(sources))), wanted])
    if not merged.sort("source").equals(stored.sort("source")):
        lake.store(SOURCE_TERMS, merged)


def _new_files(lake: Lake, name: str, files: Sequence[RawFile]) -> tuple[list[RawFile], set[str]]:
    """The files that were not ingested in this version, and the names of all that ever were.

    A file that was only touched has the digest it had, and is not new.
    """
    recorded = lake.load(INGESTED_FILES).filter(pl.col("source") == name)
    rows = recorded.select("path", "file", "size", pl.col("modified").dt.timestamp("us"), "digest").rows(named=True)
    versions = {(row["path"], row["size"], row["modified"]) for row in rows}
    digests = {(row["path"], row["size"], row["digest"]) for row in rows if row["digest"]}
    sizes = {(path, size) for path, size, _ in versions}
    new = [
        file
        for file in files
        if (file.path, file.size, file.modified) not in versions
        and ((file.path, file.size) not in sizes or (file.path, file.size, digest_of(file)) not in digests)
    ]
    return new, {row["file"] for row in rows}


class _Batch:
    """The ingestion of new files of one source. Entities are written first and the file is recorded last."""

    def __init__(self, lake: Lake, name: str, config: SourceConfig, known_names: set[str]) -> None:
        self.lake = lake
        self.name = name
        self.config = config
        self.source: Source = SOURCES[config.format]
        # Each record that was kept has one row of it.
        self.parents = self.source.entities[-1].table
        self.unreadable: list[str] = []
        self.notes: list[tuple[str, int]] = []
        self.moved: Counter[str] = Counter()
        self.returned = 0
        self._known_names = set(known_names)
        self._names: list[str] = []
        # Whether the lake has rows of files of this source that are recorded.
        self._holds_rows = True

    def ingest_what_can_be_read(self, files: Sequence[RawFile]) -> dict[str, _Counts]:
        """All files at once; without the one that cannot be read if Spark names it, else each by itself."""
        if not files:
            return {}
        try:
            return self._ingest(files)
        except UnreadableFileError as error:
            broken, reason = [file for file in files if file.path == error.path], error.reason
        except Exception as error:  # what a file's content leads to differs between classic Spark and Connect
            found = _unreadable_reason(error)
            if found is None:
                raise
            broken = list(files) if len(files) == 1 else [file for file in files if is_named(file, found)]
            reason = _root_cause(error) or found
        for file in broken:
            log.error("unreadable file", extra={"source": self.name, "file": file.path, "reason": reason})
            self.unreadable.append(f"{file.path} ({reason})")
        rest = [file for file in files if file not in broken]
        parts = [rest] if broken else [[file] for file in rest]
        return {name: counts for part in parts for name, counts in self.ingest_what_can_be_read(part).items()}

    def _ingest(self, files: Sequence[RawFile]) -> dict[str, _Counts]:
        names = self._names = [file.name for file in files]
        self.heal()
        parsed = self._parse(files)
        rows = count_rows(parsed)
        # Of a name that is new nothing is there: what an interrupted run left was just removed.
        before = self._rows_by_file(self._known_names.intersection(names))
        unlike = Observation()
        nested = [field.name for field in self.source.fields(self.config) if is_nested(field)]
        counted = [F.count_if(F.array_contains("unlike", name)).alias(name) for name in nested]
        keys = self._contested_keys(parsed.observe(unlike, *counted) if counted else parsed)
        contested = self._found(keys)
        n_unlike = _observed(unlike, parsed, counted) if counted else {}
        closely = [name for name in nested if n_unlike[name]]
        if closely:
            parsed = self._parse(files, closely=closely)
        if contested is keys:
            contested = self._contested_keys(parsed)
        judged = None if contested is None else self._judge(parsed, contested)
        fates = {} if judged is None else _count_fates(judged)
        broken = self._write(parsed, contested, judged, fates)
        after = self._rows_by_file(set(names))
        counts = {}
        for file in files:
            n = rows.get(file.name, 0)
            kept = after.get(file.name, 0) - before.get(file.name, 0) + fates.get((file.name, "evict"), 0)
            quarantined = broken.get(file.name, 0) + fates.get((file.name, "conflict"), 0)
            duplicates = fates.get((file.name, "duplicate"), 0)
            if n != kept + quarantined + duplicates:
                raise ArenalakeError(
                    f"{self.name}: {file.path} has {n} records, but {kept} kept + {quarantined} quarantined + "
                    f"{duplicates} duplicates; did the file change while it was read? It is not recorded as ingested"
                )
            counts[file.name] = _Counts(n, kept, quarantined, duplicates)
        evicted = {name: n for (name, fate), n in fates.items() if fate == "evict"}
        if evicted:
            # Before these files are recorded: one of them may be another version of a file that lost records.
            correct_earlier_files(self.lake, self.name, evicted)
            self.moved[CONFLICT] += sum(evicted.values())
        self._record(files, counts)
        return counts

    def _parse(self, files: Sequence[RawFile], closely: Collection[str] = ()) -> DataFrame:
        fields, positioned = self.source.fields(self.config), self.source.positioned
        unfold = self.source.unfold
        records = read_records(self.lake.spark, files, fields, positioned=positioned, closely=closely, unfold=unfold)
        parsed = self.source.parse(records, self.config)
        return hold(parsed) if sum(file.size for file in files) <= _FEW_BYTES else parsed

    def heal(self) -> None:
        """Remove what an interrupted run left of files that were never recorded, be they still there or not."""
        # Of every entity, since the source may have had another format.
        places = [*(entity.table for entity in all_entities()), QUARANTINE]
        files = self.lake.count_values(places, ["file"], source=self.name)
        left = files.filter(~pl.col("value").is_in(sorted(self._known_names)))
        self._holds_rows = len(files) > len(left)
        if left.is_empty():
            return
        log.info("removing rows of an interrupted run", extra={"source": self.name})
        if QUARANTINE.name in left["table"]:
            self._finish_conflicts()
        names = {(self.name, file) for file in left["value"]}
        keys = self.lake.spark.createDataFrame(sorted(names), "source string, file string")
        # What tells that a run was interrupted goes last.
        for table in (MESSAGES, *places):
            self.lake.delete(table, keys, on=("source", "file"))

    def _finish_conflicts(self) -> None:
        """Evict what is in conflict, and count it, as an interrupted run was about to."""
        conflicts = self._conflicts()
        self._evict(conflicts.select("record_key").distinct())
        self._correct_files(conflicts)

    def move_misfits(self, counts: dict[str, _Counts]) -> None:
        """Move records to quarantine that break a rule beside others of the source, be they new or not.

        Those that an earlier run moved come back where they break none any more: what is kept does not depend on the
        order in which files came. It is asked for where nothing is new, too, unless a run has come to its end since:
        an earlier one may have been interrupted here.

        Args:
            counts: of the files of this run; corrected.
        """
        if self.source.find_broken is None or not self.lake.exists(self.parents):
            return
        stored = with_record_key(self._of_source(self.parents))
        misfits = self._misfits()
        waiting = back = None
        if misfits.isEmpty():
            broken = self.source.find_broken(stored)
        else:
            taken = stored.select("record_key").unionByName(self._conflicts().select("record_key"))
            waiting = rows_of_content(misfits, self.source.entities[-1]).join(taken, "record_key", "left_anti")
            broken = self.source.find_broken(stored.unionByName(waiting))
            back = self._found(waiting.select("record_key").join(broken, "record_key", "left_anti"))
            broken = broken.join(stored.select("record_key"), "record_key", "left_semi")
        keys = self._found(broken.select("record_key"))
        if keys is not None:
            records = stored_content({self.source.entities[-1]: stored}).join(broken, "record_key")
            reasons = F.concat(F.array(F.lit(MISFIT)), "reasons").alias("reasons")
            new = records.select("file", "record_key", F.col("content").alias("record"), reasons)
            self.lake.insert_new(QUARANTINE, quarantine_rows(new, source=self.name))
            self._evict(keys)
        if waiting is not None and back is not None:
            self.lake.append(self.parents, waiting.join(back, "record_key", "left_semi"))
        misfits = self._misfits()  # anew, since there may have been no such table
        if misfits.isEmpty():
            return
        gone = self._correct_files(misfits)
        # Last, since it tells an interrupted run what came back.
        kept = with_record_key(self._of_source(self.parents)).select("file", "record_key")
        returned = misfits.join(kept, ["file", "record_key"], "left_semi")
        if not returned.isEmpty():
            self.lake.delete(QUARANTINE, returned)
        for file, n in gone.items():
            if file in counts:
                count = counts[file]
                counts[file] = replace(count, kept=count.kept - n, quarantined=count.quarantined + n)
            elif n > 0:
                self.moved[MISFIT] += n
            else:
                self.returned -= n

    def _misfits(self) -> DataFrame:
        return self._of_source(QUARANTINE).where(F.array_contains("reasons", MISFIT))

    def _correct_files(self, moved: DataFrame) -> dict[str, int]:
        """Count in `ingested_files` what was moved to quarantine after it had been kept, or came back.

        Args:
            moved: file of such records; those of them that are counted already do no harm.

        Returns:
            How many records were not counted yet, by file; less than 0 where more came back than were moved.
        """
        files = self.lake.load(INGESTED_FILES).filter(pl.col("source") == self.name)
        sums = files.group_by("file").agg(pl.col("kept").sum()).rows()
        kept = self.lake.spark.createDataFrame(sums, "file string, kept bigint")
        there = self._of_source(self.parents).groupBy("file").agg(F.count("*").alias("n"))
        gone = F.col("kept") - F.coalesce("n", F.lit(0))
        counted = kept.join(moved.select("file").distinct(), "file").join(there, "file", "left")
        missing = counted.select("file", gone.alias("gone")).where("gone <> 0").collect()
        gone_by_file = {row["file"]: int(row["gone"]) for row in missing}
        if gone_by_file:
            correct_earlier_files(self.lake, self.name, gone_by_file)
        return gone_by_file

    def _contested_keys(self, parsed: DataFrame) -> DataFrame:
        if not self._holds_rows:
            return contested_keys(parsed)
        known = with_record_key(self._of_source(self.parents, pinned=True)).select("record_key")
        return contested_keys(parsed, known.unionByName(self._conflicts().select("record_key")))

    def _found(self, keys: DataFrame) -> DataFrame | None:
        """The same keys (record_key); if they are few, found once, so that the plans that follow need not find them.

        None if there are none.
        """
        few = keys.limit(_FEW_KEYS + 1).collect()
        if len(few) > _FEW_KEYS:
            return keys
        return self.lake.spark.createDataFrame(few, "record_key string") if few else None

    def _judge(self, parsed: DataFrame, contested: DataFrame) -> DataFrame:
        good = parsed.where(F.size("reasons") == 0).join(contested, "record_key", "left_semi")
        stored = {
            entity: with_record_key(self._of_source(entity.table, pinned=True)).join(
                contested, "record_key", "left_semi"
            )
            for entity in self.source.entities
        }
        past = self._conflicts().join(contested, "record_key", "left_semi")
        return judge_contested(good, stored_content(stored), past, self.source.entities)

    def _conflicts(self) -> DataFrame:
        conflicts = self._of_source(QUARANTINE).where(F.array_contains("reasons", CONFLICT))
        return conflicts.select("file", "record_key", "record")

    def _write(
        self,
        parsed: DataFrame,
        contested: DataFrame | None,
        judged: DataFrame | None,
        fates: dict[tuple[str, str], int],
    ) -> dict[str, int]:
        """Write entities and quarantine; return the number of broken records per file."""
        seen = Observation()
        told = [F.count_if(F.size(name) > 0).alias(name) for name in ("reasons", "notes")]
        watched = parsed.observe(seen, *told)
        clean, watched_clean = (
            good if contested is None else good.join(contested, "record_key", "left_anti")
            for good in (parsed.where(F.size("reasons") == 0), watched.where(F.size("reasons") == 0))
        )
        if judged is not None:
            if any(fate in ("conflict", "evict") for _, fate in fates):
                self._settle_conflicts(judged)
            names = [entity.rows_column for entity in self.source.entities]
            kept = judged.where(F.col("fate") == "keep").select("file", "record_key", *names)
            clean, watched_clean = (df.select(*kept.columns).unionByName(kept) for df in (clean, watched_clean))
        *parts, parent = self.source.entities
        for entity in parts:
            self._add(entity, clean)
        self._add(parent, watched_clean)
        # Of a join that turns out to be empty, Spark drops what was to be observed below it.
        n = seen.get if contested is None else parsed.agg(*told).collect()[0].asDict()
        if n["notes"]:
            self.notes += count_sentences(parsed, "notes")
        if not n["reasons"]:
            return {}
        broken = parsed.where(F.size("reasons") > 0).select(
            "file", "record_key", "record", F.concat("reasons", "details").alias("reasons")
        )
        self._add_rows(QUARANTINE, quarantine_rows(broken, source=self.name))
        return {row["file"]: row["n"] for row in broken.groupBy("file").agg(F.count("*").alias("n")).collect()}

    def count_names(self) -> dict[str, dict[str, int]]:
        """How often the source has each model, language and category, by column."""
        found = self.lake.count_values([self.parents], _NAMES, source=self.name)
        by_kind = found.with_columns(pl.col("column").str.split("_").list.first())
        counts: dict[str, dict[str, int]] = {}
        for column, name, n in (
            by_kind.group_by("column", "value").agg(pl.col("n").sum()).sort("column", "value").rows()
        ):
            counts.setdefault(column, {})[name] = n
        return counts

    def _add(self, entity: Entity, records: DataFrame) -> None:
        """Add the rows of one entity; those of the last one are new by their keys, which were looked up."""
        # Outer: of what a plain explode leaves out Spark infers a filter, which takes it up to 20 s to think about.
        rows = records.select("file", "record_key", F.explode_outer(entity.rows_column).alias("one"))
        rows = rows.where("one IS NOT NULL").select(F.lit(self.name).alias("source"), "file", "record_key", "one.*")
        if entity.table == self.parents:
            self.lake.append(entity.table, rows)
        else:
            self._add_rows(entity.table, rows)

    def _add_rows(self, table: Table, rows: DataFrame) -> None:
        """Add rows of the files of this batch that are not known to be new by their keys."""
        if self._known_names.intersection(self._names):
            # An interrupted run over a changed file may have left some of them.
            self.lake.insert_new(table, rows)
        else:
            self.lake.append(table, rows)

    def _settle_conflicts(self, judged: DataFrame) -> None:
        losers = judged.where(F.col("fate").isin("conflict", "evict"))
        records = losers.select(
            "file", "record_key", F.col("content").alias("record"), F.array(F.lit(CONFLICT)).alias("reasons")
        )
        self.lake.insert_new(QUARANTINE, quarantine_rows(records, source=self.name))
        evicted = self._found(judged.where(F.col("fate") == "evict").select("record_key"))
        if evicted is not None:
            self._evict(evicted)

    def _evict(self, keys: DataFrame) -> None:
        """Delete what records with these keys (record_key, distinct) became, and their messages."""
        rows = {e: with_record_key(self._of_source(e.table)).join(keys, "record_key") for e in self.source.entities}
        for entity, evicted in rows.items():
            if entity.as_conversations:
                self.lake.delete(MESSAGES, entity.as_conversations(evicted), on=("source", "conversation_id"))
        for entity, evicted in rows.items():
            self.lake.delete(entity.table, evicted)

    def _record(self, files: Sequence[RawFile], counts: dict[str, _Counts]) -> None:
        rows = []
        for file in files:
            count = counts[file.name]
            outcome = _outcome(count.rows, count.kept, count.quarantined)
            version = (self.name, file.path, file.name, file.size, file.modified, digest_of(file))
            rows.append((*version, count.rows, count.kept, count.quarantined, count.duplicates, outcome))
        schema = INGESTED_FILES.no_rows.schema
        new = pl.DataFrame(rows, {**schema, "modified": pl.Int64}, orient="row").cast({"modified": schema["modified"]})
        self.lake.change(INGESTED_FILES, lambda stored: pl.concat([stored, new]))
        self._known_names.update(file.name for file in files)

    def _of_source(self, table: Table, *, pinned: bool = False) -> DataFrame:
        return self.lake.read(table, pinned=pinned).where(F.col("source") == self.name)

    def _rows_by_file(self, names: set[str]) -> dict[str, int]:
        if not names:
            return {}
        files = self.lake.count_values([self.parents], ["file"], source=self.name)
        return {file: n for file, n in files.select("value", "n").rows() if file in names}


def correct_earlier_files(lake: Lake, name: str, evicted: dict[str, int]) -> None:
    """Let `ingested_files` say of a source's earlier files what is true now: evicted records are in quarantine.

    Args:
        evicted: how many, by the name of the file; less than 0 for those that came back from there.
    """

    def correct(stored: pl.DataFrame) -> pl.DataFrame:
        # The newest version of a file gives what it kept, and the ones before it what is still missing.
        rows = stored.sort("modified", "path", "size", descending=[True, False, False])
        missing = dict(evicted)
        kept, quarantined, outcomes = [], [], []
        for row in rows.iter_rows(named=True):
            moved = missing.get(row["file"], 0) if row["source"] == name else 0
            moved = max(min(row["kept"], moved), -row["quarantined"])
            if moved:
                missing[row["file"]] -= moved
            kept.append(row["kept"] - moved)
            quarantined.append(row["quarantined"] + moved)
            outcomes.append(_outcome(row["rows"], kept[-1], quarantined[-1]))
        return rows.with_columns(
            kept=pl.Series(kept, dtype=pl.Int64),
            quarantined=pl.Series(quarantined, dtype=pl.Int64),
            outcome=pl.Series(outcomes, dtype=pl.String),
        )

    lake.change(INGESTED_FILES, correct)


def _outcome(rows: int, kept: int, quarantined: int) -> str:
    if not rows:
        return "empty"
    return "kept" if not quarantined else "partly quarantined" if kept else "quarantined"


def _observed(observation: Observation, rows: DataFrame, columns: Sequence[Column]) -> dict[str, int]:
    """What was observed of the rows, or else asked for: where a later step had nothing to do, Spark forgets it."""
    try:
        found = observation.get
    except Exception:  # its class depends on the session
        found = {}
    return found or rows.agg(*columns).collect()[0].asDict()


def _count_fates(judged: DataFrame) -> dict[tuple[str, str], int]:
    rows = judged.groupBy("file", "fate").agg(F.count("*").alias("n")).collect()
    return {(row["file"], row["fate"]): row["n"] for row in rows}


def _root_cause(error: Exception) -> str | None:
    """What went wrong at the bottom of a Java trace, which classic Spark has in its message; None without one."""
    causes = re.findall(r"^Caused by: [\w.$]*?(\w+): (.*)$", str(error), re.MULTILINE)
    return f"{causes[-1][0]}: {causes[-1][1]}" if causes else None


def _unreadable_reason(error: Exception) -> str | None:
    """What Spark says about the content of a file that it failed on; None if it failed on anything else."""
    sentence = re.search(
        r"\[(FAILED_READ_FILE|CANNOT_READ_FILE_FOOTER|UNABLE_TO_INFER_SCHEMA|PARQUET_TYPE_\w+)[^\n]*", str(error)
    )
    return None if sentence is None else sentence.group(0)

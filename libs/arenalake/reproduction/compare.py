"""Published figures beside ours, with a verdict and its reason."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.tables import INGESTED_FILES
from arenalake.lake.table import Table
from arenalake.reproduction.ledger import LLAMA_2, Ledger
from arenalake.reproduction.ledgers import LEDGERS

MATCH, DIFFERS, CANNOT = "match", "differs", "cannot be recomputed"

_GENERATED = "the source holds generated data, which only resembles what was published"
_NO_TOKENIZER = (
    "counted with Llama-2's tokenizer, which is not configured: add spm:<path of its tokenizer.model>+bos to "
    "tokens.tokenizers"
)
_ARRIVALS = ("size", "rows", "quarantined", "duplicates")

# By source, then by what is counted: the sums over raw files, and the value of each aggregate.
Values = dict[str, dict[str, float | None]]  # whole numbers too are floats


@dataclass(frozen=True)
class Origin:
    """A source whose format has a ledger.

    Attributes:
        generated: whether its records were made by the generator.
        llama_2: the name in the tables of Llama-2's tokenizer; None where it is not configured.
    """

    source: str
    format: str
    generated: bool
    llama_2: str | None

    @property
    def ledger(self) -> Ledger:
        """What was published about the format."""
        return LEDGERS[self.format]

    def aggregates(self, table: Table) -> list[str]:
        """Spark aggregates that our figures in a table are."""
        figures = [figure for figure in self.ledger.figures if figure.table == table]
        figures = [figure for figure in figures if self.llama_2 or not figure.uses_llama_2]
        return [figure.ours for figure in figures]


def tables_of(origins: Sequence[Origin]) -> list[Table]:
    """The tables that the figures of some sources are in."""
    figures = [figure for origin in origins for figure in origin.ledger.figures]
    tables = {table.name: table for table in [INGESTED_FILES, *(figure.table for figure in figures)] if table}
    return [tables[name] for name in sorted(tables)]


def find_values(tables: Mapping[Table, DataFrame], origins: Sequence[Origin]) -> Values:
    """Our figures, one small query per table, side by side: one query for all takes longer to plan than all of them.

    Args:
        tables: those of `tables_of`.

    Returns:
        By source: `size`, `rows`, `quarantined` and `duplicates` of the newest version of its raw files (absent where
        nothing came in), and the value of each aggregate by its SQL (absent where the table has no row of the source).
    """
    sources = [origin.source for origin in origins]
    llama_2 = next((origin.llama_2 for origin in origins), None)  # the same for all, as it is configured once

    def ask(table: Table) -> list[Any]:
        rows = tables[table].where(F.col("source").isin(sources))
        if table == INGESTED_FILES:
            return rows.select("source", "file", "modified", *_ARRIVALS).collect()
        wanted = sorted({aggregate for origin in origins for aggregate in origin.aggregates(table)})
        if not wanted:
            return []
        values = [F.expr(f"CAST({aggregate} AS DOUBLE)").alias(aggregate) for aggregate in wanted]
        return rows.withColumn(LLAMA_2, F.lit(llama_2)).groupBy("source").agg(*values).collect()

    with ThreadPoolExecutor() as pool:
        answers = dict(zip(tables, pool.map(ask, tables), strict=True))
    found: Values = {source: {} for source in sources}
    # Wherever the folder lay at the time, a file is known by its name in it.
    newest = {(row.source, row.file): row for row in sorted(answers.pop(INGESTED_FILES), key=lambda row: row.modified)}
    for row in newest.values():
        sums = found[row.source]
        sums.update({name: (sums.get(name) or 0.0) + row[name] for name in _ARRIVALS})
    for rows in answers.values():
        for row in rows:
            found[row.source].update({name: value for name, value in row.asDict().items() if name != "source"})
    return found


def compare_figures(origins: Sequence[Origin], values: Values) -> list[tuple[Any, ...]]:
    """Put our figures beside the published ones.

    Args:
        values: see `find_values`.

    Returns:
        Rows of the table `reproduction`. The verdict is `cannot be recomputed` for figures that the release cannot
        give, for generated data, where our table has nothing to compare, and where the source has more or fewer records
        than the release: its own figures are there all the same. Records in quarantine count as having come in.
    """
    rows = []
    for origin in origins:
        found, ledger = values[origin.source], origin.ledger
        came_in = found.get("rows")
        for place, figure in enumerate(ledger.figures):
            records = figure.records or ledger.records
            what = "release" if records == ledger.records else "part of the release behind this figure"
            other_size = (
                f"the source has {came_in:,.0f} records, the {what} has {records:,}"
                if came_in is not None and came_in != records
                else None
            )
            without_tokenizer = figure.uses_llama_2 and not origin.llama_2
            ours = found.get(figure.ours) if figure.table else None
            obstacle = (
                figure.reason
                or (origin.generated and _GENERATED)
                or (without_tokenizer and _NO_TOKENIZER)
                or (ours is None and figure.table and f"the table {figure.table.name} has no value to compare")
                # The first figure is the size itself, unless the release comes in parts.
                or ((place > 0 or figure.records is not None) and other_size)
            )
            if obstacle or ours is None:
                verdict, reason = CANNOT, obstacle
            # The digits of a decimal fraction are not exact.
            elif abs(ours - figure.published) <= figure.tolerance + 1e-9:
                verdict, reason = MATCH, None
            else:
                verdict, reason = DIFFERS, other_size or _left_out(found)
            published = (place, figure.name, figure.unit, figure.citation, float(figure.published), ours)
            rows.append((origin.source, *published, figure.definition, figure.tolerance, verdict, reason))
    return rows


def _left_out(found: Mapping[str, float | None]) -> str | None:
    quarantined, duplicates = found.get("quarantined") or 0, found.get("duplicates") or 0
    if not quarantined and not duplicates:
        return None
    return f"of the records, {quarantined:,.0f} are in quarantine and {duplicates:,.0f} are duplicates"

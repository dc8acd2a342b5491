"""Published figures beside ours, with a verdict and its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.reproduction.ledger import LEDGERS, LLAMA_2, Ledger
from arenalake.tables import INGESTED_FILES, REPRODUCTION, Table

MATCH, DIFFERS, CANNOT = "match", "differs", "cannot be recomputed"

LEDGER_DDL = (
    "source string, id string, place int, figure string, unit string, published double, citation string, "
    "definition string, tolerance double, table string, ours string, records bigint, is_size boolean, obstacle string"
)
_GENERATED = "the source holds generated data, which only resembles what was published"
_NO_TOKENIZER = (
    "counted with Llama-2's tokenizer, which is not configured: add spm:<path of its tokenizer.model>+bos to "
    "tokens.tokenizers"
)
# What comes into no figure at all.
_ARRIVALS = ("rows", "quarantined", "duplicates")


@dataclass(frozen=True)
class Origin:
    """A source whose format has a ledger, and whether its records were made by the generator."""

    source: str
    format: str
    generated: bool


def ledger_rows(origins: Sequence[Origin], *, llama_2: str | None) -> list[dict[str, Any]]:
    """The published figures that apply to these sources, in the columns of `LEDGER_DDL`.

    Args:
        llama_2: name that Llama-2's tokenizer has in the tables; None where it is not configured.

    Returns:
        One row per source and figure. `obstacle` says why it cannot be recomputed, or is None where the tables decide.
    """
    return [
        {
            "source": origin.source,
            "id": f"{origin.format}/{place}",
            "place": place,
            "figure": figure.name,
            "unit": figure.unit,
            "published": float(figure.published),
            "citation": figure.citation,
            "definition": figure.definition,
            "tolerance": figure.tolerance,
            "table": figure.table.name if figure.table and not (figure.uses_llama_2 and llama_2 is None) else None,
            "ours": figure.ours,
            "records": ledger.records,
            "is_size": place == 0,
            "obstacle": figure.reason
            or (_GENERATED if origin.generated else None)
            or (_NO_TOKENIZER if figure.uses_llama_2 and llama_2 is None else None),
        }
        for origin in origins
        for ledger in (LEDGERS[origin.format],)
        for place, figure in enumerate(ledger.figures)
    ]


def tables_of(ledgers: Sequence[Ledger]) -> list[Table]:
    """The tables that the figures of some ledgers are in, by name."""
    tables = {figure.table.name: figure.table for ledger in ledgers for figure in ledger.figures if figure.table}
    return [tables[name] for name in sorted(tables)]


def compare_figures(
    ledger: DataFrame, rows: Sequence[Mapping[str, Any]], tables: Mapping[str, DataFrame], *, llama_2: str | None
) -> DataFrame:
    """Put our figures beside the published ones.

    Args:
        ledger: columns of `LEDGER_DDL`.
        rows: the same rows as Python values, which say what to aggregate.
        tables: the tables that `rows` name, and `ingested_files`.
        llama_2: name that Llama-2's tokenizer has in the tables; None where it is not configured.

    Returns:
        Columns of the table `reproduction`. The verdict is `cannot be recomputed` for figures that the release cannot
        give, for generated data, where our table has nothing to compare, and where the source has more or fewer records
        than the release: its own figures are there all the same. Records in quarantine count as having come in.
    """
    arrived = _newest_files(tables[INGESTED_FILES.name])
    ours = None
    for name in sorted({row["table"] for row in rows if row["table"]}):
        wanted = {row["id"]: row["ours"] for row in rows if row["table"] == name}
        table = arrived if name == INGESTED_FILES.name else tables[name]
        found = _aggregate(table.withColumn(LLAMA_2, F.lit(llama_2)), wanted)
        ours = found if ours is None else ours.unionByName(found)
    beside = ledger if ours is None else ledger.join(ours, ["source", "id"], "left")
    if ours is None:
        beside = beside.withColumn("value", F.lit(None).cast("double"))
    sums = arrived.groupBy("source").agg(*[F.sum(name).alias(name) for name in _ARRIVALS])
    judged = beside.join(sums, "source", "left").withColumns(
        {
            "other_size": F.coalesce(F.col("rows") != F.col("records"), F.lit(False)),
            "off": F.abs(F.col("value") - F.col("published")),
        }
    )
    obstacle = (
        F.when(F.col("obstacle").isNotNull(), F.col("obstacle"))
        .when(F.col("value").isNull(), F.concat(F.lit("there is nothing to compare in the table "), "table"))
        .when(F.col("other_size") & ~F.col("is_size"), _size_words())
    )
    # The digits of a decimal fraction are not exact.
    matches = F.col("off") <= F.col("tolerance") + 1e-9
    verdict = F.when(obstacle.isNotNull(), CANNOT).when(matches, MATCH).otherwise(DIFFERS)
    note = F.when(F.col("other_size"), _size_words()).when(
        F.col("quarantined") + F.col("duplicates") > 0, _left_out_words()
    )
    return judged.select(
        "source",
        "place",
        "figure",
        "unit",
        "citation",
        "published",
        F.col("value").alias("ours"),
        "definition",
        "tolerance",
        verdict.alias("verdict"),
        F.coalesce(obstacle, F.when(verdict == DIFFERS, note)).alias("reason"),
    ).select(*REPRODUCTION.column_names)


def _aggregate(table: DataFrame, wanted: Mapping[str, str]) -> DataFrame:
    """Source, id and value of some aggregates, one row per source and aggregate."""
    values = [F.expr(f"CAST({aggregate} AS DOUBLE)").alias(f"_{i}") for i, aggregate in enumerate(wanted.values())]
    named = [F.struct(F.lit(one).alias("id"), F.col(f"_{i}").alias("value")) for i, one in enumerate(wanted)]
    return table.groupBy("source").agg(*values).select("source", F.inline(F.array(*named)))


def _newest_files(ingested_files: DataFrame) -> DataFrame:
    """Of each raw file the version that came in last, wherever its folder lay."""
    newest = F.max_by(F.struct("size", *_ARRIVALS), "modified").alias("newest")
    return ingested_files.groupBy("source", "file").agg(newest).select("source", "newest.*")


def _size_words() -> Column:
    return F.concat(
        F.lit("the source has "),
        F.format_number("rows", 0),
        F.lit(" records, the release has "),
        F.format_number("records", 0),
    )


def _left_out_words() -> Column:
    return F.concat(
        F.lit("of the records "),
        F.format_number("quarantined", 0),
        F.lit(" are in quarantine and "),
        F.format_number("duplicates", 0),
        F.lit(" are duplicates"),
    )

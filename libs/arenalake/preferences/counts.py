"""Spark: pairs to counts of properties, of products of differences, and of judgments."""

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.properties import CASES, ERROR_TYPES, PROPERTIES, QUERY_SPECIFIC, SEVERITIES, column_of
from arenalake.lake.counting import count_in_tasks
from arenalake.numbers.histograms import count_cells
from arenalake.preferences.features import signs_of
from arenalake.preferences.tables import CASE_COUNTS, JUDGE_COUNTS, PROPERTY_COUNTS, PROPERTY_PRODUCTS

# Means over up to 12 items are whole numbers then: it is the least common multiple of 1 to 12.
_PARTS = 27720
_SIDES = {"a": "response_1", "b": "response_2"}


def scale_of(name: str) -> int:
    """What values of a property are multiplied by in counts, so that they are whole numbers."""
    return _PARTS if name in QUERY_SPECIFIC.values() else 1


def count_properties(pairs: DataFrame) -> DataFrame:
    """Count responses by the values of their properties, and by errors of each type and severity.

    Args:
        pairs: columns of the table `preference_pairs`.

    Returns:
        Columns of the table `property_counts`. A response without a value (not applicable, not asked for) is in none.
    """
    columns = [f"{name}_{side}" for name in ("model", "properties", "errors") for side in _SIDES]
    return count_in_tasks(pairs.select("source", "scenario_group", *columns), count_values, PROPERTY_COUNTS)


def count_values(pairs: pl.DataFrame) -> pl.DataFrame:
    """The same as `count_properties`, of a frame in memory."""
    keys = ["source", "scenario_group", "response", "model"]
    sides = []
    for side, response in _SIDES.items():
        values = pl.col(f"properties_{side}").struct
        errors = pl.col(f"errors_{side}")
        by_type = [
            errors.list.eval(
                (pl.element().struct.field("type") == kind) & (pl.element().struct.field("severity") == severity)
            )
            .list.sum()
            .cast(pl.Int64)
            .alias(f"{name}/{kind}")
            for severity, name in SEVERITIES.items()
            for kind in ERROR_TYPES
        ]
        of_side = pairs.select(
            "source",
            "scenario_group",
            pl.lit(response).alias("response"),
            pl.col(f"model_{side}").alias("model"),
            *[
                (values.field(column_of(name)) * scale_of(name)).round().cast(pl.Int64).alias(name)
                for name in PROPERTIES
            ],
            *by_type,
        )
        sides.append(of_side.unpivot(index=keys, value_name="values").drop_nulls("values"))
    rows = pl.concat(sides).with_columns(total=pl.col("values"))
    named = rows.with_columns(pl.col("variable").str.splitn("/", 2)).unnest("variable")
    named = named.rename({"field_0": "property", "field_1": "error_type"})
    counts = count_cells(named, keys=PROPERTY_COUNTS.key, cell="values", sums=["total"])
    return counts.select(PROPERTY_COUNTS.column_names)


def count_cases(pairs: DataFrame) -> DataFrame:
    """Count pairs by scenario group and case, as the table `case_counts`; no row where there is no such pair."""
    counts = [F.count("*").alias("all"), *[F.count_if(F.col(case)).alias(case) for case in CASES]]
    wide = pairs.groupBy("source", "scenario_group").agg(*counts)
    cases = F.array(*[F.struct(F.lit(case).alias("case"), F.col(case).alias("n_pairs")) for case in ("all", *CASES)])
    return (
        wide.select("source", "scenario_group", F.inline(cases)).where("n_pairs > 0").select(*CASE_COUNTS.column_names)
    )


def count_products(pairs: DataFrame) -> DataFrame:
    """Add up products of the differences between the two responses.

    Args:
        pairs: columns of the table `preference_pairs`.

    Returns:
        Columns of the table `property_products`. A pair of which one response has no value has no difference.
    """
    rows = pairs.select("source", "scenario_group", "properties_a", "properties_b")
    return count_in_tasks(rows, sum_products, PROPERTY_PRODUCTS)


def sum_products(pairs: pl.DataFrame) -> pl.DataFrame:
    """The same as `count_products`, of a frame in memory."""
    differences = pairs.select(
        [
            ((_value("a", name) - _value("b", name)) * scale_of(name)).round().cast(pl.Int64).alias(name)
            for name in PROPERTIES
        ]
    )
    # Fewer errors are more of the property, as in the signs.
    differences = differences.with_columns([-pl.col(name) for name in SEVERITIES.values()])
    measures = {"difference": differences.fill_null(0).to_numpy(), "sign": signs_of(pairs).to_numpy().astype(np.int64)}
    known = differences.select(pl.all().is_not_null()).to_numpy().astype(np.int64)
    parts = []
    numbered = pairs.select("source", "scenario_group").with_row_index("pair")
    for (source, group), of_group in numbered.group_by("source", "scenario_group"):
        inside = of_group["pair"].to_numpy()
        for measure, values in measures.items():
            sums = _products(values[inside] * known[inside], known[inside])
            named = {"source": source, "scenario_group": group, "measure": measure}
            parts.append(sums.with_columns(**{name: pl.lit(value) for name, value in named.items()}))
    rows = pl.concat(parts) if parts else PROPERTY_PRODUCTS.no_rows
    return rows.filter(pl.col("n") > 0).select(PROPERTY_PRODUCTS.column_names)


def _value(side: str, name: str) -> pl.Expr:
    return pl.col(f"properties_{side}").struct.field(column_of(name))


def _products(values: NDArray[np.int64], known: NDArray[np.int64]) -> pl.DataFrame:
    """Sums over pairs for each two properties; values are 0 where they are not known."""
    first, second = np.triu_indices(len(PROPERTIES))
    sums = {
        "n": known.T @ known,
        "sum_a": values.T @ known,
        "sum_b": known.T @ values,
        "sum_aa": (values**2).T @ known,
        "sum_bb": known.T @ (values**2),
        "sum_ab": values.T @ values,
    }
    names = np.array(PROPERTIES)
    columns: dict[str, Iterable[object]] = {"property_a": names[first], "property_b": names[second]}
    return pl.DataFrame(columns | {name: of_two[first, second] for name, of_two in sums.items()})


def count_judges(pairs: DataFrame) -> DataFrame:
    """Count for each two judges the pairs that both judged, and on how many they agree.

    Args:
        pairs: columns of the table `preference_pairs`.

    Returns:
        Columns of the table `judge_counts`.
    """
    rows = pairs.select("source", "scenario_group", "model_a", "model_b", "labels")
    return count_in_tasks(rows, count_agreement, JUDGE_COUNTS)


def count_agreement(pairs: pl.DataFrame) -> pl.DataFrame:
    """The same as `count_judges`, of a frame in memory."""
    parts = []
    for (source, group), of_group in pairs.group_by("source", "scenario_group"):
        # Outcomes as `agreement_stats` has them, whatever was shown first.
        numbered = of_group.with_row_index("pair").with_columns(is_turned=pl.col("model_a") > pl.col("model_b"))
        labels = numbered.select("pair", "is_turned", "labels").explode("labels").drop_nulls("labels").unnest("labels")
        judges = sorted(set(labels["judge"]))
        column = labels["judge"].replace_strict(judges, range(len(judges)), return_dtype=pl.Int64).to_numpy()
        prefers_first = ((labels["winner"] == "model_a") != labels["is_turned"]).to_numpy()
        # Of each judge the pairs where the first model is preferred, and where the second is.
        chosen = np.zeros((2, len(of_group), len(judges)), dtype=np.int64)
        chosen[np.where(prefers_first, 0, 1), labels["pair"].to_numpy(), column] = 1
        judged = chosen.sum(axis=0)
        first, second = np.triu_indices(len(judges), 1)
        sums = {
            "n_pairs": judged.T @ judged,
            "n_agree": chosen[0].T @ chosen[0] + chosen[1].T @ chosen[1],
            "n_first_by_a": chosen[0].T @ judged,
            "n_first_by_b": judged.T @ chosen[0],
        }
        names = np.array(judges, dtype=object)
        columns: dict[str, Iterable[object]] = {"judge_a": list(names[first]), "judge_b": list(names[second])}
        of_pairs = pl.DataFrame(
            columns | {name: of_two[first, second] for name, of_two in sums.items()},
            {name: JUDGE_COUNTS.no_rows.schema[name] for name in JUDGE_COUNTS.column_names[2:]},
        )
        parts.append(of_pairs.with_columns(source=pl.lit(source), scenario_group=pl.lit(group)))
    rows = pl.concat(parts) if parts else JUDGE_COUNTS.no_rows
    return rows.filter(pl.col("n_pairs") > 0).select(JUDGE_COUNTS.column_names)

"""Mean, deviation and quantiles of whole numbers out of their counts, exactly."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.counts.cells import Addends, Sums, sum_by_cell
from arenalake.statistics.groupings import keys_by_groupings

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
STATISTICS = ("total", "mean", "sd", "min", "max", *(f"p{p}" for p in PERCENTILES))

# More than any of the values, which are lengths and numbers of votes.
_N_CELLS = 1 << 40


def describe(
    counts: DataFrame, *, groupings: Sequence[str], keys: Sequence[str], value: str, n: str, sums: Sequence[str] = ()
) -> DataFrame:
    """Describe a distribution per grouping and group.

    Args:
        counts: rows that say how often a value occurs; those of the same group and value add up.
        groupings: `all`, or names of columns joined by commas, each of which sees all counts.
        keys: columns of a group, `grouping` and those that a grouping names among them; a null is a value of its own.
        value: column of whole numbers, 0 or more.
        n: column that says how often the value occurs, 1 or more.
        sums: further columns to add up.

    Returns:
        The keys, the sums, n, total, mean, sd (null for one observation), min, max and p1 to p99. Sums are of whole
        numbers, so nothing depends on their order. A quantile is the smallest value that at least that share of the
        observations does not exceed (`inverted_cdf`).
    """
    types = {field.name: field.dataType.simpleString() for field in counts.schema.fields}
    of_value = types[value]
    added = (n, *sums)

    def read(batch: pa.RecordBatch) -> Iterator[Addends]:
        cells = batch.column(value).to_numpy().astype(np.int64)
        numbers = np.stack([batch.column(name).to_numpy() for name in added])
        for names in keys_by_groupings(batch, groupings, keys):
            yield Addends(names, cells, numbers)

    def write(found: Sums) -> pa.RecordBatch:
        starts, ends = found.bounds[:-1], found.bounds[1:]
        x, times = found.cells, found.sums[0]
        size, *others = found.of_groups()
        total = np.add.reduceat(x * times, starts)
        # Squares of a million lengths of a million need more than 64 bits.
        squares = np.add.reduceat(x.astype(object) * x * times, starts)
        spread = (size.astype(object) * squares - total.astype(object) ** 2).astype(np.float64)
        variance = spread / np.maximum(size.astype(np.float64) * (size - 1), 1)
        columns = dict(zip(keys, found.keys, strict=True))
        columns |= dict(zip(sums, map(pa.array, others), strict=True))
        columns |= {n: size, "total": total, "mean": total / size, "sd": pa.array(np.sqrt(variance), mask=size < 2)}
        values = {"min": x[starts], "max": x[ends - 1]}
        values |= {f"p{p}": found.quantile(times, 10 * p) for p in PERCENTILES}
        as_declared = pa.int32() if of_value == "int" else pa.int64()
        columns |= {name: pc.cast(pa.array(numbers), as_declared) for name, numbers in values.items()}
        return pa.RecordBatch.from_pydict(columns)

    columns = [*(f"`{key}` string" for key in keys), *(f"`{name}` bigint" for name in (*sums, n))]
    columns += ["total bigint", "mean double", "sd double", *(f"{name} {of_value}" for name in STATISTICS[3:])]
    needed = counts.select(*[F.col(key).cast("string") for key in keys if key != "grouping"], value, *added)
    schema = ", ".join(columns)
    stats = sum_by_cell(needed, read, write, schema, keys=keys, n_cells=_N_CELLS, n_sums=len(added))
    other_types = {key: F.col(key).cast(types[key]) for key in keys if types.get(key, "string") != "string"}
    return stats.withColumns(other_types) if other_types else stats

"""What a table on this machine holds, read without Spark: in hundredths of a second, where Spark takes two."""

import pyarrow as pa
from deltalake import DeltaTable
from pyspark.sql import Row


def stored_rows(folder, columns=None):
    """The rows of the Delta table in a folder as tuples, as Spark would collect them; none where there is no table."""
    if not (folder / "_delta_log").is_dir():
        return []
    found = DeltaTable(str(folder)).to_pyarrow_table(columns=columns)
    values = [
        [value_of(value, kind) for value in column.to_pylist()]
        for column, kind in zip(found, found.schema.types, strict=True)
    ]
    return list(zip(*values, strict=True)) if values else []


def stored_frame(lake, table):
    """The rows of a table of a lake with simple columns, as a frame of pandas."""
    return DeltaTable(str(folder_of(lake, table))).to_pandas()


def folder_of(lake, table):
    return lake.local_root / table.layer / table.name


def value_of(value, kind):
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return Row(**{one.name: value_of(value[one.name], one.type) for one in kind})
    if pa.types.is_list(kind):
        return [value_of(one, kind.value_type) for one in value]
    if pa.types.is_map(kind):
        return {key: value_of(one, kind.item_type) for key, one in value}
    return value.astimezone().replace(tzinfo=None) if pa.types.is_timestamp(kind) else value

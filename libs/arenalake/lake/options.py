"""Options of the configuration: where the tables live."""

from pathlib import Path

from pydantic import Field, model_validator

from arenalake.paths import local_path
from arenalake.section import Section


class StorageConfig(Section):
    """Where the tables live: a folder (`root`), or a schema of a metastore or Unity Catalog."""

    root: str | None = None
    catalog: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    lock_wait_seconds: float = Field(default=600, ge=0)

    @model_validator(mode="after")
    def _root_or_catalog(self) -> "StorageConfig":
        in_catalog = bool(self.catalog and self.schema_name)
        if bool(self.root) == in_catalog or bool(self.catalog) != bool(self.schema_name):
            raise ValueError("give either `root`, or both `catalog` and `schema`")
        return self

    @property
    def local_root(self) -> Path | None:
        """The root as a folder of this machine (or a mount), absolute; None where it is not one."""
        path = None if self.root is None else local_path(self.root)
        return None if path is None else Path(path)

"""Options of the configuration: the Spark session."""

import re
from typing import Annotated, Any

from pydantic import Field, field_validator

from arenalake.section import Section

# What results depend on, whoever made the session: day and month borders, and errors instead of silent overflow.
CORRECTNESS_SETTINGS = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}

DELTA_SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}

# What to use in place of settings of Spark that others of this configuration would overwrite, or the other way round.
_INSTEAD = {
    "spark.master": "spark.master of this configuration",
    "spark.app.name": "spark.app_name",
    "spark.driver.memory": "spark.driver_memory",
    "spark.driver.extraJavaOptions": "spark.java_options",
    "spark.sql.shuffle.partitions": "spark.shuffle_partitions",
    "spark.jars.packages": "spark.packages",
    "spark.jars": "spark.packages, or --jars in PYSPARK_SUBMIT_ARGS",
}

# Spark's own rule (spark.redaction.regex) for what it does not show. A provider of credentials is a class.
_SECRET = r"(?i)secret|password|token|access[.]?key"


class SparkConfig(Section):
    """Settings of local mode; on a cluster, spark-submit or the platform sets them.

    `driver_memory` is the heap of the only Java process, which is both driver and executor. `packages` are Maven
    coordinates of jars to add to Delta Lake's, and `conf` has further settings of Spark.
    """

    master: str | None = None
    shuffle_partitions: int | None = Field(default=None, ge=1)
    driver_memory: str = "2g"
    java_options: str = ""
    app_name: str = "arenalake"
    packages: list[Annotated[str, Field(pattern=r"^[\w.-]+:[\w.-]+:[\w.-]+$")]] = []
    conf: dict[str, str] = {}

    @field_validator("conf", mode="before")
    @classmethod
    def _settings_are_text(cls, conf: Any) -> Any:
        """YAML has numbers and truth values, where Spark has text only."""
        if not isinstance(conf, dict):
            return conf
        if any(isinstance(value, dict) for value in conf.values()):
            raise ValueError("must name settings in full, as in --set 'spark.conf={spark.ui.enabled: true}'")
        return {
            str(key): str(value).lower() if isinstance(value, bool) else str(value) if _is_number(value) else value
            for key, value in conf.items()
        }

    @field_validator("conf")
    @classmethod
    def _settings_are_free(cls, conf: dict[str, str]) -> dict[str, str]:
        for key in conf:
            if not key.startswith("spark."):
                raise ValueError(f"{key} is not a setting of Spark; write settings of Hadoop as spark.hadoop.<setting>")
            if key in CORRECTNESS_SETTINGS or key in DELTA_SETTINGS:
                raise ValueError(f"{key} cannot be set: results or Delta Lake depend on its value")
            if key in _INSTEAD:
                raise ValueError(f"{key} cannot be set here; use {_INSTEAD[key]}")
            if re.search(_SECRET, key):
                raise ValueError(f"{key} cannot be set here, because it is a secret; use the environment")
        return conf

    @field_validator("master")
    @classmethod
    def _master_is_local(cls, master: str | None) -> str | None:
        if master is not None and not re.fullmatch(r"local(\[([1-9]\d*|\*)(\s*,\s*[1-9]\d*)?\])?", master):
            raise ValueError("must be local, local[<cores>] or local[*]; a cluster's jobs are started by spark-submit")
        return master

    @field_validator("driver_memory")
    @classmethod
    def _memory_has_a_unit(cls, memory: str) -> str:
        if not re.fullmatch(r"[1-9]\d*[kmgtKMGT]", memory):
            raise ValueError("must be a whole number followed by k, m, g or t, such as 4g")
        return memory

    @field_validator("java_options")
    @classmethod
    def _heap_has_a_key_of_its_own(cls, options: str) -> str:
        if re.search(r"(^|\s)-Xm[xs]", options):
            raise ValueError("must not contain -Xmx or -Xms; spark.driver_memory sets the heap")
        return options


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)

"""The one Spark session factory: local mode with Delta, or what spark-submit, Databricks or Connect already gives."""

import logging
import os
import sys
from importlib.metadata import version
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from arenalake.config import SparkConfig
from arenalake.errors import SessionError

log = logging.getLogger(__name__)

# What results depend on, whoever made the session: day and month borders, and errors instead of silent overflow.
_CORRECTNESS = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
# Parquet with times in nanoseconds, as pandas writes it, is read. Serverless compute takes no such setting.
_WHERE_ALLOWED = {"spark.sql.legacy.parquet.nanosAsLong": "true"}

# Local mode only. Each is safe for a laptop and for tests; none of them changes a result.
_LOCAL = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # The machine's name may not resolve on a laptop without network.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Rebuilding a small table's state in the default 50 tasks costs more than the write itself.
    "spark.databricks.delta.snapshotPartitions": "1",
    # An optional summary beside each commit, by which large tables are opened faster; small ones only pay for it.
    "spark.databricks.delta.writeChecksumFile.enabled": "false",
    # A pipeline makes more than the default 100 classes, and one that was forgotten is compiled and warmed up again.
    "spark.sql.codegen.cache.maxEntries": "2000",
    # One response can be thousands of tokens long, so batches are bounded by bytes as well as by rows.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "4096",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(8 * 2**20),
    "spark.sql.files.maxPartitionBytes": str(64 * 2**20),
    # Jobs share the cores, so a small table may have to wait until a long task of another job is done.
    "spark.sql.broadcastTimeout": "86400",
}

# Short jobs load classes and generate code more than anything else. With the whole heap from the start and a collector
# that keeps no threads busy beside the work, a sample takes a fifth less processor time than with Java's defaults. And
# Spark generates code that is run for a minute and thrown away: the second compiler, told to wait until code is ten
# times as hot as by default, takes a tenth less of all processor time at a million conversations.
_JAVA_OPTIONS = (
    "-XX:+UseParallelGC -XX:MetaspaceSize=512m -XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
_LOGGING = Path(__file__).with_name("log4j2.properties")


def get_session(config: SparkConfig) -> SparkSession:
    """Return the session to work in.

    Under spark-submit, on Databricks and with `SPARK_REMOTE` set, the session is theirs and only its name and what
    results depend on is set. Otherwise `spark.master` starts local mode.

    Raises:
        SessionError: there is neither a session nor a `spark.master`, or Delta Lake is missing.
    """
    builder = SparkSession.builder.appName(config.app_name)
    if _has_outer_session():
        spark = builder.getOrCreate()
    elif config.master is None:
        raise SessionError(
            "spark.master: is not set and this process was not started by spark-submit, Databricks or Spark Connect; "
            "set it (for example --set spark.master='local[*]') or submit the job to a cluster"
        )
    else:
        spark = _start_local(builder, config.master, config)
    for key, value in _CORRECTNESS.items():
        spark.conf.set(key, value)
    for key, value in _WHERE_ALLOWED.items():
        try:
            spark.conf.set(key, value)
        except PySparkException as error:
            log.debug("setting refused", extra={"key": key, "reason": str(error)})
    _require_delta(spark)
    return spark


def _has_outer_session() -> bool:
    outside = ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE", "DATABRICKS_RUNTIME_VERSION")
    return any(os.environ.get(name) for name in outside) or SparkSession.getActiveSession() is not None


def _start_local(builder: SparkSession.Builder, master: str, config: SparkConfig) -> SparkSession:
    try:
        from delta import configure_spark_with_delta_pip
    except ImportError:
        raise SessionError(
            "delta-spark is missing; local mode needs it: install this package with its `local` extra"
        ) from None
    # Workers start with `python3` from PATH unless told otherwise, and that one may lack pyarrow.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    # Arrow's own pools keep what they once had; workers are a tenth smaller without.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    builder = builder.master(master).config("spark.driver.memory", config.driver_memory)
    sizes_and_logging = [f"-Xms{config.driver_memory}", f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}"]
    java_options = " ".join([_JAVA_OPTIONS, *sizes_and_logging, *config.java_options.split()])
    builder = builder.config("spark.driver.extraJavaOptions", java_options)
    if config.shuffle_partitions:
        builder = builder.config("spark.sql.shuffle.partitions", str(config.shuffle_partitions))
    for key, value in _LOCAL.items():
        builder = builder.config(key, value)
    # Ivy takes seconds, and a page of text, to find what it found last time.
    found = _jars_found_before()
    builder = builder.config("spark.jars", ",".join(found)) if found else configure_spark_with_delta_pip(builder)
    spark = builder.getOrCreate()
    if not found:
        _remember_jars(spark)
    log.info("session started", extra={"master": master, "spark": spark.version})
    return spark


def _jar_list() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "arenalake" / f"jars-spark-{version('pyspark')}-delta-{version('delta-spark')}.txt"


def _jars_found_before() -> list[str]:
    """Delta's jars for these versions as Ivy resolved them, or none where one of them is gone."""
    try:
        jars = _jar_list().read_text(encoding="utf-8").split("\n")
    except OSError:
        return []
    return jars if all(Path(jar).is_file() for jar in jars) else []


def _remember_jars(spark: SparkSession) -> None:
    jars = [jar.removeprefix("file://") for jar in (spark.conf.get("spark.jars", None) or "").split(",")]
    if not all(Path(jar).is_file() for jar in jars):
        return
    try:
        _jar_list().parent.mkdir(parents=True, exist_ok=True)
        unfinished = _jar_list().with_suffix(f".{os.getpid()}")
        unfinished.write_text("\n".join(jars), encoding="utf-8")
        unfinished.replace(_jar_list())
    except OSError as error:
        log.debug("jars are looked up again next time", extra={"reason": str(error)})


def _require_delta(spark: SparkSession) -> None:
    if os.environ.get("DATABRICKS_RUNTIME_VERSION"):
        return
    if "DeltaSparkSessionExtension" not in (spark.conf.get("spark.sql.extensions", None) or ""):
        raise SessionError(
            "this Spark session has no Delta Lake: submit with --packages io.delta:delta-spark_4.2_2.13:4.4.0 and the "
            "two settings of conf/cluster.properties (spark.sql.extensions and spark.sql.catalog.spark_catalog)"
        )

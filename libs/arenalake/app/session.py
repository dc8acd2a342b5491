"""The one Spark session factory: local mode with Delta, or what spark-submit, Databricks or Connect already gives."""

import logging
import os
import re
import shlex
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import SparkSession

from arenalake.config.spark import CORRECTNESS_SETTINGS, DELTA_SETTINGS, SparkConfig
from arenalake.errors import SessionError, StorageUnreachableError
from arenalake.lake.options import StorageConfig
from arenalake.paths import local_path

log = logging.getLogger(__name__)

# Serverless compute takes no such settings.
_WHERE_ALLOWED = {
    # Parquet with times in nanoseconds, as pandas writes it, is read.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    # Times that readers other than Spark can read, whatever the year.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Java compiles no method of more bytes than this. Spark's own limit lets it write larger ones, which Java then
    # interprets: records with many fields took twice the time. Beyond the limit it writes several smaller ones.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # Filters that Spark infers from the ones it is given. Here they find nothing, and records of many fields take it
    # longer to think about than to be read.
    "spark.sql.constraintPropagation.enabled": "false",
}

# Local mode only. Each is safe for a laptop and for tests; none of them changes a result.
_LOCAL = {
    **DELTA_SETTINGS,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # The line of Python that each column was made in, for error messages: it costs several calls of Java a column.
    # Spark takes it at the start of a session only.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # The machine's name may not resolve on a laptop without network.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Rebuilding a small table's state in the default 50 tasks costs more than the write itself.
    "spark.databricks.delta.snapshotPartitions": "1",
    # VACUUM lists a table's folders in so many tasks, however few they are; the default is 10,000.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    # An optional summary beside each commit, by which large tables are opened faster; small ones only pay for it.
    "spark.databricks.delta.writeChecksumFile.enabled": "false",
    # A pipeline makes more than the default 100 classes, and one that was forgotten is compiled and warmed up again.
    "spark.sql.codegen.cache.maxEntries": "2000",
    # One response can be thousands of tokens long, so batches are bounded by bytes as well as by rows.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "4096",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(8 * 2**20),
    "spark.sql.files.maxPartitionBytes": str(64 * 2**20),
    # Polars starts a thread for each core, in each worker: there is one of these per core already.
    "spark.executorEnv.POLARS_MAX_THREADS": "1",
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
    if has_outer_session():
        spark = builder.getOrCreate()
    elif config.master is None:
        raise SessionError(
            "spark.master: is not set and this process was not started by spark-submit, Databricks or Spark Connect; "
            "set it (for example --set spark.master='local[*]') or submit the job to a cluster"
        )
    else:
        spark = _start_local(builder, config.master, config)
    for key, value in CORRECTNESS_SETTINGS.items():
        spark.conf.set(key, value)
    for key, value in _WHERE_ALLOWED.items():
        try:
            spark.conf.set(key, value)
        except PySparkException as error:
            log.debug("setting refused", extra={"key": key, "reason": str(error)})
    _require_delta(spark)
    return spark


def has_outer_session() -> bool:
    """Whether spark-submit, Databricks, Spark Connect or this process has a session already."""
    outside = ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE", "DATABRICKS_RUNTIME_VERSION")
    return any(os.environ.get(name) for name in outside) or SparkSession.getActiveSession() is not None


def _start_local(builder: SparkSession.Builder, master: str, config: SparkConfig) -> SparkSession:
    try:
        from delta import configure_spark_with_delta_pip
    except ImportError:
        raise SessionError(
            "delta-spark is missing; local mode needs it: install this package with its `local` extra"
        ) from None
    require_java()
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
    for key, value in {**_LOCAL, **_pages_of_spark(), **config.conf}.items():
        builder = builder.config(key, value)
    outside = os.environ.get("PYSPARK_SUBMIT_ARGS")
    arguments = shlex.split(outside or "pyspark-shell")
    packages = [*take_option(arguments, "--packages", "spark.jars.packages"), *config.packages]
    jars = take_option(arguments, "--jars", "spark.jars")
    # Ivy takes seconds, and a page of text, to find what it found last time.
    remembered = remembered_jars()
    if not remembered:
        builder = configure_spark_with_delta_pip(builder, packages)
    elif packages:
        builder = builder.config("spark.jars.packages", ",".join(packages))
    if remembered or jars:
        # As an argument: as a setting of the builder it would hide what Ivy finds besides.
        arguments = ["--jars", ",".join([*remembered, *jars]), *arguments]
    os.environ["PYSPARK_SUBMIT_ARGS"] = shlex.join(arguments)
    try:
        spark = builder.getOrCreate()
    except PySparkException as error:
        if error.getCondition() != "JAVA_GATEWAY_EXITED":
            raise
        told = "see its message above; check spark.packages, spark.java_options, spark.driver_memory and JAVA_HOME"
        raise SessionError(f"Java ended before Spark started; {told}") from None
    finally:
        if outside is None:
            del os.environ["PYSPARK_SUBMIT_ARGS"]
        else:
            os.environ["PYSPARK_SUBMIT_ARGS"] = outside
    if not (remembered or packages or jars):
        remember_jars(spark)
    log.info("session started", extra={"master": master, "spark": spark.version})
    return spark


def _pages_of_spark() -> dict[str, str]:
    """In a terminal, Spark's own pages on a free port: the display asks them how many tasks are done."""
    if not sys.stderr.isatty():
        return {}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {"spark.ui.enabled": "true", "spark.ui.port": str(port), "spark.ui.killEnabled": "false"}


def require_java() -> None:
    """Check that there is a Java that Spark can start, as Spark itself would look for it.

    Raises:
        SessionError: JAVA_HOME names a folder without Java, or no Java is found, or it is too old by its own account.
    """
    home = os.environ.get("JAVA_HOME")
    if home:
        named = f"JAVA_HOME: {home!r}"
        if shutil.which("java", path=os.path.join(home, "bin")) is None:
            raise SessionError(f"{named} has no bin/java; set it to the folder of a Java 17 or 21, or unset it")
    else:  # Spark takes an empty one for none
        java = shutil.which("java")
        if java is None:
            raise SessionError("no Java found: install Java 17 or 21, or set JAVA_HOME to its folder")
        named, home = java, str(Path(java).resolve().parent.parent)
    try:
        release = Path(home, "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return  # not every Java says what it is
    found = re.search(r'^JAVA_VERSION="(\d+)', release, flags=re.MULTILINE)
    if found and int(found[1]) < 17:
        raise SessionError(f"{named} is Java {found[1]}; Spark needs Java 17 or 21: set JAVA_HOME to its folder")


def take_option(arguments: list[str], option: str, setting: str) -> list[str]:
    """Take an option of spark-submit, or the setting it stands for, out of `arguments`; return what it lists.

    spark-submit itself keeps the last of several lists, so that those given from outside would replace Delta Lake.
    """
    taken, kept = [], []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name not in (option, "--conf", "-c"):
            kept.append(argument)
            continue
        if not equals:
            value = next(rest, "")
        if name == option:
            taken.append(value)
        elif value.startswith(f"{setting}="):
            taken.append(value.removeprefix(f"{setting}="))
        else:
            kept += [name, value]
    arguments[:] = kept
    return [entry.strip() for listed in taken for entry in listed.split(",") if entry.strip()]


def _jar_list() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "arenalake" / f"jars-spark-{version('pyspark')}-delta-{version('delta-spark')}.txt"


def remembered_jars() -> list[str]:
    """Delta's jars for these versions as Ivy resolved them; none where one of them is gone or the list lacks Delta."""
    try:
        jars = _jar_list().read_text(encoding="utf-8").split("\n")
    except OSError:
        return []
    return jars if _are_delta_jars(jars) else []


def _are_delta_jars(jars: list[str]) -> bool:
    names = [Path(jar).name for jar in jars if Path(jar).is_file()]
    needed = ("delta-spark_", "delta-storage-")
    return len(names) == len(jars) and all(any(part in name for name in names) for part in needed)


def remember_jars(spark: SparkSession) -> None:
    """Keep the list of this session's jars for the next start, if all of them are Delta's own."""
    jars = [unquote(urlsplit(jar).path) for jar in (spark.conf.get("spark.jars", None) or "").split(",")]
    if not _are_delta_jars(jars):
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


def require_lasting_tables(spark: SparkSession, storage: StorageConfig) -> None:
    """Check that the next session will know the tables that this one writes.

    Raises:
        SessionError: as `require_lasting_catalog` says.
    """
    require_lasting_catalog(lambda key: spark.conf.get(key, None), storage)


def require_lasting_catalog(setting: Callable[[str], str | None], storage: StorageConfig) -> None:
    """Check that a session with these settings, None where one is not set, can keep the tables.

    Raises:
        SessionError: they would go to Spark's own catalog, and that is in the memory of the session; or to one that the
            session does not know.
    """
    if storage.catalog is None or os.environ.get("DATABRICKS_RUNTIME_VERSION"):
        return
    if storage.catalog != "spark_catalog":
        if setting(f"spark.sql.catalog.{storage.catalog}") is None:
            raise SessionError(
                f"storage.catalog: this Spark session has no catalog {storage.catalog}; set "
                f"spark.sql.catalog.{storage.catalog} (in local mode in spark.conf), or use storage.root"
            )
        return
    if (setting("spark.sql.catalogImplementation") or "in-memory") == "in-memory":
        raise SessionError(
            "storage.catalog: spark_catalog has no metastore here, so its tables are lost when the session ends; use "
            "storage.root, or a persistent metastore with the settings spark.sql.catalogImplementation=hive and, for "
            "example, spark.hadoop.javax.jdo.option.ConnectionURL (in local mode in spark.conf)"
        )


# What brings the classes of a file system, in the version of the Hadoop that Spark brings.
_FILE_SYSTEMS = {
    "s3a": "org.apache.hadoop:hadoop-aws",
    "s3": "org.apache.hadoop:hadoop-aws, and write s3a://",
    "abfs": "org.apache.hadoop:hadoop-azure",
    "abfss": "org.apache.hadoop:hadoop-azure",
    "gs": "com.google.cloud.bigdataoss:gcs-connector",
}


def require_file_systems(spark: SparkSession, root: str | None, sources: Mapping[str, str]) -> None:
    """Look into each place that only Spark reaches, such as a bucket, before hours of work end there.

    Args:
        root: `storage.root`.
        sources: names of the sources that will be read, to their paths.

    Raises:
        SessionError: the session lacks the classes for such a place.
        StorageUnreachableError: it has them and cannot look into the storage root.
    """
    paths = {f"sources.{name}.path": path for name, path in sources.items()} | ({"storage.root": root} if root else {})
    for key, path in paths.items():
        if local_path(path) is not None:
            continue
        place = re.split(r"[*?\[{`]", path)[0].rstrip("/")
        try:
            # There is no such table. Delta asks for a few names, where other readers list all files.
            spark.read.table(f"delta.`{place}/silver/_none_of_this_name`")
        except AnalysisException:
            continue
        except Exception as error:  # whatever the file system's own code raises
            reason = _first_cause(error)
            if re.search(r"ClassNotFoundException|No FileSystem for scheme", reason):
                scheme = place.partition(":")[0]
                raise SessionError(
                    f"{key}: this Spark session has no file system for {scheme}:// ({reason}); add "
                    f"{_FILE_SYSTEMS.get(scheme, 'the package with its classes')}, in local mode to spark.packages, "
                    "else to --packages of spark-submit"
                ) from None
            if key == "storage.root":
                raise StorageUnreachableError(f"{key}: Spark cannot read {place}: {reason}") from error


def _first_cause(error: Exception) -> str:
    """Java's own words on what went wrong, out of pages of where."""
    lines = [line.removeprefix(": ").strip() for line in str(error).splitlines()]
    said = [line for line in lines if re.match(r"\(?[\w.$]+(Exception|Error)\b", line)]
    return (said or lines or [type(error).__name__])[0]

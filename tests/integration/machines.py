"""A Spark cluster and a Spark Connect server on this machine, in processes of their own, and commands of the docs."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyspark
from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession
from same_tables import as_arguments

ROOT = Path(__file__).resolve().parents[2]
SPARK_HOME = Path(pyspark.__file__).parent


def environment(**extra):
    """The environment of a process that has Spark from this Python and listens on loopback only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    own = {"SPARK_HOME": str(SPARK_HOME), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    return {**kept, **own, **extra}


def log_to_stderr(file, *loggers):
    """Write a configuration that logs warnings, and what `loggers` have to say at all; return Java's option for it."""
    lines = [
        "rootLogger.level = warn\nrootLogger.appenderRef.out.ref = out",
        "appender.out.type = Console\nappender.out.name = out\nappender.out.target = SYSTEM_ERR",
        "appender.out.layout.type = PatternLayout\nappender.out.layout.pattern = %p %c{1}: %m%n",
    ]
    lines += [f"logger.{i}.name = {name}\nlogger.{i}.level = info" for i, name in enumerate(loggers)]
    file.write_text("\n".join(lines))
    return f"-Dlog4j2.configurationFile={file}"


def wait_until(condition, what, seconds=900):
    """Wait for `condition()` to be true and return its value; fail with `what` otherwise.

    The time is there to end a hang. A machine with much else to do needs minutes for what takes seconds.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class Process:
    """A process with a log file, killed with all its children at the end."""

    def __init__(self, command, log, env, cwd):
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [str(part) for part in command], stdout=output, stderr=output, env=env, cwd=cwd, start_new_session=True
            )
        self.pid = self._process.pid

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern):
        """Wait for a line that holds `pattern`; return the match."""

        def found():
            return re.search(pattern, self.text()) or self._process.poll() is not None

        wait_until(found, f"{pattern!r} in {self.log}")
        match = re.search(pattern, self.text())
        assert match, f"ended with {self._process.poll()}: {self.text()[-3000:]}"
        return match

    def finish(self):
        """Wait for the end; the exit status has to be 0."""
        status = self._process.wait()
        if status != 0:
            first = re.search(r"Traceback|\bERROR\b|Exception", self.text())
            start = max(0, first.start() - 500) if first else 0
            raise AssertionError(f"status {status}: {self.text()[start:][:6000]}\n[…]\n{self.text()[-2000:]}")

    def kill(self):
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()


class Cluster:
    """A standalone master and two workers with one core each, on loopback."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self._processes = []
        try:
            self._start_all(folder)
        except BaseException:
            self.stop()
            raise

    def _start_all(self, folder):
        address = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        master = self._start(folder, "master", "master.Master", address)
        self.master = master.wait_for(r"Starting Spark master at (spark://\S+)")[1]
        for number in (1, 2):
            sizes = ["--cores", "1", "--memory", "1g", "--work-dir", folder / f"work-{number}"]
            worker = self._start(folder, f"worker-{number}", "worker.Worker", [*address, *sizes, self.master])
            worker.wait_for("Successfully registered with master")

    def _start(self, folder, name, main, arguments):
        logging = log_to_stderr(folder / f"{name}.properties", "org.apache.spark.deploy")
        java = f"{logging} -XX:TieredStopAtLevel=1"
        env = environment(SPARK_DAEMON_JAVA_OPTS=java, SPARK_DAEMON_MEMORY="256m")
        command = [SPARK_HOME / "bin/spark-class", f"org.apache.spark.deploy.{main}", *arguments]
        process = Process(command, folder / f"{name}.log", env, folder)
        self._processes.append(process)
        return process

    def executors(self, application):
        """The executors of an application: number to the process id of its JVM."""
        table = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
        workers = {str(process.pid) for process in self._processes[1:]}
        rows = [line.split(None, 2) for line in table.stdout.splitlines()]
        found = [
            (re.search(r"--executor-id (\d+)", row[2]), row) for row in rows if f"--app-id {application}" in row[2]
        ]
        return {number[1]: int(pid) for number, (pid, parent, _) in found if number and parent in workers}

    def stop(self):
        for process in reversed(self._processes):
            process.kill()


class ConnectServer:
    """A Spark Connect server with Delta, in its own process, local mode behind it."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        logging = log_to_stderr(folder / "log4j2.properties", "org.apache.spark.sql.connect.service")
        settings = {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": 0,
            "spark.driver.extraJavaOptions": logging,
            "spark.sql.shuffle.partitions": 3,
            "spark.sql.warehouse.dir": folder / "warehouse",
            "spark.databricks.delta.snapshotPartitions": 2,
            "spark.ui.enabled": "false",
        }
        self._process = Process(
            [
                SPARK_HOME / "bin/spark-submit",
                *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
                *("--master", "local[2]", "--packages", delta_package()),
                *("--properties-file", ROOT / "conf/cluster.properties"),
                *(part for key, value in settings.items() for part in ("--conf", f"{key}={value}")),
                "spark-internal",
            ],
            folder / "connect.log",
            environment(),
            folder,
        )
        try:
            port = self._process.wait_for(r"Spark Connect server started at: \S*?:(\d+)")[1]
            self.remote = f"sc://127.0.0.1:{port}"
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self._process.kill()


def delta_package():
    """The Maven coordinates of Delta Lake for the Spark that is installed."""
    builder = configure_spark_with_delta_pip(SparkSession.Builder())
    return builder._options["spark.jars.packages"]


def page(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def spark_submit_commands():
    """The spark-submit commands of docs/cluster.md, without the exports before them."""
    joined = page("cluster.md").replace("\\\n", " ")
    return [line.split() for line in joined.splitlines() if line.startswith("spark-submit ")]


def packaged(folder):
    """A copy of the project as a user has it after `make package`."""
    folder.mkdir(parents=True)
    for name in ("libs", "jobs", "conf", ".ci"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    subprocess.run([folder / ".ci/package"], check=True, env={**os.environ, "VENV_PYTHON": sys.executable})
    return folder


class Submission(Process):
    """The first command of docs/cluster.md with another master, overrides of the configuration, and small sizes."""

    def __init__(self, project, cluster, settings, log):
        first, *command = spark_submit_commands()[0]
        command[command.index("--master") + 1] = cluster.master
        command[command.index("--packages") + 1] = delta_package()
        # The driver says which tasks it starts and ends.
        scheduler = "org.apache.spark.scheduler"
        logging = log_to_stderr(log.with_suffix(".properties"), f"{scheduler}.TaskSetManager", f"{scheduler}.cluster")
        sizes = {
            "spark.executor.memory": "600m",
            "spark.sql.shuffle.partitions": "5",
            "spark.databricks.delta.snapshotPartitions": "2",
            "spark.driver.host": "127.0.0.1",
            # As short as this is, Java's second compiler does not pay off. The room for code is that of both compilers:
            # a whole pipeline does not fit into what Java gives the first alone.
            "spark.driver.extraJavaOptions": f"{logging} -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m",
            "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m",
            "spark.ui.enabled": "false",
        }
        flags = [part for key, value in sizes.items() for part in ("--conf", f"{key}={value}")]
        command = [SPARK_HOME / "bin" / first, *flags, *command, *as_arguments(settings)]
        super().__init__(command, log, environment(), project)

    @property
    def application(self):
        """The id that the master gave it."""
        return self.wait_for(r"Connected to Spark cluster with app ID (\S+)")[1]

    def running_tasks(self, executor):
        """Numbers of the tasks that were started on an executor and have not ended."""
        started = re.findall(
            rf"Starting task \S+ in stage \S+ \(TID (\d+)\) \(\S+,\s*executor {executor},", self.text()
        )
        ended = re.findall(r"(?:Finished|Lost) task \S+ in stage \S+ \(TID (\d+)\)", self.text())
        return set(started) - set(ended)

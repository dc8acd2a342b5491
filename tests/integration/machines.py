"""A Spark cluster and a Spark Connect server on this machine, in processes of their own, and commands of the README."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pyspark
from same_tables import as_arguments

ROOT = Path(__file__).resolve().parents[2]
SPARK_HOME = Path(pyspark.__file__).parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(**extra):
    """The environment of a process that has Spark from this Python and listens on loopback only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    own = {"SPARK_HOME": str(SPARK_HOME), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    return {**kept, **own, **extra}


def wait_until(condition, what, seconds=300):
    """Wait for `condition()` to be true and return its value; fail with `what` otherwise."""
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

    def wait_for(self, pattern, seconds=300):
        def found():
            return re.search(pattern, self.text()) or self._process.poll() is not None

        wait_until(found, f"{pattern!r} in {self.log}", seconds)
        assert re.search(pattern, self.text()), f"ended with {self._process.poll()}: {self.text()[-3000:]}"

    def finish(self):
        """Wait for the end; the exit status has to be 0."""
        status = self._process.wait()
        assert status == 0, f"status {status}: {self.text()[-6000:]}"

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
        port = free_port()
        self.master = f"spark://127.0.0.1:{port}"
        address = ["--host", "127.0.0.1", "--webui-port", "0"]
        master = self._start(folder, "master", "master.Master", [*address, "--port", port])
        master.wait_for("I have been elected leader")
        for number in (1, 2):
            sizes = ["--cores", "1", "--memory", "1g", "--work-dir", folder / f"work-{number}"]
            worker = self._start(folder, f"worker-{number}", "worker.Worker", [*address, *sizes, self.master])
            worker.wait_for("Successfully registered with master")

    def _start(self, folder, name, main, arguments):
        logging = folder / "log4j2.properties"
        logging.write_text(
            "rootLogger.level = info\nrootLogger.appenderRef.out.ref = out\n"
            "appender.out.type = Console\nappender.out.name = out\nappender.out.target = SYSTEM_ERR\n"
            "appender.out.layout.type = PatternLayout\nappender.out.layout.pattern = %p %c{1}: %m%n\n"
        )
        env = environment(SPARK_DAEMON_JAVA_OPTS=f"-Dlog4j2.configurationFile={logging}", SPARK_DAEMON_MEMORY="256m")
        command = [SPARK_HOME / "bin/spark-class", f"org.apache.spark.deploy.{main}", *arguments]
        process = Process(command, folder / f"{name}.log", env, folder)
        self._processes.append(process)
        return process

    def executors(self):
        """The process ids of the executors' JVMs."""
        table = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
        workers = {str(process.pid) for process in self._processes[1:]}
        rows = [line.split(None, 2) for line in table.splitlines()]
        return [int(pid) for pid, parent, command in rows if parent in workers and "ExecutorBackend" in command]

    def stop(self):
        for process in reversed(self._processes):
            process.kill()


class ConnectServer:
    """A Spark Connect server with Delta, in its own process, local mode behind it."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        port = free_port()
        self.remote = f"sc://127.0.0.1:{port}"
        settings = {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": port,
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
            wait_until(lambda: _answers(port), f"a Connect server (see {folder}/connect.log)")
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self._process.kill()


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def delta_package():
    """The Maven coordinates that the README gives."""
    return re.search(r"--packages (\S+)", readme())[1]


def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8")


def spark_submit_commands():
    """The README's spark-submit commands, without the exports before them."""
    joined = readme().replace("\\\n", " ")
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
    """The README's spark-submit with another master, overrides of the configuration, and small sizes."""

    def __init__(self, project, cluster, settings, log):
        first, *command = spark_submit_commands()[0]
        command[command.index("--master") + 1] = cluster.master
        sizes = {
            "spark.executor.memory": "600m",
            "spark.sql.shuffle.partitions": "5",
            "spark.databricks.delta.snapshotPartitions": "2",
            "spark.driver.host": "127.0.0.1",
            "spark.ui.enabled": "false",
        }
        flags = [part for key, value in sizes.items() for part in ("--conf", f"{key}={value}")]
        command = [SPARK_HOME / "bin" / first, *flags, *command, *as_arguments(settings)]
        super().__init__(command, log, environment(), project)

"""Local mode's start: where Delta Lake's jars come from, and what Spark may say on the way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arenalake.app import session


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A user's cache folder in which nothing is remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


# Not among Spark's own jars, and one of those that Delta Lake brings, so that it is at hand.
OTHER_PACKAGE = "commons-pool:commons-pool:1.6"


SETTINGS = "spark.sql.broadcastTimeout", "spark.x", "spark.sql.session.timeZone", "spark.ui.enabled"


def start_locally(table, spark_section="master='local[1]'", **env):
    """Start local mode in a process of its own, write and read a Delta table.

    Returns:
        The lines of its errors, the names of its jars, and its `SETTINGS`.
    """
    start = f"""if True:
        from arenalake.config.spark import SparkConfig
        from arenalake.app.session import get_session
        spark = get_session(SparkConfig({spark_section}))
        spark.range(3).write.format("delta").mode("append").save("{table}")
        print(spark.read.table("delta.`{table}`").count() % 3)
        print(spark.conf.get("spark.jars"))
        print(*[spark.conf.get(name, None) for name in {SETTINGS}])
    """
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, env={**os.environ, **env})
    assert done.returncode == 0, done.stderr[-3000:]
    count, jars, settings = done.stdout.splitlines()
    assert count == "0"
    return done.stderr.splitlines(), {Path(jar).name for jar in jars.split(",")}, settings


def test_jars_are_looked_up_once_and_again_when_one_is_gone(spark, cache, tmp_path):
    assert session.remembered_jars() == []
    session.remember_jars(spark)
    jars = session.remembered_jars()
    assert any("delta-spark" in Path(jar).name for jar in jars)
    assert all(Path(jar).is_file() for jar in jars)
    (listed,) = cache.rglob("*.txt")
    listed.write_text("\n".join([*jars, str(tmp_path / "gone.jar")]))
    assert session.remembered_jars() == []
    for part in ("delta-spark", "delta-storage"):
        listed.write_text("\n".join(jar for jar in jars if part not in jar))
        assert session.remembered_jars() == [], f"a list without {part}"


def test_a_cache_that_cannot_be_written_is_no_failure(spark, cache):
    cache.write_text("a file where the folder should be")
    session.remember_jars(spark)
    assert session.remembered_jars() == []


@pytest.fixture(scope="module")
def started(spark, tmp_path_factory):
    """What a process with known jars, and with settings from the configuration, says and has."""
    folder = tmp_path_factory.mktemp("started")
    section = "master='local[1]', conf={'spark.sql.broadcastTimeout': 7, 'spark.x': True}"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        session.remember_jars(spark)
        return start_locally(folder / "table", section)


def test_a_start_with_known_jars_says_next_to_nothing(started):
    lines, _, _ = started
    # Java itself announces the incubator module that Spark 4.2 asks for.
    assert [line for line in lines if "incubator" not in line] == []


@pytest.mark.slow  # looks packages up over the network, four times
def test_packages_from_everywhere_are_added_to_delta_lake_and_only_its_own_jars_are_remembered(cache, tmp_path):
    table = tmp_path / "table"
    submit = {"PYSPARK_SUBMIT_ARGS": f"--packages {OTHER_PACKAGE} pyspark-shell"}
    _, jars, _ = start_locally(table, **submit)
    assert any("delta-spark_" in jar for jar in jars)
    assert any("commons-pool-1.6" in jar for jar in jars)
    assert not list(cache.rglob("*.txt")), "what Delta Lake needs cannot be told from what others need"
    start_locally(table)
    assert session.remembered_jars()
    for how in ({"spark_section": f"master='local[1]', packages=['{OTHER_PACKAGE}']"}, submit):
        _, jars, _ = start_locally(table, **how)
        assert any("delta-spark_" in jar for jar in jars)
        assert f"{OTHER_PACKAGE.replace(':', '_', 1).replace(':', '-')}.jar" in jars


@pytest.mark.parametrize(
    ("arguments", "packages", "left"),
    [
        ("--packages a:b:1,c:d:2 --name x pyspark-shell", ["a:b:1", "c:d:2"], ["--name", "x", "pyspark-shell"]),
        ("--packages=a:b:1 pyspark-shell", ["a:b:1"], ["pyspark-shell"]),
        ("--conf spark.jars.packages=a:b:1 --packages c:d:2 pyspark-shell", ["a:b:1", "c:d:2"], ["pyspark-shell"]),
        ("-c spark.ui.port=1 pyspark-shell", [], ["-c", "spark.ui.port=1", "pyspark-shell"]),
    ],
)
def test_packages_are_taken_out_of_the_arguments_however_they_are_written(arguments, packages, left):
    rest = arguments.split()
    assert session.take_option(rest, "--packages", "spark.jars.packages") == packages
    assert rest == left


def test_settings_of_the_configuration_reach_spark_and_leave_those_of_local_mode(started):
    _, _, settings = started
    assert settings == "7 true UTC false"

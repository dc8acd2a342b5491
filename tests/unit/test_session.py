"""Local mode's start: where Delta Lake's jars come from, and what Spark may say on the way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arenalake import session


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A user's cache folder in which nothing is remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_jars_are_looked_up_once_and_again_when_one_is_gone(spark, cache, tmp_path):
    assert session._jars_found_before() == []
    session._remember_jars(spark)
    jars = session._jars_found_before()
    assert any("delta-spark" in Path(jar).name for jar in jars)
    assert all(Path(jar).is_file() for jar in jars)
    (listed,) = cache.rglob("*.txt")
    listed.write_text("\n".join([*jars, str(tmp_path / "gone.jar")]))
    assert session._jars_found_before() == []


def test_a_cache_that_cannot_be_written_is_no_failure(spark, cache):
    cache.write_text("a file where the folder should be")
    session._remember_jars(spark)
    assert session._jars_found_before() == []


def test_a_start_with_known_jars_says_next_to_nothing(spark, cache):
    session._remember_jars(spark)
    start = "from arenalake.config import SparkConfig; from arenalake.session import get_session; "
    start += "print(get_session(SparkConfig(master='local[1]')).range(3).count())"
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, env=os.environ)
    assert (done.returncode, done.stdout) == (0, "3\n")
    # Java itself announces the incubator module that Spark 4.2 asks for.
    assert [line for line in done.stderr.splitlines() if "incubator" not in line] == []

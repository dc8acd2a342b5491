"""What `make package` builds: complete, and enough beside a bare PySpark."""

import re
import subprocess
import sys
import zipfile

import pyspark
import pytest
from machines import ROOT, delta_package, environment, page
from same_tables import as_arguments, rows_of, vote_settings


def test_the_wheel_and_the_zip_hold_every_file_of_the_library(project):
    library = ROOT / "libs" / "arenalake"
    files = {f"arenalake/{file.relative_to(library)}" for file in library.rglob("*") if file.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    (wheel,) = (project / "dist").glob("*.whl")
    for archive in (wheel, project / "dist/arenalake.zip"):
        packed = {name for name in zipfile.ZipFile(archive).namelist() if name.startswith("arenalake/")}
        assert packed == files


@pytest.mark.skipif(not pyspark.__version__.startswith("4.2."), reason="the docs are about Spark 4.2")
def test_everybody_is_told_the_delta_lake_that_local_mode_takes():
    session = (ROOT / "libs/arenalake/app/session.py").read_text(encoding="utf-8")
    told = re.findall(r"io\.delta:[\w.:-]*\d", page("cluster.md") + session)
    assert len(told) >= 3
    assert set(told) == {delta_package()}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_wheel_alone_beside_a_bare_pyspark_runs_a_job(spark, project, votes, local_votes, tmp_path):
    (wheel,) = (project / "dist").glob("*.whl")
    python = tmp_path / "environment/bin/python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "environment"], check=True)
    pins = ("-c", ROOT / "conf/constraints.txt")
    subprocess.run([python, "-m", "pip", "install", "-q", *pins, wheel, "pyspark", "delta-spark"], check=True)
    settings = {**vote_settings(votes), "storage.root": tmp_path / "lake", "spark.master": "local[2]"}
    command = [python, project / "jobs/pipeline.py", "--config", ROOT / "conf/cluster.yml", *as_arguments(settings)]
    env = environment(PYSPARK_PYTHON=str(python))
    del env["SPARK_HOME"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-6000:]
    assert rows_of(settings) == local_votes

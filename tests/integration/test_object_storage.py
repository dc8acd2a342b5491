"""Tables, raw files and the report in a bucket of an S3 server on loopback, configured as the docs say."""

import re
import subprocess
import sys

import boto3
import pytest
import yaml
from machines import ROOT, SPARK_HOME, delta_package, environment, page
from moto.server import ThreadedMotoServer
from same_tables import VOTE_JOBS, as_arguments, rows_of, vote_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
(CONFIG,) = re.findall(r"```yaml\n(.*?)```", page("cluster.md"), flags=re.DOTALL)


@pytest.fixture(scope="module")
def server():
    """The environment of a process that finds the server, which has a bucket of the docs' name."""
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    env = {**keys, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        yield env
    running.stop()


@pytest.fixture
def s3(server):
    """A client, and an empty bucket."""
    client = boto3.client("s3")
    client.create_bucket(Bucket="bucket")
    yield client
    while listed := client.list_objects_v2(Bucket="bucket").get("Contents"):
        client.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": one["Key"]} for one in listed]})
    client.delete_bucket(Bucket="bucket")


def objects(s3, prefix=""):
    """Names of the objects, without marks of folders."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix=prefix)
    names = [one["Key"] for found in pages for one in found.get("Contents", [])]
    return sorted(name for name in names if not name.endswith("/"))


def commits(s3):
    return [name for name in objects(s3, "lake/") if re.search(r"/_delta_log/\d+\.json$", name)]


def download(s3, prefix, folder):
    for name in objects(s3, prefix):
        file = folder / name.removeprefix(prefix)
        file.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file("bucket", name, str(file))


def start(command, server):
    env = environment(**server)
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=env, capture_output=True, text=True)


def run(command, server):
    done = start(command, server)
    assert done.returncode == 0, done.stderr[:20_000]
    return done


def test_jobs_in_a_bucket_give_the_tables_of_a_folder_however_they_are_started(
    spark, server, s3, votes, local_votes, tmp_path
):
    config = yaml.safe_load(CONFIG)
    packages, conf = config["spark"]["packages"], config["spark"]["conf"]
    java = "-XX:TieredStopAtLevel=1"
    config["spark"] = {**config["spark"], "shuffle_partitions": 2, "java_options": java}
    path = tmp_path / "bucket.yml"
    path.write_text(yaml.safe_dump(config))
    s3.upload_file(str(votes), "bucket", "raw/votes/votes.csv")
    settings = as_arguments({"ratings.slices": "[all]", "bootstrap.rounds": 30})

    def job(jobs):
        return ["jobs/pipeline.py", "--config", path, *settings, "--set", f"pipeline.jobs=[{','.join(jobs)}]"]

    done = run([sys.executable, *job(["ingest", "battle_stats", "report"])], server)
    assert "report: s3a://bucket/report/index.html" in done.stdout
    first = commits(s3)
    assert len([name for name in first if name.startswith("lake/silver/battles/")]) == 2  # made, filled
    html = s3.get_object(Bucket="bucket", Key="report/index.html")
    assert html["ContentType"] == "text/html"
    assert "report/battles.html" in objects(s3)

    options = {key: str(value).lower() for key, value in conf.items()}
    options |= {"spark.sql.shuffle.partitions": 2, "spark.driver.extraJavaOptions": java}
    submit = [SPARK_HOME / "bin/spark-submit", "--master", "local[2]", "--properties-file", "conf/cluster.properties"]
    submit += ["--packages", ",".join([delta_package(), *packages])]
    submit += [part for key, value in options.items() for part in ("--conf", f"{key}={value}")]
    run([*submit, *job([*VOTE_JOBS, "report"])], server)
    assert [name for name in commits(s3) if "/rating" not in name] == first, "the second run has changed a table"
    assert b"model-3" in s3.get_object(Bucket="bucket", Key="report/index.html")["Body"].read()

    assert {name.split("/")[0] for name in objects(s3)} == {"raw", "lake", "report"}
    copy = tmp_path / "copy"
    download(s3, "lake/", copy)
    assert rows_of({**vote_settings(votes), "storage.root": copy}) == local_votes


def test_a_bucket_without_its_jars_is_told_in_one_line(server, s3, votes, tmp_path):
    s3.upload_file(str(votes), "bucket", "raw/votes/votes.csv")
    path = tmp_path / "bucket.yml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(CONFIG), "spark": {"master": "local[1]"}}))
    done = start([sys.executable, "jobs/ingest.py", "--config", path], server)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("ingest: ")]
    place = r"(storage\.root|sources\.votes\.path)"
    assert re.match(rf"ingest: {place}: this Spark session has no file system for s3a:// .*hadoop-aws", line)

"""The report in a bucket: what is written, replaced and refused. The bucket is a server on loopback."""

import boto3
import pytest
from moto.server import ThreadedMotoServer

from arenalake.app.report import require_report
from arenalake.config import parse_config
from arenalake.errors import ConfigError
from arenalake.report.bucket import Bucket
from arenalake.report.site import MARKER


@pytest.fixture(scope="module")
def s3():
    """A client of an S3 server with one empty bucket `pages`, which Arrow finds as well."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in {**keys, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
            patch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="pages")
        yield client
    server.stop()


def contents(s3, prefix):
    """The objects under a prefix by name, without marks of folders."""
    listed = s3.list_objects_v2(Bucket="pages", Prefix=prefix).get("Contents", [])
    names = [one["Key"] for one in listed if not one["Key"].endswith("/")]
    return {name.removeprefix(prefix): s3.get_object(Bucket="pages", Key=name)["Body"].read() for name in names}


def test_a_report_takes_the_place_of_the_one_before(s3):
    place = Bucket.at("s3a://pages/one/report/")
    place.require_free()
    place.write({MARKER: b"", "index.html": b"1", "csv/old.csv": b"x"})
    assert contents(s3, "one/report/") == {MARKER: b"", "index.html": b"1", "csv/old.csv": b"x"}
    place.write({MARKER: b"", "index.html": b"2", "json/new.json": b"{}"})
    assert contents(s3, "one/report/") == {MARKER: b"", "index.html": b"2", "json/new.json": b"{}"}


def test_a_browser_is_told_what_each_file_is(s3):
    Bucket.at("s3://pages/kinds").write({MARKER: b"", "index.html": b"", "report.css": b"", "json/a.json": b"{}"})
    kinds = {
        name: s3.head_object(Bucket="pages", Key=f"kinds/{name}")["ContentType"]
        for name in ("index.html", "report.css", "json/a.json")
    }
    assert kinds == {"index.html": "text/html", "report.css": "text/css", "json/a.json": "application/json"}


def test_what_is_no_report_is_left_alone(s3):
    s3.put_object(Bucket="pages", Key="mine/thesis.txt", Body=b"x")
    with pytest.raises(ConfigError, match=r"s3a://pages/mine holds files that are not a report"):
        Bucket.at("s3a://pages/mine").write({MARKER: b"", "index.html": b"1"})
    assert contents(s3, "mine/") == {"thesis.txt": b"x"}


def test_a_bucket_that_is_not_there_is_told_before_the_first_job(s3):
    settings = {"storage": {"root": "s3a://pages/lake"}, "report": {"path": "s3a://none/report"}}
    with pytest.raises(ConfigError, match=r"^report\.path: s3a://none/report: there is no bucket none$"):
        require_report(parse_config(settings))


def test_a_report_goes_beside_the_tables_unless_told_otherwise(s3):
    assert require_report(parse_config({"storage": {"root": "s3a://pages/lake/"}})).url == "s3a://pages/lake/report"


def test_a_server_that_does_not_answer_is_told_in_one_line(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(ConfigError, match=r"^report\.path: s3a://pages/report cannot be listed: .*") as refused:
        Bucket.at("s3a://pages/report").require_free()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("path", ["hdfs://host/report", "dbfs:/report"])
def test_other_storage_is_refused_with_what_is_allowed(path):
    with pytest.raises(ConfigError, match=rf"^report\.path: {path} is neither .* \(s3a://, gs://, abfss://\)"):
        require_report(parse_config({"storage": {"root": "lake"}, "report": {"path": path}}))

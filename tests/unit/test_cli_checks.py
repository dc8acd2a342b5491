"""What is told of a configuration before Spark starts: `arenalake config check`, and the same checks before a run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_cases import mistake, status_of

from arenalake.app import checks, runner
from arenalake.app.checks import require_usable
from arenalake.app.session import require_java
from arenalake.config import load_config, parse_config
from arenalake.errors import ConfigError, SessionError, SourceNotFoundError, TokenizerError


def test_a_wrong_java_home_is_told_before_spark_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SessionError, match=r"JAVA_HOME: .* has no bin/java"):
        require_java()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/java").touch(mode=0o755)
    require_java()
    (tmp_path / "release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="11.0.2"\n')
    with pytest.raises(SessionError, match="is Java 11; Spark needs Java 17 or 21"):
        require_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path / "links"))
    (tmp_path / "links").mkdir()
    (tmp_path / "links/java").symlink_to(tmp_path / "bin/java")
    with pytest.raises(SessionError, match=r"links/java is Java 11; Spark needs Java 17 or 21: set JAVA_HOME"):
        require_java()
    (tmp_path / "links/java").unlink()
    with pytest.raises(SessionError, match="no Java found: install Java 17 or 21"):
        require_java()


def test_a_java_that_does_not_start_spark_is_told_in_one_line_under_its_own_words(folder):
    (folder / "java/bin").mkdir(parents=True)
    (folder / "java/bin/java").write_text("#!/bin/sh\necho 'Could not create the Java Virtual Machine' >&2\nexit 1\n")
    (folder / "java/bin/java").chmod(0o755)
    Path("arenalake.yml").write_text("storage: {root: lake}\nspark: {master: local}\nmlflow: {enabled: false}\n")
    (folder / "lake/silver").mkdir(parents=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    call = [sys.executable, "-m", "arenalake", "run", "ratings"]
    done = subprocess.run(call, capture_output=True, text=True, env={**env, "JAVA_HOME": f"{folder}/java"})
    assert done.returncode == 2
    *above, last = done.stderr.splitlines()
    assert "Could not create the Java Virtual Machine" in above
    assert last.startswith("arenalake: Java ended before Spark started; see its message above; check spark.packages")
    assert "Traceback" not in done.stderr


def test_what_needs_no_spark_is_checked_before_it(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "has_outer_session", lambda: False)  # other tests may have started one
    source = {"format": "votes", "path": str(tmp_path / "none.csv")}
    config = parse_config({"storage": {"root": "x"}, "sources": {"a": source}})
    with pytest.raises(SourceNotFoundError, match=r"sources.a.path: .*none.csv does not exist"):
        require_usable(config, ["ingest"])
    require_usable(config, ["ratings"])
    require_usable(config, ["generate", "ingest"])
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(checks, "has_outer_session", lambda: True)
        require_usable(config, ["ingest"])
    tokens = parse_config({"storage": {"root": "x"}, "tokens": {"tokenizers": ["spm:/none/tokenizer.model+bos"]}})
    with pytest.raises(TokenizerError, match=r"there is no file /none/tokenizer\.model"):
        require_usable(tokens, ["measure"])
    unknown = parse_config({"storage": {"root": "x"}, "tokens": {"tokenizers": ["llama"]}})
    with pytest.raises(TokenizerError, match="'llama' is not a tokenizer; allowed are sample, spm"):
        require_usable(unknown, ["measure"])


def problems(capsys, *overrides):
    """What `config check` finds wrong with check.yml, a line each."""
    settings = [part for override in overrides for part in ("--set", override)]
    status = status_of("config", "check", "--config", "check.yml", *settings)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert all(line.startswith("arenalake: ") for line in lines)
    assert (status, out) == ((2, "") if lines else (0, "check.yml: no problems found\n"))
    return [line.removeprefix("arenalake: ") for line in lines]


@pytest.fixture
def checked(folder, monkeypatch):
    """A folder with a configuration in which nothing is wrong."""
    monkeypatch.setattr(checks, "has_outer_session", lambda: False)  # other tests may have started one
    for name in ("PYSPARK_SUBMIT_ARGS", "SPARK_CONF_DIR"):
        monkeypatch.delenv(name, raising=False)
    source = {"format": "votes", "path": "votes.csv", "columns": {"model_a": "left", "model_b": "right"}}
    tree = {"storage": {"root": "lake"}, "spark": {"master": "local[1]"}, "sources": {"s": source}}
    Path("check.yml").write_text(json.dumps(tree))
    return folder


def test_all_that_is_wrong_with_a_configuration_is_told_a_line_each(checked, capsys, monkeypatch):
    assert problems(capsys) == []
    Path("broken.model").write_text("x")
    monkeypatch.setenv("JAVA_HOME", str(checked))
    found = problems(
        capsys,
        "sources.t={format: votes, path: none.csv}",
        "sources.s.columns.model_a=lft",
        "tokens.tokenizers=[sample, 'spm:broken.model', 'hf:none.json']",
        "ratings.methods=[style_control]",
        "ratings.style.tokenizer=llama",
        "judges.tokenizer=llama",
    )
    expected = [
        r"sources\.s\.columns: .*votes\.csv has no column 'lft' for model_a; did you mean 'left'\?; it has left, right",
        r"sources\.t\.path: none\.csv does not exist$",
        r"tokens\.tokenizers: 'hf:none\.json' cannot be loaded: there is no file none\.json$",
        r"ratings\.style\.tokenizer: 'llama' is not among the names",
        r"judges\.tokenizer: 'llama' is not among the names",
        r"JAVA_HOME: .* has no bin/java",
        r"tokens\.tokenizers: 'spm:broken\.model' cannot be loaded: broken\.model is not a SentencePiece model",
    ]
    assert len(found) == len(expected)
    for line, pattern in zip(found, expected, strict=True):
        assert re.match(pattern, line), line


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "cannot be read: empty CSV"),
        ("broken.parquet", b"PAR1", "cannot be read"),
        ("twice.csv", b"left,right,winner,winner\n", "the header has 2 columns 'winner'"),
        ("others.csv", b"left,winner\n", "has no column 'right' for model_b"),
        ("bare.tsv", b"left\tright\n", "has no column 'winner' for winner"),
        ("spaces.csv", b" left,right ,winner\n", None),
        ("records.json", b"[", None),  # would have to be read whole, which the job does
    ],
)
def test_a_file_is_opened_for_its_columns(checked, capsys, name, content, said):
    (checked / name).write_bytes(content)
    found = problems(capsys, f"sources.s.path={name}")
    assert len(found) == (said is not None)
    assert not said or said in found[0]


def test_a_folder_that_gives_a_value_is_looked_into_even_where_its_name_begins_as_hidden_ones_do(checked, capsys):
    for folder in ("votes/_judge=ann", "other/_judge"):
        (checked / folder).mkdir(parents=True)
        (checked / folder / "votes.csv").write_text("left,winner\n")
    assert "has no column 'right' for model_b" in problems(capsys, "sources.s.path=votes")[0]
    assert problems(capsys, "sources.s.path=other") == []


def test_columns_may_be_names_of_folders(checked, capsys):
    (checked / "votes/judge=ann").mkdir(parents=True)
    (checked / "votes/judge=ann/votes.csv").write_bytes((checked / "votes.csv").read_bytes())
    assert problems(capsys, "sources.s.path=votes", "sources.s.columns.judge=judge") == []
    assert (
        "no column 'worker' for judge" in problems(capsys, "sources.s.path=votes", "sources.s.columns.judge=worker")[0]
    )


def test_a_file_of_another_format_is_told(checked, capsys):
    (checked / "people.csv").write_text("name,age\n")
    found = problems(capsys, "sources.s={format: arena, path: people.csv}")
    assert found == [
        f"sources.s.format: {checked}/people.csv has none of the columns of arena; it has name, age",
    ]


def test_a_catalog_that_forgets_its_tables_is_told_without_spark(checked, capsys, monkeypatch):
    catalog = ["storage={catalog: spark_catalog, schema: s}", "report.path=report", "mlflow.enabled=false"]
    assert problems(capsys, *catalog)[0].startswith("storage.catalog: spark_catalog has no metastore here")
    assert problems(capsys, *catalog, "spark.conf={spark.sql.catalogImplementation: hive}") == []
    other = ["storage={catalog: main, schema: s}", *catalog[1:]]
    assert problems(capsys, *other)[0].startswith("storage.catalog: this Spark session has no catalog main")
    assert problems(capsys, *other, "spark.conf={spark.sql.catalog.main: Catalog}") == []
    monkeypatch.setenv("SPARK_CONF_DIR", "conf")  # where Spark may be told more
    assert problems(capsys, *catalog) == []


def test_a_mapping_that_fits_no_source_ends_a_run_before_spark_starts(checked, monkeypatch):
    monkeypatch.setattr(runner, "get_session", lambda config: pytest.fail("a session was started"))
    wrong = ["sources.s.columns.model_a=lft", "mlflow.enabled=false"]
    with pytest.raises(ConfigError, match=r"sources\.s\.columns: .* has no column 'lft'"):
        runner.run_configured("check.yml", wrong, ["ingest"])
    require_usable(load_config("check.yml", [*wrong, "sources.t={format: votes, path: votes.json}"]), ["ratings"])
    assert not Path("lake").exists()


def test_one_of_several_files_or_one_that_cannot_be_read_does_not_keep_a_run_from_the_others(checked, capsys):
    folder = checked / "several"
    folder.mkdir()
    (folder / "a.csv").write_text("lft,right,winner\n")
    alone, several = "sources.s.path=several", ["sources.s.columns.model_a=left", "sources.s.path=several"]
    with pytest.raises(ConfigError, match="a\\.csv has no column 'left'"):
        require_usable(load_config("check.yml", several), ["ingest"])
    (folder / "b.jsonl").write_text("{}")
    require_usable(load_config("check.yml", several), ["ingest"])
    assert "a.csv has no column 'left'" in problems(capsys, alone)[0]
    (checked / "broken.parquet").write_bytes(b"PAR1")
    require_usable(load_config("check.yml", ["sources.s.path=broken.parquet"]), ["ingest"])


@pytest.mark.parametrize("job", ["measure", "ratings", "report"])
def test_a_lake_without_a_table_is_told_before_spark_starts(checked, capsys, monkeypatch, job):
    monkeypatch.setattr(runner, "get_session", lambda config: pytest.fail("a session was started"))
    told = mistake(capsys, "run", "--config", "check.yml", job)
    assert f"lake holds no tables, so {job} would have no input; run the job ingest first" in told
    assert not Path("lake").exists()
    assert f"so {job} would have no input" in problems(capsys, f"pipeline.jobs=[{job}]")[0]
    (checked / "lake/gold").mkdir(parents=True)
    assert problems(capsys, f"pipeline.jobs=[{job}]") == []


@pytest.mark.parametrize(
    ("override", "meant"),
    [
        ("ratings.methods=[bradly_terry]", "bradley_terry"),
        ("sources.s.format=vote", "votes"),
        ("pipeline.jobs=[raitings]", "ratings"),
        ("sources.s.columns={modl_a: left}", "model_a"),
        ("ratings.slices=[langage]", "language"),
        ("language.detector=cld", "cld2"),
        ("bootstrap.unit=judges", "judge"),
        ("tokens.tokenizer=[sample]", "tokenizers"),
        ("tokens.tokenizers=[smple]", "sample"),
        ("tokens.tokenizers=['tiktoken:cl100k']", "cl100k_base"),
    ],
)
def test_what_is_misspelt_gets_a_hint(checked, capsys, override, meant):
    (line,) = problems(capsys, override)
    assert f"did you mean {meant!r}?" in line

"""The generate job: published schemas, the same rows however Spark splits the work, a folder treated with care."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from arenalake.config import parse_config
from arenalake.errors import CallerError
from arenalake.ratings.model.estimates import COUNTED
from arenalake.samples.job import run
from arenalake.step import Context

FOLDERS = ("lmsys_chat_1m", "chatbot_arena")
CATEGORIES = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
]


def generate(lake, path, **settings):
    section = {"path": str(path), "conversations": 600, "battles": 600, **settings}
    config = parse_config({"storage": {"root": str(lake.root)}, "generate": section})
    return run(Context(config, lake))


def read(path) -> pa.Table:
    """All rows of a folder, file by file in the order of their names."""
    return pa.concat_tables([pq.read_table(file) for file in sorted(Path(path).glob("*.parquet"))])


def snapshot(path):
    return {file: file.stat().st_mtime_ns for file in sorted(Path(path).rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def made(spark, tmp_path_factory):
    from arenalake.lake import Lake
    from arenalake.lake.options import StorageConfig

    root = tmp_path_factory.mktemp("generate")
    lake = Lake(spark, StorageConfig(root=str(root / "lake")))
    result = generate(lake, root / "raw", files=2)
    return root / "raw", result


def moderation_type() -> pa.StructType:
    return pa.struct(
        [
            ("categories", pa.struct([(name, pa.bool_()) for name in CATEGORIES])),
            ("category_scores", pa.struct([(name, pa.float64()) for name in CATEGORIES])),
            ("flagged", pa.bool_()),
        ]
    )


def list_of(item: pa.DataType) -> pa.ListType:
    return pa.list_(pa.field("element", item))


def test_files_have_exactly_the_published_schemas(made):
    raw, _ = made
    conversation = list_of(pa.struct([("content", pa.string()), ("role", pa.string())]))
    lmsys = pa.schema(
        [
            ("conversation_id", pa.string()),
            ("model", pa.string()),
            ("conversation", conversation),
            ("turn", pa.int64()),
            ("language", pa.string()),
            ("openai_moderation", list_of(moderation_type())),
            ("redacted", pa.bool_()),
        ]
    )
    roberta = pa.struct([("flagged", pa.bool_()), ("probability", pa.float64())])
    t5 = pa.struct([("flagged", pa.bool_()), ("score", pa.float64())])
    arena = pa.schema(
        [
            ("question_id", pa.string()),
            ("model_a", pa.string()),
            ("model_b", pa.string()),
            ("winner", pa.string()),
            ("judge", pa.string()),
            ("conversation_a", conversation),
            ("conversation_b", conversation),
            ("turn", pa.int64()),
            ("anony", pa.bool_()),
            ("language", pa.string()),
            ("tstamp", pa.float64()),
            ("openai_moderation", moderation_type()),
            ("toxic_chat_tag", pa.struct([("roberta-large", roberta), ("t5-large", t5)])),
        ]
    )
    for folder, schema in zip(FOLDERS, (lmsys, arena), strict=True):
        for file in (raw / folder).glob("*.parquet"):
            assert pq.read_schema(file).remove_metadata() == schema


def test_folders_hold_the_configured_files_and_nothing_else(made):
    raw, result = made
    for folder in FOLDERS:
        names = sorted(file.name for file in (raw / folder).iterdir() if not file.name.startswith("."))
        assert names == ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]
        assert read(raw / folder).num_rows == 600
    assert result.lines[0] == "generate: seed 0, written"
    assert result.metrics == {"conversations": 600.0, "battles": 600.0}


def test_rows_are_the_same_for_other_files_partitions_and_batches(made, spark, lake, tmp_path):
    raw, _ = made
    changed = {"spark.sql.shuffle.partitions": "7", "spark.sql.execution.arrow.maxRecordsPerBatch": "1"}
    before = {key: spark.conf.get(key) for key in changed}
    try:
        for key, value in changed.items():
            spark.conf.set(key, value)
        generate(lake, tmp_path / "raw", files=1)
    finally:
        for key, value in before.items():
            spark.conf.set(key, value)
    for folder in FOLDERS:
        assert len(list((tmp_path / "raw" / folder).glob("*.parquet"))) == 1
        assert read(tmp_path / "raw" / folder).equals(read(raw / folder))


def test_a_second_run_touches_no_file_and_other_settings_are_refused(made, lake):
    raw, _ = made
    before = snapshot(raw)
    assert generate(lake, raw, files=2).lines[0] == "generate: seed 0, exists already, nothing written"
    with pytest.raises(CallerError, match=r"generate\.path: .*other settings \(seed=0 instead of 1\).*another"):
        generate(lake, raw, files=2, seed=1)
    assert snapshot(raw) == before


def test_files_of_others_are_refused_and_left_alone(lake, tmp_path):
    stranger = tmp_path / "raw" / "lmsys_chat_1m" / "train-00000.parquet"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"somebody's data")
    with pytest.raises(CallerError, match="did not write"):
        generate(lake, tmp_path / "raw")
    assert [file for file in (tmp_path / "raw").rglob("*") if file.is_file()] == [stranger]
    assert stranger.read_bytes() == b"somebody's data"


def test_a_run_that_was_killed_is_healed_by_the_next(made, lake, tmp_path):
    raw, _ = made
    copy = tmp_path / "raw"
    shutil.copytree(raw, copy)
    shutil.rmtree(copy / "truth" / "manifest")
    shutil.rmtree(copy / "chatbot_arena")
    next((copy / "lmsys_chat_1m").glob("*.parquet")).unlink()
    with pytest.raises(CallerError, match=r"unfinished run .*seed=0 instead of 4"):
        generate(lake, copy, files=2, seed=4)
    generate(lake, copy, files=2)
    for folder in FOLDERS:
        assert read(copy / folder).equals(read(raw / folder))


def test_the_truth_has_strengths_and_pseudo_true_ratings_of_every_model(made):
    raw, _ = made
    truth = pq.read_table(raw / "truth" / "ratings")
    everything = truth.filter(pc.equal(truth["slice"], "all"))
    assert set(everything["method"].to_pylist()) == {"strength", *COUNTED}
    voted = pc.unique(read(raw / "chatbot_arena")["model_a"]).to_pylist()
    assert set(voted) <= set(everything["model"].to_pylist())


def test_a_corpus_of_size_zero_is_left_out(lake, tmp_path):
    result = generate(lake, tmp_path / "raw", conversations=0, battles=250)
    assert not (tmp_path / "raw" / "lmsys_chat_1m").exists()
    assert read(tmp_path / "raw" / "chatbot_arena").num_rows == 250
    assert not any("lmsys" in line for line in result.lines)

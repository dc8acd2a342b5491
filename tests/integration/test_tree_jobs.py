"""Trees from published files to statistics and to files that trainers read."""

import shutil
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from stored import folder_of
from test_ingest import rows, run
from test_oasst1 import message, tree, write

from arenalake.app.frames import read_frames
from arenalake.config import parse_config
from arenalake.entities.tables import BATTLES, MESSAGES, SOURCE_TERMS, TREE_MESSAGES
from arenalake.errors import CallerError
from arenalake.lake import Lake
from arenalake.lake.options import StorageConfig
from arenalake.moderation import job as moderation_stats
from arenalake.moderation.tables import MODERATION_CURVES, MODERATION_STATS
from arenalake.step import Context
from arenalake.text import job as measure
from arenalake.tokens import job as token_stats
from arenalake.tokens.tables import TOKEN_STATS
from arenalake.trees import export, job
from arenalake.trees.tables import (
    LABEL_STATS,
    THREAD_STATS,
    THREADS,
    TREE_EXAMPLE,
    TREE_NODES,
    TREE_PAIR_STATS,
    TREE_PAIRS,
    TREE_SHAPES,
    TREE_STATS,
)


def context(lake, sources=None, **sections):
    return Context(parse_config({"storage": {"root": lake.root}, "sources": sources or {}, **sections}), lake)


def times_of(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_published_trees_become_statistics_and_files_for_trainers(lake, real_data, tmp_path):
    datasets = pytest.importorskip("datasets")
    folder = real_data / "oasst"
    files = {"trees": "en_100_tree.jsonl.gz", "flat": "flat_sample.jsonl.gz"}
    sources = {name: {"format": "oasst1", "path": str(folder / file)} for name, file in files.items()}
    run(lake, **sources)
    told = job.run(context(lake)).lines
    assert told[0].startswith("tree_stats: flat: 249 messages in 25 trees by ")
    assert told[1].startswith("tree_stats: trees: 1,167 messages in 100 trees by 0 contributors; 0 deleted, ")
    stats = lake.load(TREE_STATS).filter(pl.col("grouping") == "all")
    assert stats["n_messages"].to_list() == [249, 1167]
    messages = rows(lake, TREE_MESSAGES, *TREE_MESSAGES.column_names)
    by_column = [dict(zip(TREE_MESSAGES.column_names, row, strict=True)) for row in messages]
    texts = {row["message_id"]: row for row in by_column}
    ranks = [row for row in texts.values() if row["rank"] is not None and row["role"] == "assistant"]
    nodes = rows(lake, TREE_NODES, "message_id", "below_deleted", "below_synthetic")
    usable = {message_id for message_id, deleted, synthetic in nodes if not deleted | synthetic}
    by_parent = {}
    for row in ranks:
        if row["message_id"] in usable:
            by_parent.setdefault((row["source"], row["parent_id"]), set()).add(row["rank"])
    n_pairs = dict.fromkeys(files, 0)
    for (source, _), found in by_parent.items():
        n_pairs[source] += len(found) * (len(found) - 1) // 2
    pairs = lake.load(TREE_PAIR_STATS).filter(pl.col("grouping") == "all")
    assert dict(pairs.select("source", "n_pairs").rows()) == n_pairs
    better = Counter(
        texts[chosen]["user_id"] for source, chosen in rows(lake, TREE_PAIRS, "source", "chosen_id") if source == "flat"
    )
    authors = {row["source"]: (row["n_authors"], row["busiest_share"]) for row in pairs.iter_rows(named=True)}
    # Of fewer than a hundred people the busiest 1 % is one; nested trees have no authors.
    assert authors == {"flat": (len(better), max(better.values()) / better.total()), "trees": (0, None)}
    assert 10 < len(better) < 100
    labels = lake.load(LABEL_STATS).filter((pl.col("grouping") == "all") & (pl.col("label") == "spam"))
    assert labels.select("source", "n").rows() == [("flat", 249)]
    shown = read_frames(lake, min_cell=1)
    assert set(shown.label_stats["grouping"]) == {"all", "role", "language"}
    assert set(shown.tree_stats["grouping"]) == {"all", "language", "month", "role", "tree_state"}
    people = {}
    for row in texts.values():
        if row["source"] == "flat" and row["user_id"]:
            people.setdefault((row["language"], f"{row['tstamp']:%Y-%m}"), set()).add(row["user_id"])
    cells = lake.load(TREE_STATS).filter((pl.col("grouping") == "language,month") & (pl.col("source") == "flat"))
    found = {(row["language"], row["month"]): row["n_contributors"] for row in cells.iter_rows(named=True)}
    assert found == {cell: len(names) for cell, names in people.items()}
    assert len(found) == 4
    assert lake.load(TREE_SHAPES)["measure"].n_unique() == 6
    versions = lake.versions()
    job.run(context(lake))
    assert lake.versions() == versions

    out = tmp_path / "out"
    settings = {"path": str(out), "test_share": 0.2, "seed": 1}
    done = export.run(context(lake, export=settings))
    assert not done.errors
    assert len(done.lines) == 4
    written = times_of(out)
    again = export.run(context(lake, export=settings))
    assert (
        again.lines == [f"export: {name}: nothing has changed since {out}/{name} was written" for name in files][::-1]
    )
    assert times_of(out) == written
    seen = {}
    for kind, ending in (("parquet", "parquet"), ("json", "jsonl")):
        for form in ("preference", "messages"):
            parts = {part: str(out / "trees" / form / ending / part / "part-*") for part in ("train", "test")}
            loaded = datasets.load_dataset(kind, data_files=parts, cache_dir=str(tmp_path / f"cache-{kind}-{form}"))
            seen[kind, form] = {part: loaded[part].to_list() for part in parts}
    for form in ("preference", "messages"):
        assert seen["parquet", form] == seen["json", form]
        train, test = ({row["message_tree_id"] for row in seen["json", form][part]} for part in ("train", "test"))
        assert not train & test
        assert 5 < len(test) < 35
    preference = [row for part in seen["json", "preference"].values() for row in part]
    assert len(preference) == n_pairs["trees"]
    for row in preference:
        assert [one["role"] for one in row["prompt"]] == ["user", "assistant"] * (len(row["prompt"]) // 2) + ["user"]
        better, worse = texts[row["chosen_id"]], texts[row["rejected_id"]]
        assert better["rank"] + row["rank_distance"] == worse["rank"]
        assert row["chosen"] == [{"role": "assistant", "content": better["text"]}]
        assert row["rejected"] == [{"role": "assistant", "content": worse["text"]}]
        assert row["prompt"][-1]["content"] == texts[better["parent_id"]]["text"]
        assert row["prompt"][0]["content"] == texts[row["message_tree_id"]]["text"]
    threads = [row for part in seen["json", "messages"].values() for row in part]
    assert len(threads) == rows(lake, THREADS, "source").count(("trees",)) <= 100
    assert all(row["messages"][-1]["role"] == "assistant" for row in threads)
    readme = (out / "trees" / "README.md").read_text()
    assert "Licence: Apache-2.0" in readme
    assert (out / "trees" / "LICENSE").read_text().lstrip().startswith("Apache License")
    assert f"| en | {len(seen['json', 'preference']['train'])} |" in readme

    (out / "flat" / "messages" / "jsonl" / "test" / "_SUCCESS").unlink()
    some = settings | {"only": ["flat"], "forms": ["messages"]}
    assert len(export.run(context(lake, export=some)).lines) == 1
    changed = {path for path, time in times_of(out).items() if written.get(path) != time}
    assert {path.relative_to(out).parts[:2] for path in changed if path.is_relative_to(out / "flat")} == {
        ("flat", "LICENSE"),
        ("flat", "README.md"),
        ("flat", "export.json"),
        ("flat", "messages"),
    }
    assert not [path for path in changed if path.is_relative_to(out / "trees")]


@pytest.fixture(scope="module")
def counted(spark, tmp_path_factory):
    """The folder of a lake with a tree, of which most answers are ranked, and its statistics."""
    folder = tmp_path_factory.mktemp("counted")
    ranked = [message(6, 1, rank=1, user_id="u9"), message(7, 1, rank=3, synthetic=True), message(8, 1, rank=4)]
    write(folder / "raw" / "1.jsonl", [*tree(), *ranked])
    lake = Lake(spark, StorageConfig(root=str(folder / "lake")))
    run(lake, oasst={"format": "oasst1", "path": str(folder / "raw")})
    job.run(context(lake))
    return lake.local_root


def test_what_a_licence_forbids_is_not_exported(lake, counted):
    shutil.copytree(counted, lake.local_root)
    lake.change(SOURCE_TERMS, lambda terms: terms.with_columns(text_may_be_shared=False))
    done = export.run(context(lake, export={"only": ["oasst", "other"]}))
    assert [str(error) for error in done.errors] == [
        "export.only: oasst is not exported: its licence (Apache-2.0) forbids redistribution of its text",
        "export.only: other was never ingested; known: oasst",
    ]
    shutil.rmtree(folder_of(lake, TREE_STATS))
    with pytest.raises(CallerError, match="tree_stats counts 0; run the job tree_stats first"):
        export.run(context(Lake(lake.spark, lake.storage)))
    assert not (Path(lake.root) / "export").exists()


def test_a_message_is_measured_once_and_counts_with_its_language(lake, tmp_path):
    more = [message(9, 5, lang="pt-BR"), message(10, 5, role="assistant", synthetic=True)]
    write(tmp_path / "raw" / "1.jsonl", [*tree(), *more])
    run(lake, oasst={"format": "oasst1", "path": str(tmp_path / "raw")})
    settings = context(lake, tokens={"tokenizers": ["whitespace"]}, trees={"threads": "all"})
    measured = measure.run(settings)
    assert measured.metrics == {"conversations": 7, "messages": 7}
    job.run(settings)
    token_stats.run(settings)
    found = rows(lake, MESSAGES, "conversation_id", "role", "model", "language", "turn", "turns")
    assert found == [
        ("m1", "user", "human", "English", 1, 1),
        ("m10", "assistant", "unknown", "English", 1, 1),
        ("m2", "assistant", "human", "English", 1, 1),
        ("m3", "assistant", "x", "English", 1, 1),
        ("m4", "assistant", "human", "English", 1, 1),
        ("m5", "user", "human", "Portuguese", 1, 1),
        ("m9", "assistant", "human", "Portuguese", 1, 1),
    ]
    stats = lake.load(TOKEN_STATS).filter((pl.col("grouping") == "all") & (pl.col("role") == "assistant"))
    assert stats["n_messages"].to_list() == [5]
    moderation_stats.run(settings)
    scored = lake.load(MODERATION_STATS).filter((pl.col("grouping") == "all") & (pl.col("category") != "any"))
    scored = scored.filter(pl.col("n_scored") > 0).sort("category", "role")
    # Only m3 has no scores.
    assert scored.select("category", "role", "n", "n_scored", "mean_score").rows() == [
        (f"detoxify:{name}", role, 0, n, score)
        for name, score in (("threat", 1.9e-05), ("toxicity", 0.00044))
        for role, n in (("assistant", 4), ("user", 2))
    ]
    assert lake.load(MODERATION_CURVES)["category"].unique().sort().to_list() == [
        "detoxify:threat",
        "detoxify:toxicity",
    ]
    assert rows(lake, THREADS, "thread_id") == [("m4",)]
    lengths = lake.load(THREAD_STATS).filter(pl.col("grouping") == "all").sort("measure", "role")
    assert lengths.select("measure", "role", "n", "total").rows() == [
        ("tokens per message", "assistant", 1, 6),
        ("tokens per message", "user", 1, 6),
        ("tokens per thread", None, 1, 12),
        ("turns per thread", None, 1, 1),
    ]
    assert rows(lake, TREE_PAIRS, "chosen_id") == []
    example = lake.load(TREE_EXAMPLE).sort("place")
    assert example["parent"].to_list() == [None, 0, 1, 2, 2, 0, 0]  # m1, m2, m5, m10, m9, m3, m4
    assert example["labels"][0] == "quality 0.58, spam 0.0"
    said = [f'Is "prompt" in message {number}? ü' for number in (1, 10, 9, 3, 4)]
    assert example["text"].to_list() == [said[0], None, "", *said[1:]]  # m2 is deleted, and m5 is empty
    lake.change(SOURCE_TERMS, lambda terms: terms.with_columns(text_may_be_shared=False))
    job.run(settings)
    closed = lake.load(TREE_EXAMPLE).sort("place")
    assert closed.drop("text").equals(example.drop("text"))
    assert closed["text"].null_count() == len(closed) == 7


def test_ranks_become_votes_that_can_be_rated(lake, counted, tmp_path):
    shutil.copytree(counted, lake.local_root)
    settings = {"export": {"forms": ["votes"], "path": str(tmp_path / "out")}}
    for _ in range(2):  # no record of files says that there is nothing to do
        (error,) = export.run(context(lake, **settings)).errors
        assert "export: oasst: no votes: export.players is kind" in str(error)
    settings["trees"] = {"keep_synthetic": True}
    job.run(context(lake, **settings))
    assert not export.run(context(lake, **settings)).errors
    folder = tmp_path / "out" / "oasst" / "votes" / "jsonl" / "train"
    result = run(lake, votes={"format": "votes", "path": str(folder)})
    assert result.lines[0].startswith("votes: 5 records in 1 new file = 5 kept + 0 quarantined")
    found = [
        (model_a, model_b) if winner == "model_a" else (model_b, model_a)
        for model_a, model_b, winner in rows(lake, BATTLES, "model_a", "model_b", "winner")
    ]
    # In order of rank: m6 by a person, m3 by x, m7 by a model without a name, m8 by a person. m2 is deleted.
    assert sorted(found) == [
        ("human", "unknown"),
        ("human", "x"),
        ("unknown", "human"),
        ("x", "human"),
        ("x", "unknown"),
    ]

"""Generated conversation trees: whole by the rules of ingestion, a function of seed and number, ranked by quality."""

import polars as pl
import pytest

from arenalake.samples.trees import ALONE, DELETED, MAX_DEPTH, TREES_DDL, TreesDesign, tree_chunk, tree_messages
from arenalake.sources.oasst1 import judge_trees


def forest(seed, trees):
    design = TreesDesign(seed, trees)
    return pl.concat(pl.DataFrame(pl.from_arrow(tree_chunk(design, chunk))) for chunk in range(design.chunks))


@pytest.fixture(scope="module")
def messages():
    return forest(0, 600)


def test_ingestion_finds_nothing_broken(messages):
    assert messages["message_tree_id"].n_unique() == 600
    assert messages["message_id"].is_unique().all()
    assert judge_trees(messages.with_columns(source=pl.lit("a"))).is_empty()


def test_a_tree_depends_on_seed_and_number_only(messages):
    alone = pl.DataFrame(tree_messages(0, 37), schema=messages.schema)
    assert messages.filter(pl.col("message_tree_id") == alone["message_id"][0]).equals(alone)
    assert forest(0, 41).equals(messages.head(forest(0, 41).height))
    assert not set(forest(1, 20)["message_id"]) & set(messages["message_id"])


def test_the_columns_are_those_of_the_files(messages):
    assert messages.columns == [part.split(" ")[0] for part in TREES_DDL.partition("<")[0].split(", ")]


def test_shares_are_those_of_the_design(messages):
    sizes = messages.group_by("message_tree_id").len()["len"]
    assert (sizes == 1).mean() == pytest.approx(ALONE, abs=0.06)
    assert messages["deleted"].mean() == pytest.approx(DELETED, abs=0.01)
    times = messages.select(pl.col("created_date").str.to_datetime(time_zone="UTC"), "message_id", "parent_id")
    joined = times.join(times.select(parent_id="message_id", above="created_date"), on="parent_id")
    assert (joined["created_date"] > joined["above"]).all()
    edges = messages.select("message_id", "parent_id")
    level = edges.filter(pl.col("parent_id").is_null())
    for _ in range(MAX_DEPTH + 1):
        level = edges.join(level.select(parent_id="message_id"), on="parent_id")
    assert level.is_empty()


def test_better_answers_are_ranked_first_and_are_longer(messages):
    quality = messages.select(
        "rank", n_chars=pl.col("text").str.len_chars(), quality=pl.col("labels").struct["value"].list.get(1)
    ).filter(pl.col("rank").is_not_null())
    by_rank = quality.group_by("rank").mean().sort("rank").head(3)
    assert by_rank["quality"].is_sorted(descending=True)
    assert by_rank["n_chars"][0] > by_rank["n_chars"][2]

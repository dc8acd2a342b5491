"""Trees, labels, threads and contributors, on cases small enough to check by hand and on published trees."""

import gzip
import json
import math
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arenalake.errors import ArenalakeError
from arenalake.trees.counts import label_products, label_values, lengths_of, sizes_of
from arenalake.trees.export import readme
from arenalake.trees.nodes import choose_threads, order_examples, place_messages
from arenalake.trees.options import ExportConfig, TreesConfig
from arenalake.trees.statistics import (
    correlate_labels,
    measure_inequality,
    summarise_labels,
    summarise_pairs,
    summarise_shapes,
    summarise_threads,
    summarise_trees,
)
from arenalake.trees.tables import (
    CONTRIBUTOR_COUNTS,
    LABEL_CORRELATIONS,
    LABEL_STATS,
    THREAD_COUNTS,
    THREAD_STATS,
    THREADS,
    TREE_EXAMPLE,
    TREE_MESSAGE_COUNTS,
    TREE_NODES,
    TREE_PAIR_AUTHOR_COUNTS,
    TREE_PAIR_COUNTS,
    TREE_PAIR_STATS,
    TREE_SHAPES,
    TREE_STATS,
)

COLUMNS = {
    **dict.fromkeys(("source", "message_tree_id", "message_id", "parent_id", "role", "language"), pl.String),
    **dict.fromkeys(("month", "tree_state", "user_id"), pl.String),
    "rank": pl.Int32,
    **dict.fromkeys(("review_result", "deleted", "synthetic"), pl.Boolean),
    "n_chars": pl.Int32,
}


def frame(rows):
    defaults = {"source": "s", "language": "en", "month": "2023-02", "tree_state": "x", "n_chars": 1}
    return pl.DataFrame([{**dict.fromkeys(COLUMNS), **defaults, **row} for row in rows], COLUMNS)


def toy():
    """p - a0 (rank 0, deleted) - q0 - b0; p - a1 (rank 1) - q1; p - a2 (not ranked) - q2 - b2; p - a3 (rank 3)."""
    said = [
        ("p", None, {}),
        ("a0", "p", {"rank": 0, "deleted": True}),
        ("q0", "a0", {}),
        ("b0", "q0", {}),
        ("a1", "p", {"rank": 1}),
        ("q1", "a1", {}),
        ("a2", "p", {"synthetic": True}),
        ("q2", "a2", {}),
        ("b2", "q2", {}),
        ("a3", "p", {"rank": 3}),
        ("alone", None, {"message_tree_id": "alone"}),
    ]
    role = {"p": "prompter", "q": "prompter", "a": "assistant", "b": "assistant"}
    rows = [
        {"message_tree_id": "p", "message_id": one, "parent_id": above, "role": role[one[0]], **more}
        for one, above, more in said
    ]
    rows[-1]["role"] = "prompter"
    return frame(rows).sample(fraction=1, shuffle=True, seed=3)


def test_messages_are_placed_in_their_trees():
    nodes = place_messages(toy())
    assert nodes.schema == TREE_NODES.no_rows.schema
    by_id = {row["message_id"]: row for row in nodes.iter_rows(named=True)}
    assert by_id["b2"]["path"] == ["p", "a2", "q2", "b2"]
    assert {one: row["depth"] for one, row in by_id.items() if row["depth"] > 2} == {"b0": 3, "b2": 3}
    prompt = by_id["p"]
    assert (prompt["n_replies"], prompt["n_ranked"], prompt["has_gap"]) == (4, 3, True)
    assert (prompt["tree_messages"], prompt["tree_depth"], prompt["tree_leaves"]) == (10, 3, 4)
    assert by_id["alone"]["tree_messages"] == 1
    assert by_id["a1"]["tree_messages"] is None
    assert {one for one, row in by_id.items() if row["below_deleted"]} == {"a0", "q0", "b0"}
    assert {one for one, row in by_id.items() if row["below_synthetic"]} == {"a2", "q2", "b2"}


def test_ranks_from_zero_on_have_no_gap():
    nodes = place_messages(toy().filter(pl.col("message_id") != "a3"))
    assert nodes.filter(pl.col("message_id") == "p")["has_gap"].to_list() == [False]


def test_a_message_without_a_first_one_above_it_stops_the_job():
    with pytest.raises(ArenalakeError, match="message q1 has no first message above it"):
        place_messages(toy().filter(pl.col("message_id") != "a1"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"threads": "best"}, {"a1"}),  # q1 is cut off
        ({"threads": "all"}, {"a1", "a3"}),
        ({"threads": "all", "keep_synthetic": True}, {"a1", "a3", "b2"}),
        ({"threads": "best", "keep_deleted": True}, {"b0"}),
        ({"threads": "all", "keep_deleted": True, "keep_synthetic": True}, {"a1", "a3", "b0", "b2"}),
    ],
)
def test_threads_end_with_an_answer(options, expected):
    threads = choose_threads(place_messages(toy()), trees=TreesConfig(**options))
    assert threads.schema == THREADS.no_rows.schema
    assert set(threads["thread_id"]) == expected
    for row in threads.iter_rows(named=True):
        assert row["path"][0] == "p"
        assert row["path"][-1] == row["thread_id"]
        assert row["turns"] == len(row["path"]) / 2


def test_an_example_is_in_the_order_of_its_branches_and_ranks():
    nodes = toy().filter(pl.col("message_id") != "alone").drop("n_chars")
    names = nodes.select("source", "message_id")
    entry = pl.Struct({"name": pl.String, "value": pl.Float64, "count": pl.Int32})
    quality, spam = {"name": "quality", "value": 7 / 12, "count": 3}, {"name": "spam", "value": 0.0, "count": 3}
    said = {"p": [quality, spam], "a1": [spam], "a2": []}
    texts = {"p": "\n Two\u2028\tlines ", "a1": "x" * 120, "a2": "word " * 24 + "."}
    labels = names.with_columns(
        labels=pl.Series([said.get(one) for one in names["message_id"]], dtype=pl.List(entry)),
        text=pl.Series([texts.get(one) for one in names["message_id"]], dtype=pl.String),
    )
    other = nodes.filter(pl.col("message_id") == "p").with_columns(source=pl.lit("t"))
    found = order_examples(pl.concat([other, nodes]), labels)
    assert found.schema == TREE_EXAMPLE.no_rows.schema
    # p, a0, q0, b0, a1, q1, a3, a2, q2, b2: answers that are not ranked come last.
    assert found.select("source", "place", "parent", "rank").rows() == [
        *[("s", 0, None, None), ("s", 1, 0, 0), ("s", 2, 1, None), ("s", 3, 2, None), ("s", 4, 0, 1)],
        *[("s", 5, 4, None), ("s", 6, 0, 3), ("s", 7, 0, None), ("s", 8, 7, None), ("s", 9, 8, None)],
        ("t", 0, None, None),
    ]
    written = {row["place"]: row["labels"] for row in found.iter_rows(named=True) if row["labels"]}
    assert written == {0: "quality 0.58, spam 0.0", 4: "spam 0.0"}
    first = {row["place"]: row["text"] for row in found.iter_rows(named=True) if row["text"] is not None}
    assert first == {0: "Two lines", 4: "x" * 120, 7: "word " * 23 + "word…"}
    assert found["deleted"].to_list()[1] is True


def contributors(*work):
    rows = [("s", "all", None, None, None, None, n, people) for n, people in sorted(Counter(work).items())]
    return pl.DataFrame(rows, CONTRIBUTOR_COUNTS.no_rows.schema, orient="row")


@pytest.mark.parametrize(
    ("work", "gini", "busiest"),
    [
        ([5, 5, 5], 0.0, 1 / 3),
        ([1, 3], 0.25, 0.75),
        ([1, 1, 1, 1, 6], 0.4, 0.6),
        ([1] * 101 + [9, 10], None, 19 / 120),  # the busiest 1 % of 103 people are two
    ],
)
def test_inequality_by_hand(work, gini, busiest):
    row = measure_inequality(contributors(*work)).row(0, named=True)
    assert (row["n_contributors"], row["n_attributed"]) == (len(work), sum(work))
    assert row["busiest_share"] == pytest.approx(busiest)
    if gini is not None:
        assert row["gini"] == pytest.approx(gini)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_gini_is_half_the_relative_mean_difference(work):
    row = measure_inequality(contributors(*work)).row(0, named=True)
    differences = np.abs(np.subtract.outer(work, work)).mean()
    assert row["gini"] == pytest.approx(differences / (2 * np.mean(work)), abs=1e-12)
    top = sorted(work)[-math.ceil(len(work) / 100) :]
    assert row["busiest_share"] == pytest.approx(sum(top) / sum(work))


def test_sums_and_people_meet_in_tree_stats():
    group = ("s", "en", "2023-02", "prompter", None)
    counts = pl.DataFrame(
        [(*group, *range(13, 0, -1)), ("s", "de", None, "assistant", None, *[1] * 13)],
        TREE_MESSAGE_COUNTS.no_rows.schema,
        orient="row",
    )
    stats = summarise_trees(counts, contributors(1, 3))
    TREE_STATS.conform_frame(stats)
    whole = stats.filter(pl.col("grouping") == "all").row(0, named=True)
    assert (whole["n_messages"], whole["n_trees"], whole["n_contributors"], whole["gini"]) == (14, 13, 2, 0.25)
    of_german = stats.filter(pl.col("language") == "de").sort("grouping")
    numbers = ("grouping", "n_messages", "n_contributors", "gini")
    assert of_german.select(*numbers).rows() == [("language", 1, 0, None), ("language,month", 1, 0, None)]


def published(real_data):
    """Messages of the nested sample, walked here by recursion, and what they are in a frame."""
    rows, children = [], defaultdict(list)

    def walk(message, tree, parent):
        children[parent].append(message)
        rows.append(
            {
                "message_tree_id": tree,
                "message_id": message["message_id"],
                "parent_id": parent,
                "n_chars": len(message["text"]),
                **{name: message.get(name) for name in ("role", "rank", "deleted", "synthetic", "review_result")},
            }
        )
        for reply in message["replies"]:
            walk(reply, tree, message["message_id"])

    with gzip.open(real_data / "oasst" / "en_100_tree.jsonl.gz", "rt") as stream:
        trees = [json.loads(line) for line in stream]
    for tree in trees:
        walk(tree["prompt"], tree["message_tree_id"], None)
    return trees, frame(rows)


def test_shapes_of_published_trees_are_those_of_a_walk(real_data):
    trees, messages = published(real_data)

    def walk(message, depth):
        yield message, depth
        for reply in message["replies"]:
            yield from walk(reply, depth + 1)

    walks = [list(walk(tree["prompt"], 0)) for tree in trees]
    flat = [pair for one in walks for pair in one]
    expected = {
        "messages per tree": [len(one) for one in walks],
        "depth of tree": [max(depth for _, depth in one) for one in walks],
        "leaves per tree": [sum(not message["replies"] for message, _ in one) for one in walks],
        "replies per message": [len(message["replies"]) for message, _ in flat],
        "messages per thread": [depth + 1 for message, depth in flat if not message["replies"]],
        "ranked replies per message": [
            n for message, _ in flat if (n := sum("rank" in reply for reply in message["replies"]))
        ],
    }
    shapes = summarise_shapes(sizes_of(place_messages(messages)))
    TREE_SHAPES.conform_frame(shapes)
    whole = shapes.filter(pl.col("grouping") == "all")
    found = {row["measure"]: row for row in whole.iter_rows(named=True)}
    assert set(found) == set(expected)
    for measure, sizes in expected.items():
        row = found[measure]
        assert (row["n"], row["total"], row["min"], row["max"]) == (len(sizes), sum(sizes), min(sizes), max(sizes))
        assert row["p50"] == np.quantile(sizes, 0.5, method="inverted_cdf")
        assert row["sd"] == pytest.approx(np.std(sizes, ddof=1))


def test_threads_of_published_trees_are_those_of_a_walk(real_data):
    trees, messages = published(real_data)
    expected = set()

    def walk(message, path):
        if message["deleted"] or message["synthetic"]:
            return False
        path = [*path, message["message_id"]]
        further = [walk(reply, path) for reply in message["replies"]]
        if message["role"] == "assistant" and not any(further):
            expected.add(tuple(path))
        return message["role"] == "assistant" or any(further)

    for tree in trees:
        walk(tree["prompt"], [])
    threads = choose_threads(place_messages(messages), trees=TreesConfig(threads="all"))
    assert {tuple(path) for path in threads["path"]} == expected
    assert len(threads) == len(expected) > 100


def threads_of(*threads):
    message = pl.Struct({"place": pl.Int32, "month": pl.String, "tokens": pl.List(pl.Int32)})
    schema = {"source": pl.String, "language": pl.String, "messages": pl.List(message)}
    rows = [
        {
            "source": "s",
            "language": "en",
            "messages": [
                {"place": place, "month": month, "tokens": tokens} for place, (month, tokens) in enumerate(thread)
            ],
        }
        for thread in threads
    ]
    return pl.DataFrame(rows, schema)


def test_lengths_of_threads_by_hand():
    first, second = ("2023-02", [3, 30]), ("2023-03", [5, 50])
    # Two threads with the same first message; the answer of the third one has not been measured.
    threads = threads_of(
        [first, second], [first, second, ("2023-03", [7, 70]), ("2023-04", [1, 10])], [first, (None, None)]
    )
    halves = [lengths_of(part, tokenizers=["a", "b"]) for part in (threads[:1], threads[1:])]
    counts = THREAD_COUNTS.add_rows(halves)
    assert counts.sort(THREAD_COUNTS.key).equals(lengths_of(threads, tokenizers=["a", "b"]).sort(THREAD_COUNTS.key))
    stats = summarise_threads(counts)
    THREAD_STATS.conform_frame(stats)
    found = {
        (row["grouping"], row["measure"], row["role"], row["turn"] or row["month"]): (row["n"], row["total"])
        for row in stats.filter(pl.col("tokenizer").is_null() | (pl.col("tokenizer") == "a")).iter_rows(named=True)
    }
    assert found == {
        ("all", "turns per thread", None, None): (3, 4),
        ("language", "turns per thread", None, None): (3, 4),
        ("all", "tokens per thread", None, None): (2, 24),
        ("language", "tokens per thread", None, None): (2, 24),
        ("all", "tokens per message", "user", None): (4, 16),
        ("all", "tokens per message", "assistant", None): (3, 11),
        ("language", "tokens per message", "user", None): (4, 16),
        ("language", "tokens per message", "assistant", None): (3, 11),
        ("turn", "tokens per message", "user", 1): (3, 9),
        ("turn", "tokens per message", "user", 2): (1, 7),
        ("turn", "tokens per message", "assistant", 1): (2, 10),
        ("turn", "tokens per message", "assistant", 2): (1, 1),
        ("month", "tokens per message", "user", "2023-02"): (3, 9),
        ("month", "tokens per message", "user", "2023-03"): (1, 7),
        ("month", "tokens per message", "assistant", "2023-03"): (2, 10),
        ("month", "tokens per message", "assistant", "2023-04"): (1, 1),
    }
    of_b = stats.filter((pl.col("measure") == "tokens per thread") & (pl.col("tokenizer") == "b"))
    assert of_b["total"].to_list() == [240, 240]


def test_threads_without_any_measured_message_still_have_turns():
    counts = lengths_of(threads_of([(None, None), (None, None)]), tokenizers=["a"])
    assert counts.schema == THREAD_COUNTS.no_rows.schema
    assert counts.select("measure", "n", "total").rows() == [("turns per thread", 1, 1)]
    assert lengths_of(threads_of(), tokenizers=["a"]).is_empty()


def test_tokens_of_published_threads_are_those_of_their_texts(real_data):
    trees, messages = published(real_data)
    words, waiting = {}, [tree["prompt"] for tree in trees]
    while waiting:
        message = waiting.pop()
        words[message["message_id"]] = len(message["text"].split())
        waiting += message["replies"]
    chosen = choose_threads(place_messages(messages), trees=TreesConfig(threads="all"))
    paths = chosen["path"].to_list()
    threads = threads_of(*[[(None, [words[one]]) for one in path] for path in paths])
    stats = summarise_threads(lengths_of(threads, tokenizers=["words"])).filter(
        pl.col("grouping").is_in(["all", "turn"])
    )
    found = {(row["measure"], row["role"], row["turn"]): row for row in stats.iter_rows(named=True)}
    expected = {
        ("turns per thread", None, None): [len(path) // 2 for path in paths],
        ("tokens per thread", None, None): [sum(words[one] for one in path) for path in paths],
        ("tokens per message", "user", None): [words[one] for path in paths for one in path[::2]],
        ("tokens per message", "assistant", None): [words[one] for path in paths for one in path[1::2]],
        ("tokens per message", "user", 2): [words[path[2]] for path in paths if len(path) > 2],
    }
    for key, lengths in expected.items():
        row = found[key]
        assert (row["n"], row["total"], row["max"]) == (len(lengths), sum(lengths), max(lengths))
        assert row["p50"] == np.quantile(lengths, 0.5, method="inverted_cdf")


def labelled(*values, name="quality", **changes):
    labels = [{"name": name, "value": value, "count": count} for value, count in values]
    return {"source": "s", "role": "prompter", "language": "en", "deleted": False, "labels": labels, **changes}


LABELLED = {
    **dict.fromkeys(("source", "role", "language"), pl.String),
    "deleted": pl.Boolean,
    "labels": pl.List(pl.Struct({"name": pl.String, "value": pl.Float64, "count": pl.Int32})),
    "detoxify": pl.List(pl.Struct({"name": pl.String, "value": pl.Float64})),
}


def test_labels_by_hand():
    rows = [
        labelled((0.25, 4)),
        labelled((0.75, 2), role="assistant"),
        labelled((1.0, 3), deleted=True),
        labelled(detoxify=[{"name": "toxicity", "value": 0.5}]),
    ]
    frame_of_labels = pl.DataFrame([{**dict.fromkeys(LABELLED), **row} for row in rows], LABELLED)
    stats = summarise_labels(label_values(frame_of_labels))
    LABEL_STATS.conform_frame(stats)
    whole = {row["label"]: row for row in stats.filter(pl.col("grouping") == "all").iter_rows(named=True)}
    quality = whole["quality"]
    assert (quality["n"], quality["n_ratings"], quality["n_deleted"]) == (3, 9, 1)
    assert quality["mean"] == pytest.approx(2 / 3)
    assert (quality["p5"], quality["p50"], quality["p95"]) == (0.25, 0.75, 1.0)
    assert (quality["mean_kept"], quality["mean_deleted"]) == (0.5, 1.0)
    assert whole["detoxify:toxicity"]["mean"] == 0.5
    assert whole["detoxify:toxicity"]["mean_deleted"] is None


def test_correlations_of_published_labels_are_numpys(real_data):
    with gzip.open(real_data / "oasst" / "flat_sample.jsonl.gz", "rt") as stream:
        records = [json.loads(line) for line in stream]
    rows, values = [], defaultdict(dict)
    for number, one in enumerate(records):
        labels = [dict(zip(one["labels"], entry, strict=True)) for entry in zip(*one["labels"].values(), strict=True)]
        scores = [{"name": name, "value": value} for name, value in one["detoxify"].items()]
        rows.append(
            {"source": "s", "role": one["role"], "language": one["lang"], "deleted": one["deleted"]}
            | {"labels": labels, "detoxify": scores}
        )
        values["detoxify:toxicity"][number] = one["detoxify"]["toxicity"]
        for label in labels:
            values[label["name"]][number] = label["value"]
    messages = pl.DataFrame(rows, LABELLED)
    halves = [label_products(messages[:100]), label_products(messages[100:])]
    found = correlate_labels(pl.concat(halves))
    LABEL_CORRELATIONS.conform_frame(found)
    whole = found.filter(pl.col("grouping") == "all")
    for a, b in (("humor", "quality"), ("detoxify:toxicity", "toxicity"), ("creativity", "helpfulness")):
        both = sorted(set(values[a]) & set(values[b]))
        row = whole.filter((pl.col("label_a") == a) & (pl.col("label_b") == b)).row(0, named=True)
        assert row["n"] == len(both)
        expected = np.corrcoef([values[a][i] for i in both], [values[b][i] for i in both])[0, 1]
        assert row["correlation"] == pytest.approx(expected, abs=1e-4)
    stats = summarise_labels(label_values(messages)).filter(pl.col("grouping") == "all")
    for row in stats.iter_rows(named=True):
        if row["label"] in values:
            assert row["mean"] == pytest.approx(np.mean(list(values[row["label"]].values())), abs=1e-5)


def test_rates_of_pairs_leave_out_what_is_neither():
    counts = pl.DataFrame(
        [("s", "en", 10, 6, 2, 1, 3, 0), ("s", "de", 1, 0, 0, 0, 0, 1)], TREE_PAIR_COUNTS.no_rows.schema, orient="row"
    )
    # One person wrote 7 of the better answers, two wrote one each, and of two nobody knows who did.
    authors = pl.DataFrame(
        [("s", "all", None, 1, 2), ("s", "all", None, 7, 1), ("s", "language", "en", 7, 1)],
        TREE_PAIR_AUTHOR_COUNTS.no_rows.schema,
        orient="row",
    )
    stats = summarise_pairs(counts, authors)
    TREE_PAIR_STATS.conform_frame(stats)
    whole = stats.filter(pl.col("grouping") == "all").row(0, named=True)
    assert (whole["n_pairs"], whole["longer_rate"], whole["model_win_rate"]) == (11, 0.75, 0.25)
    assert (whole["n_authors"], whole["busiest_share"]) == (3, 7 / 9)
    german = stats.filter(pl.col("language") == "de")
    assert german.select("longer_rate", "n_authors", "busiest_share").rows() == [(None, 0, None)]


def test_the_readme_of_an_export_says_what_is_held_out_and_what_is_generated():
    terms = {"source": "s", "format": "oasst1", "title": "OpenAssistant", "licence": "Apache-2.0", "citation": None}
    terms["url"] = "https://example.org"
    counts = {
        "preference": [{"split": "train", "language": "en", "n": 1200}, {"split": "test", "language": "en", "n": 3}],
        "votes": [{"split": "train", "language": None, "n": 7}],
    }
    export = ExportConfig(test_share=0.1, seed=4)
    text = readme(terms, counts, TREE_PAIR_STATS.no_rows, export, generated=False)
    assert text.startswith("# OpenAssistant\n\n- Licence: Apache-2.0.")
    assert "- Of `preference`, a share of 0.1 of the trees is held out (seed 4); no tree is in both parts." in text
    assert "- Of `votes`, nothing is held out." in text
    assert "| en | 1,200 | 3 |" in text
    assert "| none given | 7 | 0 |" in text
    numbers = {"n_pairs": 9, "n_longer": 5, "n_shorter": 4, "n_model_wins": 0, "n_person_wins": 1, "n_same_author": 2}
    numbers |= {"n_authors": 3, "busiest_share": 0.25}
    stats = pl.DataFrame(
        [
            {"source": "s", "grouping": grouping, "language": language, **numbers, "n_pairs": n}
            for grouping, language, n in (("all", None, 1009), ("language", "de", 9), ("language", "en", 1000))
        ]
    )
    biased = readme(terms, counts, stats, export, generated=False)
    of_rest = "| 5 | 4 | 0 | 1 | 2 | 3 | 25.0 % |\n"
    assert f"| all | 1,009 {of_rest}| en | 1,000 {of_rest}| de | 9 {of_rest}" in biased
    votes = readme(terms, {"votes": counts["votes"]}, TREE_PAIR_STATS.no_rows, export, generated=False)
    assert "a share of" not in votes
    made = readme(terms, counts, TREE_PAIR_STATS.no_rows, export, generated=True)
    assert made.startswith("# Generated sample data\n")
    for said in ("OpenAssistant", "Licence", "Cite", "example.org"):
        assert said not in made


def test_the_text_of_the_licence_that_goes_with_an_export_is_whole():
    root = Path(__file__).parents[2]
    assert (root / "libs/arenalake/trees/apache-2.0.txt").read_text() == (root / "LICENSE").read_text()

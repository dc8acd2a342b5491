"""Walks to the roots of forests, against walks one step at a time."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from arenalake.numbers.forests import CIRCLE, MISSING, ROOT, any_on_path, find_depths, find_paths
from arenalake.sources.oasst1 import MAX_DEPTH, judge_trees

graphs = st.integers(1, 40).flatmap(
    lambda n: st.lists(st.one_of(st.just(ROOT), st.just(MISSING), st.integers(0, n - 1)), min_size=n, max_size=n)
)


def walk(parents, node):
    """The nodes from one up to where its chain ends, and how it ends."""
    path = [node]
    while parents[path[-1]] >= 0:
        if parents[path[-1]] in path:
            return path, CIRCLE
        path.append(parents[path[-1]])
    return path, parents[path[-1]]


@given(graphs)
def test_depths_are_those_of_walks(parents):
    found = find_depths(np.array(parents))
    for node, depth in enumerate(found.tolist()):
        path, end = walk(parents, node)
        assert depth == (len(path) - 1 if end == ROOT else end)


@given(graphs, st.data())
def test_marks_go_down_every_path(parents, data):
    marks = data.draw(st.lists(st.booleans(), min_size=len(parents), max_size=len(parents)))
    found = any_on_path(np.array(parents), np.array(marks))
    for node, is_marked in enumerate(found.tolist()):
        path, _ = walk(parents, node)
        assert is_marked == any(marks[one] for one in path)


@given(graphs)
def test_paths_are_walks_from_the_root(parents):
    good = [node for node in range(len(parents)) if walk(parents, node)[1] == ROOT]
    places = {node: place for place, node in enumerate(good)}
    kept = np.array([places.get(parents[node], ROOT) for node in good], dtype=np.int64)
    bounds, nodes = find_paths(kept, find_depths(kept))
    for place, node in enumerate(good):
        path, _ = walk(parents, node)
        assert [good[one] for one in nodes[bounds[place] : bounds[place + 1]]] == path[::-1]


def test_a_chain_of_a_hundred_thousand_is_walked_in_a_blink():
    n = 100_000
    assert find_depths(np.arange(-1, n - 1)).tolist() == list(range(n))
    assert set(find_depths(np.roll(np.arange(n), 1)).tolist()) == {CIRCLE}


TREES = [
    # tree, message, parent, role, rank
    ("good", "g1", None, "prompter", None),
    ("good", "g2", "g1", "assistant", 0),
    ("good", "g3", "g1", "assistant", 2),  # a gap is no fault
    ("good", "g4", "g1", "assistant", None),
    ("good", "g5", "g2", "prompter", None),
    ("orphans", "o1", None, "prompter", None),
    ("orphans", "o2", "nowhere", "assistant", None),
    ("orphans", "o3", "o2", "prompter", None),
    ("circle", "c1", None, "prompter", None),
    ("circle", "c2", "c4", "assistant", None),
    ("circle", "c3", "c2", "prompter", None),
    ("circle", "c4", "c3", "assistant", None),
    ("two", "t1", None, "prompter", None),
    ("two", "t2", None, "prompter", None),
    ("two", "t3", "t1", "assistant", None),
    ("roles", "r1", None, "assistant", None),
    ("same", "s1", None, "prompter", None),
    ("same", "s2", "s1", "prompter", None),
    ("same", "s3", "s2", "assistant", None),
    ("same", "s4", "s1", "assistant", None),
    ("ranks", "k1", None, "prompter", None),
    ("ranks", "k2", "k1", "assistant", 1),
    ("ranks", "k3", "k1", "assistant", 1),
    ("ranks", "k4", "k1", "assistant", 0),
    ("ranks", "k5", "k2", "prompter", None),
    ("other", "x1", None, "prompter", None),
    ("other", "x2", "g1", "assistant", None),
]


def test_each_fault_is_told_and_what_is_below_it_goes_along():
    rows = [("s", *row) for row in TREES]
    schema = dict.fromkeys(("source", "message_tree_id", "message_id", "parent_id", "role"), pl.String)
    frame = pl.DataFrame(rows, {**schema, "rank": pl.Int32}, orient="row").sample(fraction=1, shuffle=True, seed=1)
    found = {row["message_id"]: row["reason"] for row in judge_trees(frame).iter_rows(named=True)}
    above = "a message above it is in quarantine"
    circle = "the messages above it form a circle"
    roots = "the tree has more than one first message"
    assert found == {
        "o2": "parent_id is the id of no message",
        "o3": above,
        "c2": circle,
        "c3": circle,
        "c4": circle,
        "t1": roots,
        "t2": roots,
        "t3": roots,
        "r1": "a tree must begin with a message of the prompter",
        "s2": "its role is the same as that of the message it answers",
        "s3": above,
        "k2": "its rank occurs more than once among the replies",
        "k3": "its rank occurs more than once among the replies",
        "k5": above,
        "x2": "parent_id is the id of no message",
    }


def test_what_is_below_the_greatest_depth_is_told():
    n = MAX_DEPTH + 3
    ids = [str(number) for number in range(n)]
    chain = pl.DataFrame(
        {
            "source": "s",
            "message_tree_id": "0",
            "message_id": ids,
            "parent_id": [None, *ids[:-1]],
            "role": ["prompter" if number % 2 == 0 else "assistant" for number in range(n)],
            "rank": pl.Series([None] * n, dtype=pl.Int32),
        }
    )
    found = {row["message_id"]: row["reason"] for row in judge_trees(chain).iter_rows(named=True)}
    assert found == dict.fromkeys(["1001", "1002"], "more than 1,000 messages are above it")

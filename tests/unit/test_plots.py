"""Tables and plots of notebooks: names stay text, nulls stay empty, pictures have twice the dots of their size."""

import struct

import polars as pl
import pytest

from arenalake.plots import bars, heat_map, intervals, lines, shares_of_work, table, tree

NAMES = ["<b>a</b>", "$b_1$", "c"]
VALUES = pl.DataFrame(
    {
        "model": NAMES,
        "judge": ["x", "y", "x"],
        "value": [0.25, None, 1.0],
        "ci_lower": [0.1, None, None],
        "ci_upper": [0.5, None, None],
    }
)


def size_of(image):
    assert image.data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", image.data[16:24])


def test_a_table_is_plain_html_with_text_to_the_left():
    html = table(VALUES, rows=2).data
    assert '<td style="text-align: left">&lt;b&gt;a&lt;/b&gt;</td>' in html
    assert '<td style="text-align: right">0.250</td>' in html
    assert "None" not in html
    assert "1 more rows." in html
    assert "more rows" not in table(VALUES).data


@pytest.mark.parametrize(
    "draw",
    [
        lambda: intervals(VALUES, name="model", value="value", group="judge", axis="share", reference=0.5),
        lambda: intervals(VALUES, name="model", value="value", axis="share"),
        lambda: lines(VALUES.drop_nulls("value"), x="value", y="value", group="judge"),
        lambda: bars(VALUES, name="model", value="value", axis="share"),
        lambda: heat_map(VALUES, row="model", column="judge", value="value", least=0.0, most=1.0),
        lambda: shares_of_work(pl.DataFrame({"n_messages": [1, 9], "n_contributors": [9, 1]})),
    ],
)
def test_pictures_are_sharp_and_equal_frames_give_equal_bytes(draw):
    image = draw()
    assert size_of(image)[0] == pytest.approx(2 * image.width, abs=2)
    assert draw().data == image.data


def test_a_picture_of_no_rows_says_so():
    none = VALUES.clear()
    assert intervals(none, name="model", value="value", axis="share").data == "<p>No rows to draw: share by model.</p>"
    for image in (
        lines(none, x="value", y="value", group="judge"),
        bars(none, name="model", value="value", axis="share"),
        heat_map(none, row="model", column="judge", value="value", least=0.0, most=1.0),
    ):
        assert "No rows to draw" in image.data


def test_a_tree_of_any_order_of_rows_is_the_same_picture():
    nodes = pl.DataFrame(
        {
            "message_id": ["p", "good", "bad", "more"],
            "parent_id": [None, "p", "p", "bad"],
            "depth": [0, 1, 1, 2],
            "role": ["prompter", "assistant", "assistant", "prompter"],
            "rank": [None, 0, 1, None],
            "deleted": [False, False, None, True],
        }
    )
    assert tree(nodes).data == tree(nodes.reverse()).data
    assert tree(nodes).data != tree(nodes.with_columns(rank=1 - pl.col("rank"))).data
    quality = nodes.with_columns(quality=pl.Series([0.5, 1.0, None, 0.25]))
    assert tree(quality).data == tree(nodes).data != tree(quality, value="quality").data

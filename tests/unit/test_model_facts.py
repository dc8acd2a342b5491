"""Facts about models from a file: beside the ratings, on the model's page, in a plot; what is wrong with it is told."""

import plotly.graph_objects as go
import pytest
from report_cases import frames, rating

from arenalake.app.pages import build_pages
from arenalake.config import load_config
from arenalake.errors import ConfigError
from arenalake.report.facts import read_facts
from arenalake.report.site import render_site

FACTS = """\
model,organisation,price,link
a ,"Ann & <b>Co</b>",0,https://a.example/?x=1&y=2
b,,2.5,
unrated elsewhere,Nobody,9,
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "models.csv"
    path.write_text(FACTS)
    return path


def test_facts_are_columns_of_the_leaderboard_and_stand_on_the_page_of_the_model(file):
    shown = frames(ratings=[rating("a", 1100.0), rating("b", 1000.0), rating("c", 900.0)])
    shown.model_facts = read_facts(str(file))
    pages = {page.file: page for page in build_pages(shown)}
    board = pages["index.html"].sections[0]
    (view,) = board.tables
    headers = [column.header for column in view.columns]
    rows = {row[headers.index("Model")].text: [cell.text for cell in row] for row in view.rows}
    at = headers.index("Organisation")
    assert headers[at : at + 3] == ["Organisation", "Price", "Link"]
    assert rows["a"][at : at + 3] == ["Ann & <b>Co</b>", "0.00", "page"]
    assert rows["b"][at : at + 3] == ["–", "2.50", "–"]
    assert rows["c"][at : at + 3] == ["–", "–", "–"]
    (figure,) = [figure for figure in board.figures if figure.caption == "Rating against price"]
    go.Figure(figure.spec)
    points = figure.spec["data"][0]
    assert sorted(zip(points["x"], points["y"], strict=True)) == [(0.0, 1100.0), (2.5, 1000.0)]
    files = render_site(list(pages.values()))
    page = files["model-a.html"].decode()
    assert "Organisation: Ann &amp; &lt;b&gt;Co&lt;/b&gt;." in page
    assert "Price: 0.00." in page
    assert 'href="https://a.example/?x=1&amp;y=2" rel="noopener noreferrer"' in page
    assert "About the model" not in files["model-c.html"].decode()


def test_without_a_file_there_is_no_further_column():
    (page, *_) = build_pages(frames(ratings=[rating("a", 1100.0), rating("b", 1000.0)]))
    assert not {"Organisation", "Price", "Link"} & {column.header for column in page.sections[0].tables[0].columns}
    assert [figure.caption for figure in page.sections[0].figures] == ["Ratings with 95 % intervals"]


def test_facts_that_several_models_share_are_offered_as_choices(tmp_path):
    path = tmp_path / "models.csv"
    rows = [f"m{i},{'ABC'[i % 3]},one licence,{i},{i},https://a.example" for i in range(50)]
    path.write_text("\n".join(["model,organisation,licence,version,price,link", *rows]))
    shown = frames(ratings=[rating(f"m{i}", 1000.0 + i) for i in range(50)] + [rating("other", 1.0, source="t")])
    shown.model_facts = read_facts(str(path))
    pages = build_pages(shown)
    (view,), (of_others,) = (section.tables for section in pages[0].sections[:2])
    assert [column.header for column in view.columns if column.offered] == ["Organisation"]
    assert "Organisation" not in [column.header for column in of_others.columns], "nothing is known of these models"
    assert b'<th scope="col" data-offered><bdi>Organisation</bdi>' in render_site(pages)["index.html"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "cannot be read"),
        ("name,price\na,1\n", "needs the columns model and others; it has name, price"),
        ("model\na\n", "needs the columns model and others; it has model"),
        ("model,price\na,1\n,2\n", "row 2 has no model"),
        ("model,price\na,1\na ,2\n", "has 2 rows for 'a'"),
        ("model,price\na,1 $\n", "'1 $' is not a price; write a number"),
        ("model,price\na,-1\n", "'-1' is not a price"),
        ("model,link\na,javascript:alert(1)\n", "'javascript:alert(1)' is not a link"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_the_key(tmp_path, content, told):
    path = tmp_path / "models.csv"
    path.write_text(content)
    with pytest.raises(ConfigError) as error:
        read_facts(str(path))
    assert str(error.value).startswith("report.models: ")
    assert told in str(error.value)


def test_a_file_that_is_not_there_ends_a_run_before_spark_starts(tmp_path):
    from arenalake.app.report import require_report

    config = load_config("conf/local.yml", [f"storage.root={tmp_path}", "report.models=none.csv"])
    with pytest.raises(ConfigError, match=r"report\.models: none\.csv cannot be read"):
        require_report(config)
    with pytest.raises(ConfigError, match=r"report\.models: s3://b/m\.csv is not on this machine"):
        read_facts("s3://b/m.csv")

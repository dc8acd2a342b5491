"""The report as files: hostile names, data beside pages, the one file, and a folder that is swapped in whole."""

import base64
import csv
import io
import itertools
import json
import math
import re

import pandas as pd
import plotly.graph_objects as go
import pytest
from report_cases import (
    HOSTILE,
    Elements,
    frames,
    hostile_frames,
    pages_of,
    pair,
    prediction,
    rating,
    read_csv,
    text_of,
)

from arenalake.app.pages import build_pages
from arenalake.errors import ConfigError
from arenalake.ratings.tables import RATINGS
from arenalake.report.figures import COLORS
from arenalake.report.parts import Section, TableView, number_cell, percent, short, slug, text_column
from arenalake.report.site import MARKER, _script_in_html, csv_bytes, json_bytes, json_in_html, render_site, write_site


@pytest.fixture(scope="module")
def hostile_site():
    return render_site(build_pages(hostile_frames()))


def test_every_page_is_well_formed_and_nothing_of_a_name_becomes_an_element(hostile_site):
    pages = pages_of(hostile_site)
    # A page for each slice and each model, and one to compare models.
    assert len(pages) == 9 + 2 * len(HOSTILE)
    for page in pages.values():
        assert page.open == []
        tags = {tag for tag, _ in page.tags}
        assert not tags & {"img", "b", "iframe", "object", "embed"}
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
        for tag, attributes in page.tags:
            if tag == "script":
                assert attributes.get("src") in ("plotly.min.js", "report.js") or attributes == {
                    "type": "application/json"
                }
    # The names are there all the same, as text.
    index = text_of(hostile_site, "index.html")
    assert all(name in index for name in HOSTILE)


def test_headings_do_not_skip_a_level_and_ids_are_unique(hostile_site):
    for page in pages_of(hostile_site).values():
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        tables = sum(tag == "table" for tag, _ in page.tags)
        assert sum(tag == "caption" for tag, _ in page.tags) == tables


def test_no_page_loads_anything_from_elsewhere(hostile_site):
    for name, page in pages_of(hostile_site).items():
        for tag, attributes in page.tags:
            loaded = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
            if loaded:
                assert loaded in hostile_site, (name, loaded)
            href = attributes.get("href", "")
            if tag == "a" and not href.startswith(("#", "https://example.org/")):
                assert href.partition("#")[0] in hostile_site, (name, href)
    css, js = hostile_site["report.css"].decode(), hostile_site["report.js"].decode()
    assert "url(" not in css
    assert "@import" not in css
    assert "http" not in js


def test_figures_are_valid_and_hold_no_markup_but_ours(hostile_site):
    scripts = [json.loads(text) for page in pages_of(hostile_site).values() for text in page.scripts]
    specs = [script for script in scripts if "boards" not in script]
    assert len(specs) == 27
    found = set()
    for spec in specs:
        go.Figure(spec)  # raises on a property that Plotly does not know

        def walk(value):
            if isinstance(value, dict):
                for key, inner in value.items():
                    if key != "hovertemplate":
                        walk(inner)
            elif isinstance(value, list):
                for inner in value:
                    walk(inner)
            elif isinstance(value, str):
                found.add(value)
                assert "<" not in re.sub(r"</?b>|<br>", "", value), value

        walk(spec)
        for trace in spec["data"]:
            assert "<" not in trace.get("hovertemplate", "").replace("<extra></extra>", "")
    assert any("&lt;b&gt;x&lt;/b&gt;" in text for text in found)


def test_json_in_a_script_element_cannot_end_it():
    text = str(json_in_html({"a": "</script><!-- & \u2028"}))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!-- & \u2028"}
    with pytest.raises(ValueError, match="Out of range"):
        json_in_html([math.nan])


def test_a_csv_file_has_the_rows_of_its_table_with_all_digits():
    third = 1 / 3
    ratings = [rating("b", 1000 + third), rating("a", None, note="no estimate: only ties")]
    files = render_site(build_pages(frames(ratings=ratings)))
    first, second = read_csv(files, "leaderboard-s-all")
    assert list(first) == RATINGS.column_names
    assert (first["model"], float(first["rating"]), first["rank"]) == ("b", 1000 + third, "1")
    assert (second["model"], second["rating"], second["note"]) == ("a", "", "no estimate: only ties")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe_and_numbers_do_not(start):
    name = f'{start}cmd|" /c calc"!A1'
    rows = list(
        csv.reader(
            io.StringIO(csv_bytes(pd.DataFrame({"model": [name, 'a,b;"c"\n='], "x": [-1.5, -2]})).decode(), newline="")
        )
    )
    assert rows[1:] == [["'" + name, "-1.5"], ['a,b;"c"\n=', "-2.0"]]


def test_a_name_that_csv_readers_take_for_a_column_break_stays_in_quotes():
    assert csv_bytes(pd.DataFrame({"model": ["a;=1"]})) == b'"model"\n"a;=1"\n'


def test_links_of_sources_are_links_only_where_they_lead_to_the_web(hostile_site):
    page = Elements(hostile_site["data.html"].decode())
    outside = [a["href"] for tag, a in page.tags if tag == "a" and ":" in a["href"]]
    assert outside == ["https://example.org/a?b=<c>"]


def test_the_same_frames_give_the_same_bytes():
    assert render_site(build_pages(hostile_frames())) == render_site(build_pages(hostile_frames()))


def test_file_names_are_plain_and_different_names_never_share_one():
    assert slug("votes", "all") == "votes-all"
    assert re.fullmatch(r"[a-z0-9-]+", slug("../../etc/passwd"))
    assert len({slug("A"), slug("a"), slug("ä"), slug("a b"), slug("a-b"), slug("a", "b-c"), slug("a-b", "c")}) == 7


def test_two_tables_with_one_file_name_are_an_error_unless_they_are_equal():
    def page(*frames_):
        tables = [TableView("t", [text_column("A", "a")], pd.DataFrame({"a": values}), "same") for values in frames_]
        pages = build_pages(frames())
        pages[0].sections.append(Section("More", tables=tables))
        return pages

    render_site(page(["x"], ["x"]))
    with pytest.raises(ValueError, match="two tables of the report are called"):
        render_site(page(["x"], ["y"]))


def test_long_names_keep_their_end_and_small_shares_are_not_shown_as_nothing():
    assert short("vicuna-13b-v1.5-16k-awq", 12) == "vicuna-…-awq"
    assert short("short", 12) == "short"
    assert [percent(x) for x in (0, 0.00012, 0.5, 1)] == ["0.0 %", "0.012 %", "50.0 %", "100.0 %"]


def test_a_folder_that_is_no_report_is_left_alone(tmp_path):
    mine = tmp_path / "papers"
    mine.mkdir()
    (mine / "thesis.txt").write_text("do not touch")
    with pytest.raises(ConfigError, match=r"report\.path: .*papers holds files that are not a report"):
        write_site(mine, {"index.html": b"x"})
    assert (mine / "thesis.txt").read_text() == "do not touch"


def test_a_report_takes_the_place_of_the_one_before_whole(tmp_path):
    folder = tmp_path / "deep" / "report"
    write_site(folder, {"index.html": b"1", "csv/old.csv": b"", MARKER: b""})
    write_site(folder, {"index.html": b"2", MARKER: b""})
    assert (folder / "index.html").read_bytes() == b"2"
    assert not (folder / "csv").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["report"]


def test_a_sample_says_so_on_every_page():
    files = render_site(
        build_pages(frames(ratings=[rating("m", 1000.0)], pairs=[pair("m", "n")])), notice="Sample data!"
    )
    assert all("Sample data!" in text_of(files, name) for name in files if name.endswith(".html"))
    assert "Sample data" not in text_of(render_site(build_pages(frames())), "index.html")


def test_every_plot_of_a_report_with_a_sample_says_so_in_its_caption():
    def captions(notice):
        pages = build_pages(frames(ratings=[rating("m", 1000.0), rating("n", 900.0)], pairs=[pair("m", "n")]))
        files = render_site(pages, notice=notice, single_file=True)
        read = {name: content.decode() for name, content in files.items() if name.endswith(".html")}
        return {name: re.findall("<figcaption>(.+?)</figcaption>", html) for name, html in read.items()}

    marked, plain = captions("Sample data!"), captions("")
    assert plain["index.html"]
    assert plain["report.html"]
    for name, found in plain.items():
        assert marked[name] == [f"{caption} (report with sample data)" for caption in found]


def test_every_csv_file_has_a_json_file_with_the_same_rows():
    files = render_site(build_pages(frames(ratings=[rating("m", 1000.25), rating("n", None)])))
    for name in [name for name in files if name.startswith("csv/")]:
        rows = json.loads(files[name.replace("csv", "json")])
        assert len(rows) == len(read_csv(files, name.removeprefix("csv/")))
    (board,) = [json.loads(files[name]) for name in files if name.startswith("json/leaderboard")]
    assert [(row["model"], row["rating"], row["rank"]) for row in board] == [("m", 1000.25, 1), ("n", None, None)]
    assert json.loads(json_bytes(pd.DataFrame({"x": [math.inf, 1.0]}))) == [{"x": None}, {"x": 1.0}]


def test_the_report_as_one_file_needs_no_other_and_all_its_links_lead_somewhere():
    shown = frames(
        ratings=[rating("a", 1100.0), rating("</script>", 1000.0), rating("a", 900.0, name="language=x")],
        pairs=[pair("a", "</script>")],
        predicted=[prediction("</script>", "a")],
    )
    files = render_site(build_pages(shown), single_file=True)
    assert "report.html" not in render_site(build_pages(shown))
    page = Elements(files["report.html"].decode())
    assert page.open == []
    assert not [attributes for tag, attributes in page.tags if tag in ("link", "img") or "src" in attributes]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {name for name in files if name.endswith(".html")} - {"report.html"} <= set(ids)
    links = [attributes for tag, attributes in page.tags if tag == "a"]
    inside = [link["href"][1:].partition("&")[0] for link in links if link["href"].startswith("#")]
    assert set(inside) <= set(ids)
    tables = {link["download"]: link["href"] for link in links if "download" in link}
    assert set(tables) == {name.partition("/")[2] for name in files if name.startswith(("csv/", "json/"))}
    assert len(links) == len(inside) + sum("download" in link for link in links)
    for name, href in tables.items():
        kind, _, content = href.partition(";charset=utf-8;base64,")
        assert kind == ("data:text/csv" if name.endswith(".csv") else "data:application/json")
        assert base64.b64decode(content) == files[f"{name.rpartition('.')[2]}/{name}"]


def test_a_script_that_speaks_of_the_end_of_a_script_does_not_end_it():
    assert _script_in_html('a = "</script><!--</SCRIPT>"') == 'a = "<\\/script><\\!--<\\/SCRIPT>"'


def test_marks_stand_out_from_both_pages():
    css = render_site([])["report.css"].decode()
    pages = re.findall(r"--(?:page|raised): (#[0-9a-f]{6})", css)
    assert len(pages) == 4

    def luminance(color):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(a, b):
        high, low = sorted((luminance(a), luminance(b)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for color in (*COLORS, re.search(r"--mark: (#[0-9a-f]{6})", css)[1]):
        assert min(contrast(color, page) for page in pages) >= 3, color


def test_a_number_that_rounds_to_nothing_has_no_sign():
    texts = [number_cell(value, digits).text for value, digits in ((-0.04, 1), (-0.3, 0), (-0.06, 1), (-1200, 0))]
    assert texts == ["0.0", "0", "-0.1", "-1,200"]

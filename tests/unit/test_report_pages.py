"""Pages of the report from invented frames: hostile names, figures, CSV files, and what empty sections say."""

import base64
import csv
import datetime as dt
import io
import itertools
import json
import math
import re
from dataclasses import replace

import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from report_cases import (
    HOSTILE,
    Elements,
    agreement_row,
    answer_row,
    bias_row,
    calibrated,
    flag_row,
    frames,
    grade_row,
    hostile_frames,
    ledger_row,
    moved,
    pages_of,
    pair,
    prediction,
    rating,
    read_csv,
    text_of,
    token_row,
    win_rate_row,
)

from arenalake import __version__
from arenalake.app.pages import build_pages
from arenalake.config.loading import parse_config
from arenalake.errors import ConfigError
from arenalake.ingest.job import terms_of
from arenalake.lake import Lake
from arenalake.ratings.tables import RATINGS
from arenalake.report.figures import COLORS, intervals_by_name
from arenalake.report.parts import Section, TableView, number_cell, percent, short, slug, text_column
from arenalake.report.site import MARKER, _script_in_html, csv_bytes, json_bytes, json_in_html, render_site, write_site
from arenalake.sources.arena import ARENA
from arenalake.trees.tables import SUM_NAMES


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


def test_a_leaderboard_reads_as_on_the_known_ones():
    ratings = [
        rating("strong", 1100.0, rank=1, rank_ub=1),
        rating("weak", 900.4, rank=2, rank_ub=2, rank_lower=2, rank_upper=2),
        rating("winner", 1200.0, ci_upper=None, note="unbounded", component=2),
        rating("loser", component=3, note="no estimate: only losses"),
    ]
    pages = build_pages(frames(ratings=ratings))
    view = pages[0].sections[0].tables[0]
    headers = [column.header for column in view.columns]
    assert headers == ["Rank", "Model", "Rating", "95 % CI", "Votes", "Place", "Rank spread", "Component", "Note"]
    assert [[cell.text for cell in row] for row in view.rows] == [
        ["1", "strong", "1100", "+10/−12", "50", "1", "1–2", "1", "–"],
        ["2", "weak", "900", "+10/−12", "50", "2", "2", "1", "–"],
        ["–", "loser", "–", "–", "50", "–", "–", "3", "no estimate: only losses"],
    ]
    further = pages[0].sections[0].sections[0]
    assert further.title == "Component 2"
    assert [[cell.text for cell in row] for row in further.tables[0].rows] == [
        ["1", "winner", "1200", "+unbounded/−12", "50", "1", "1–2", "unbounded"],
    ]
    assert [len(shown.figures) for shown in (pages[0].sections[0], further)] == [1, 1]
    assert any("1 model has no rating" in sentence for sentence in pages[0].sections[0].sentences)


def test_each_slice_and_interval_has_its_own_table_and_file():
    ratings = [
        rating("m", 1000.0, name=name, interval=interval)
        for name in ("all", "language=a", "language=A")
        for interval in ("percentile", "sandwich")
    ]
    files = render_site(build_pages(frames(ratings=ratings)))
    assert sum(name.startswith("slice-") for name in files) == 2
    assert sum(name.startswith("csv/leaderboard-") for name in files) == 6
    index = Elements(files["index.html"].decode())
    links = [attributes["href"] for tag, attributes in index.tags if tag == "a"]
    assert all(name in links for name in files if name.startswith("slice-"))


def test_what_style_is_worth_stands_under_the_board_that_controls_for_it():
    style = {"source": "s", "slice": "all", "unit": "battle", "mean": 0.0, "sd": 0.2, "n_battles": 40, "n_rounds": 100}
    tokens = style | {"covariate": "tokens", "coefficient": 0.2512, "ci_lower": 0.1, "ci_upper": 0.4, "n_unmeasured": 7}
    site = frames(ratings=[rating("m", 1000.0), rating("m", 990.0, method="style_control")], style=[tokens])
    files = render_site(build_pages(site))
    text = text_of(files, "index.html")
    assert "tokens 0.251 0.100 0.400" in text
    assert "7 battles without a text, or without measurements of it, are left out" in text
    assert "style-s-all-battle.csv" in " ".join(files)


def test_a_win_rate_is_shown_with_its_digits():
    board = [rating("m", 0.5512, method="win_rate", ci_lower=0.501, ci_upper=0.602)]
    assert "m 0.551 +0.051/−0.050" in text_of(render_site(build_pages(frames(ratings=board))), "index.html")


def test_two_long_names_that_look_alike_stay_two_rows_of_a_plot():
    names = [f"{'x' * 100}{end}{'y' * 100}" for end in "ab"]
    files = render_site(build_pages(frames(ratings=[rating(name, 1000.0) for name in names])))
    (spec,) = [json.loads(text) for text in Elements(files["index.html"].decode()).scripts if text.strip()]
    assert spec["data"][0]["y"] == [0.0, 1.0]
    assert len(set(spec["layout"]["yaxis"]["ticktext"])) == 1


def test_a_heat_map_holds_each_pair_from_both_sides_and_leaves_gaps_empty():
    shown = frames(pairs=[pair("a", "b", 20), pair("b", "c", 10, bothbad=4)])
    scripts = Elements(render_site(build_pages(shown))["battles.html"].decode()).scripts
    rates, counts, ties = (json.loads(text)["data"][0]["z"] for text in scripts[-3:])
    # Without ratings the order is by battles: b (30), a (20), c (10).
    assert rates == [[None, 0.4, 0.6], [0.6, None, None], [0.4, None, None]]
    assert counts == [[None, 20, 10], [20, None, None], [10, None, None]]
    # Of a and b 20 - 10 - 5; of b and c 10 - 5 - 2, and 4 where both were bad.
    assert ties == [[None, 5, 7], [5, None, None], [7, None, None]]


def test_more_models_than_a_square_can_hold_are_left_to_the_table():
    names = [f"m{i:03}" for i in range(70)]
    pairs = [pair(a, b, 100 - i) for i, (a, b) in enumerate(itertools.pairwise(names))]
    files = render_site(build_pages(frames(pairs=pairs)))
    first = json.loads(Elements(files["battles.html"].decode()).scripts[0])
    assert len(first["data"][0]["z"]) == 60
    assert "The squares show the 60 models with the most battles" in text_of(files, "battles.html")
    assert "m069" in text_of(files, "battles.html")


def test_an_empty_lake_gives_pages_that_say_so():
    files = render_site(build_pages(frames()))
    assert "This report has no ratings." in text_of(files, "index.html")
    assert "No file was ingested." in text_of(files, "data.html")
    # Of what a job has not looked at, nothing is said.
    assert {name for name in files if name.endswith(".html")} == {"index.html", "data.html"}
    assert not [name for name in files if name.startswith("csv/")]
    assert all(b'class="plot"' not in content for name, content in files.items() if name.endswith(".html"))


def test_days_without_a_time_are_told_in_a_sentence_and_not_plotted():
    files = render_site(build_pages(frames(volume=[{"source": "s", "n_battles": 8931}])))
    assert "8,931 battles have no time and are counted on no day." in text_of(files, "battles.html")
    assert b'class="plot"' not in files["battles.html"]


def test_roles_without_a_single_flag_are_told_in_a_sentence_instead_of_rows_of_zeros():
    rows = [
        flag_row(unit, n, 0, role=role, n_missing=50 if unit == "message" else None)
        for role, n in (("user", 0), ("battle", 80))
        for unit in ("message", "conversation")
    ]
    files = render_site(build_pages(frames(flags=rows)))
    assert "The source publishes no flags for user messages" in text_of(files, "moderation.html")
    assert [row["role"] for row in read_csv(files, "flags-s-message")] == ["battle"]


def test_scores_without_flags_are_shown_and_few_are_hidden():
    rows = [flag_row(unit, 0, 0, n_missing=50 if unit == "message" else None) for unit in ("message", "conversation")]
    none = {"n_missing": 60, "mean_score": 0.375}
    rows += [
        flag_row("message", 0, 0, category="detoxify:toxicity", **none, n_scored=60),
        flag_row("message", 0, 0, category="detoxify:threat", **none | {"n_missing": 4}, n_scored=4),
    ]
    pages = build_pages(frames(flags=rows))
    (section,) = [page.sections[0] for page in pages if page.title == "Moderation"]
    assert section.sentences == ["No message of this source has a moderation flag."]
    (table,) = section.all_tables()
    shown = [[cell.text for cell in row[:4]] for row in table.rows]
    assert shown == [
        ["detoxify:threat", "user messages", "hidden", "–"],
        ["detoxify:toxicity", "user messages", "60", "0.38"],
    ]
    assert "detoxify:toxicity user messages 60 0.38" in text_of(render_site(pages), "moderation.html")


def test_published_figures_stand_beside_ours_and_small_counts_are_hidden():
    rows = [
        ledger_row("s", 0, "conversations", 500.0, reason="the source has 500 records"),
        ledger_row("s", 1, "models", 3.0, unit="models"),
        ledger_row("s", 2, "conversations flagged", 7.0),
        ledger_row("s", 3, "conversations flagged: hate", 0.0),
        ledger_row("s", 4, "turns", 2.0151, unit="turns (mean)", verdict="match"),
        ledger_row("s", 5, "flagged user messages", 1.4, unit="%"),
        ledger_row("s", 6, "users", None, unit="users", verdict="cannot be recomputed", reason="no user ids"),
        ledger_row("s", 7, "m: conversations", 15.0),
        ledger_row("s", 8, "n: conversations", 485.0),
        ledger_row("t", 0, "conversations", 4.0),
        ledger_row("t", 1, "tokens per prompt", 61.5, unit="tokens (mean)"),
    ]
    flags = [flag_row("conversation", 500, 7), flag_row("message", 900, 12)]
    tokens = [token_row(n, grouping="model", model=model) for model, n in (("rare", 3), ("m", 15), ("n", 485))]
    files = render_site(build_pages(frames(figures=rows, flags=flags, tokens=[token_row(503), *tokens])))
    shown = {
        (row["source"], row["figure"]): row["ours"]
        for prefix in "st"
        for row in read_csv(files, f"reproduction-{prefix}")
    }
    assert shown == {
        ("s", "conversations"): "500.0",
        ("s", "models"): "3.0",
        ("s", "conversations flagged"): "",
        ("s", "conversations flagged: hate"): "0.0",
        ("s", "turns"): "2.0151",
        ("s", "flagged user messages"): "",  # the page about moderation hides it too
        ("s", "users"): "",
        ("s", "m: conversations"): "",  # it guards a rare model on the page about lengths
        ("s", "n: conversations"): "485.0",
        ("t", "conversations"): "",
        ("t", "tokens per prompt"): "",
    }
    text = text_of(files, "reproduction.html")
    assert "Of 9 published figures 1 match, 7 differ and 1 cannot be recomputed." in text
    assert "conversations flagged conversations 1,000,000 hidden differs" in text
    assert "turns turns (mean) 1,000,000 2.02 match" in text


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


def test_a_leaderboard_shows_predictions_beside_observations_and_the_pairs_it_explains_worst():
    shown = frames(
        ratings=[rating("a", 1100.0), rating("b", 1000.0), rating("c", 900.0)],
        predicted=[
            prediction("a", "b", 0.6, 0.6, 0.1),
            prediction("a", "c", 0.75, None, None),
            prediction("b", "c", 0.61, 0.4, -3.25),
        ],
        calibration=[calibrated(0.72, 0.8)],
    )
    (source,) = [section for section in build_pages(shown)[0].sections if section.title == "s"]
    (fit,) = [section for section in source.sections if section.title == "Predicted and observed"]
    line, predicted, observed = (figure.spec["data"][-1] for figure in fit.figures)
    assert (line["x"], line["y"]) == ([0.72], [0.8])
    assert predicted["z"] == [[None, 0.6, 0.75], [0.4, None, 0.61], [0.25, 0.39, None]]
    assert observed["z"] == [[None, 0.6, None], [0.4, None, 0.4], [None, 0.6, None]]
    calibration, pairs = fit.tables
    assert [[cell.text for cell in row] for row in pairs.rows] == [
        ["b", "c", "20", "61.0 %", "40.0 %", "-3.2"],
        ["a", "b", "20", "60.0 %", "60.0 %", "0.1"],
        ["a", "c", "20", "75.0 %", "–", "–"],
    ]
    assert pairs.csv != calibration.csv
    # Plotly accepts the figures.
    for figure in fit.figures:
        go.Figure(figure.spec)


def test_predictions_of_which_nothing_was_observed_stand_alone():
    none = {"observed": None, "residual": None}
    shown = frames(
        ratings=[rating("a", 1100.0), rating("b", 1000.0), rating("c", 900.0)],
        predicted=[
            prediction("a", "b", 0.6, **none),
            prediction("a", "c", 0.25, **none),
            prediction("b", "c", 0.61, **none),
        ],
    )
    (source,) = [section for section in build_pages(shown)[0].sections if section.title == "s"]
    (fit,) = [section for section in source.sections if section.title == "Predicted and observed"]
    assert [figure.spec["data"][-1]["z"][0] for figure in fit.figures] == [[None, 0.6, 0.25]]
    (pairs,) = fit.tables
    assert pairs.caption == "Pairs of s, most one-sided first"
    assert [[cell.text for cell in row] for row in pairs.rows] == [
        ["a", "c", "25.0 %"],
        ["b", "c", "61.0 %"],
        ["a", "b", "60.0 %"],
    ]


def test_what_ratings_hang_on_is_told_by_language_and_for_judges_only_as_a_whole():
    lost = {"change": None, "rating": None, "note": "no votes left"}
    shown = frames(
        ratings=[rating("a", 1100.0), rating("b", 1000.0)],
        influence=[
            moved("a", 2.0),
            moved("b", -7.5),
            moved("a", 0.5, value="rare", n=3),
            moved("b", 0.0, value="French") | lost,
            *[moved("a", c, left_out="judge", value=v) for v, c in (("lowest", -1.0), ("highest", 4.0))],
        ],
    )
    (source,) = [section for section in build_pages(shown)[0].sections if section.title == "s"]
    (hang,) = [section for section in source.sections if section.title == "Ratings with a part of the votes left out"]
    languages, judges = hang.tables
    assert [[cell.text for cell in row] for row in languages.rows] == [
        ["rare", "a", "–", "–", "–", "–"],
        ["French", "b", "–", "–", "80", "no votes left"],
        ["German", "b", "-7.5", "992.5", "80", "–"],
        ["German", "a", "+2.0", "1,002.0", "80", "–"],
    ]
    assert [row[1].text for row in judges.rows] == ["lowest", "highest"]
    spread = {trace["name"]: trace for trace in hang.figures[0].spec["data"]}
    assert spread["one judge"]["error_x"] == spread["one judge"]["error_x"] | {"array": [2.5], "arrayminus": [2.5]}
    assert "all -7.5 to -7.5" in spread["one language"]["text"][1]
    few = frames(
        ratings=[rating("a", 1100.0)],
        influence=[moved("a", 9.0, left_out="judge", value="highest", n=2)],
    )
    assert few.rating_influence["change"].isna().all()
    (source,) = [section for section in build_pages(few)[0].sections if section.title == "s"]
    (hang,) = [section for section in source.sections if section.title == "Ratings with a part of the votes left out"]
    assert hang.tables == hang.figures == []
    assert "Too few judges" in hang.sentences[-1]


def test_slices_that_are_too_small_are_told_with_the_threshold_and_tiny_ones_without_their_number():
    sizes = [("language=Welsh", 4, False), ("language=German", 400, False), ("language=English", 900, True)]
    shown = frames(
        ratings=[rating("a", 1100.0)],
        slices=[{"source": "s", "slice": k, "n_battles": n, "rated": r, "min_battles": 500} for k, n, r in sizes],
    )
    (source,) = [section for section in build_pages(shown)[0].sections if section.title == "s"]
    (small,) = [section for section in source.sections if section.title.startswith("Slices that are too small")]
    assert small.title.endswith("(2 of 3)")
    assert "fewer than 500 battles" in small.sentences[0]
    assert [[cell.text for cell in row] for row in small.tables[0].rows] == [
        ["language=English", "900", "yes"],
        ["language=German", "hidden", "no"],  # or Welsh would be all less English and German
        ["language=Welsh", "hidden", "no"],
    ]


def test_battles_that_are_not_rated_are_told_by_rule():
    rule = {"source": "s", "parameters": "only_anony=true"}
    shown = frames(
        cleaning=[
            rule | {"step": 1, "rule": "only_anony", "n_before": 90, "n_removed": 20, "n_after": 70},
            rule | {"step": 2, "rule": "outliers", "n_before": 70, "n_removed": 0, "n_after": 70},
        ]
    )
    (page,) = [page for page in build_pages(shown) if page.file == "battles.html"]
    section = page.sections[-1]
    assert section.sentences[0].startswith("20 of 90 battles are left out")
    assert [[cell.text for cell in row][:5] for row in section.tables[0].rows] == [
        ["1", "only_anony", "90", "20", "70"],
        ["2", "outliers", "70", "0", "70"],
    ]


def test_attempts_and_answers_are_shown_and_small_ones_hidden():
    rows = [answer_row(1000, 400), answer_row(9, 3, category="hate"), answer_row(0, 0, category="violence")]
    rows += [answer_row(500, 300, "m1"), answer_row(493, 96, "m2"), answer_row(7, 4, "tiny")]
    shown = frames(flags=[flag_row("conversation", 1000, 400)], answers=rows)
    hidden = shown.moderation_answers.set_index(["category", "model"])["hidden"]
    # The one next to the hidden one is hidden too, or it could be told by subtraction.
    assert hidden["hate", None] == "all"
    assert (hidden["any", "tiny"], hidden["any", "m2"]) == ("all", "all")
    assert hidden[[("any", None), ("violence", None), ("any", "m1")]].isna().all()
    html = text_of(render_site(build_pages(shown)), "moderation.html")
    assert "Attempts and answers in s by model, any category" in html
    assert "60.0 %" in html
    assert "493" not in html
    csv = shown.moderation_answers
    assert csv.loc[csv["hidden"] == "all", ["n_attempts", "n_answered", "answered_rate"]].isna().all(axis=None)


def test_a_source_without_attempts_has_no_section_of_answers():
    shown = frames(flags=[flag_row("conversation", 1000, 0)], answers=[answer_row(0, 0)])
    assert "Attempts and answers" not in text_of(render_site(build_pages(shown)), "moderation.html")


def test_the_page_of_judges_has_agreement_bias_grades_and_win_rates():
    stats = [
        agreement_row("expert", "expert", 0.63),
        agreement_row("expert", "gpt-4", 0.66, is_basis=False),
        agreement_row("expert", "gpt-4", 0.85, setup="without_ties"),
        agreement_row("expert", "gpt-4", None, measure="cohen_kappa", ci_lower=None, ci_upper=None),
        agreement_row("expert", "gpt-4", 0.7, grouping="turn", turn=1),
        agreement_row("expert", "gpt-4", 0.5, grouping="category", category="math"),
        *[
            agreement_row("expert", "gpt-4", r, grouping="category", category=name, measure="score_correlation")
            for name, r in (("math", 0.33), ("brainstorm", 0.6), ("one answer", None))
        ],
    ]
    bias = [
        bias_row("gpt-4", "first_wins", 0.6),
        bias_row("gpt-4", "length_log_odds", 0.31, k=None, p_value=None),
    ]
    pages = build_pages(
        frames(
            agreement=stats,
            bias=bias,
            win_rates=[
                win_rate_row("expert", "worse", win_rate=0.1, n=40),
                win_rate_row("expert", "gpt-4"),
                win_rate_row("expert", "gpt-4", category="coding", win_rate=0.7, n=40),
            ],
            grades=[
                *[grade_row("expert", 1, 3), grade_row("expert", 8, 1)],
                *[grade_row("gpt-4", 7.5, 1, "a"), grade_row("gpt-4", 9, 4, "a"), grade_row("gpt-4", 7.5, 5, "b")],
            ],
        )
    )
    parts = {part.title: part for page in pages if page.file == "judges.html" for part in page.sections[0].sections}
    correlated = parts["Agreement"].figures[-1].spec
    assert correlated["layout"]["yaxis"]["ticktext"] == ["brainstorm", "math", "one answer"]
    assert [(trace["name"], trace["x"]) for trace in correlated["data"]] == [("expert and gpt-4", [0.6, 0.33])]
    shares, coefficients = (figure.spec["data"][0] for figure in parts["Bias"].figures)
    assert (shares["x"], coefficients["x"]) == ([0.6], [0.31])
    assert coefficients["error_x"]["array"] == pytest.approx([0.43])
    ratings, scores = (figure.spec["data"] for figure in parts["Grades"].figures)
    assert [(line["name"], line["x"], line["y"]) for line in ratings] == [("expert", [1, 8], [0.75, 0.25])]
    assert [(line["name"], line["x"], line["y"]) for line in scores] == [
        ("gpt-4, shown first", [7.5, 9], [0.2, 0.8]),
        ("gpt-4, shown second", [7.5], [1]),
    ]
    (graded,) = parts["Grades"].sections[0].tables
    assert [[cell.text for cell in row] for row in graded.rows] == [
        ["expert", "–", "1", "3", "75.0 %"],
        ["expert", "–", "8", "1", "25.0 %"],
        ["gpt-4", "shown first", "7.5", "1", "20.0 %"],
        ["gpt-4", "shown first", "9", "4", "80.0 %"],
        ["gpt-4", "shown second", "7.5", "5", "100.0 %"],
    ]
    (wide,) = parts["Win rates"].tables
    assert [column.header for column in wide.columns] == ["Model", "coding", "math"]
    shown = [[cell.text for cell in row] for row in wide.rows]
    assert shown == [["gpt-4", "70.0 %", "55.0 % †"], ["worse", "–", "10.0 %"]]
    site = render_site(pages)
    text = text_of(site, "judges.html")
    assert "Too few questions for inference: expert and gpt-4." in text
    for said in ("Agreement by turn in s", "Agreement by category in s", "60.0 %", "0.310", "75.0 %", "55.0 %"):
        assert said in text
    assert [row["value"] for row in read_csv(site, "agreement-s-all")][:2] == ["0.63", "0.66"]


def tree_row(n, *, grouping="all", people=20, **other):
    marks = dict.fromkeys(SUM_NAMES, 12) | {"n_messages": n, "n_trees": 30, "n_deleted": 3}
    work = {"n_contributors": people, "n_attributed": n, "gini": 0.5, "busiest_share": 0.25}
    return {"source": "s", "grouping": grouping} | marks | work | other


def label_row(label, n=50, **other):
    quantiles = {"p5": 0.0, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 1.0}
    numbers = {"n": n, "n_ratings": 3 * n, "mean": 0.5, "n_deleted": 4, "mean_deleted": 0.875, "mean_kept": 0.125}
    return {"source": "s", "grouping": "all", "label": label} | quantiles | numbers | other


def test_the_page_of_trees_says_what_is_there_and_hides_few_people():
    shape = {"measure": "depth of tree", "n": 500, "total": 900, "mean": 1.8, "sd": 1.0, "min": 0, "max": 7}
    shape |= {f"p{p}": 2 for p in (1, 5, 25, 50, 75, 95, 99)} | {"source": "s", "grouping": "all"}
    pair = {"source": "s", "grouping": "all", "n_pairs": 70, "n_longer": 42, "n_shorter": 28, "n_model_wins": 1}
    pair |= {"n_person_wins": 2, "n_same_author": 0, "longer_rate": 0.6, "ci_lower": 0.5, "ci_upper": 0.7}
    pair |= {"n_authors": 30, "busiest_share": 0.125}
    by_few = pair | {"grouping": "language", "language": "de", "n_authors": 4, "n_pairs": 25, "busiest_share": 0.8125}
    site = frames(
        trees=[
            tree_row(100),
            tree_row(60, grouping="language", language="en"),
            tree_row(26, grouping="language", language="de", people=4),
            tree_row(14, grouping="language", language="fr"),
            tree_row(100, grouping="month", month="2023-02"),
        ],
        shapes=[shape],
        threads=[
            shape | {"measure": "turns per thread"},
            shape | {"measure": "tokens per message", "role": "user", "tokenizer": "sample", "mean": 33.41},
        ],
        example=[
            {
                "source": "s",
                "place": place,
                "parent": parent,
                "role": role,
                "rank": rank,
                "labels": labels,
                "text": text,
            }
            for place, parent, role, rank, labels, text in (
                (0, None, "prompter", None, None, "Is 1 < 2?"),
                (1, 0, "assistant", 0, "quality 0.58", "<b>Yes</b>"),
                (2, 0, "assistant", 1, None, None),
            )
        ],
        labels=[
            label_row("quality"),
            label_row("quality", grouping="role", role="prompter"),
            label_row("spam", n=5),
            label_row("quality", 25, grouping="language", language="en", mean=0.625),
            label_row("quality", 25, grouping="language", language="de", mean=0.375),
        ],
        correlations=[
            {"source": "s", "grouping": "all", "label_a": a, "label_b": b, "n": n, "correlation": correlation}
            for a, b, n, correlation in (
                ("quality", "spam", 50, -0.25),
                ("detoxify:insult", "quality", 40, -0.375),
                ("detoxify:insult", "spam", 4, 0.875),
            )
        ],
        tree_pairs=[pair, by_few, by_few | {"language": "en", "n_authors": 28, "n_pairs": 45, "busiest_share": 0.8125}],
    )
    hidden = site.tree_stats[site.tree_stats["hidden"]]
    assert "de" in set(hidden["language"])  # 26 messages, but by four people
    pages = build_pages(site)
    (trees,) = [page for page in pages if page.title == "Conversation trees"]
    (labels,) = [part for part in trees.sections[0].sections if part.title == "Labels"]
    (cells,) = [figure.spec["data"][0] for figure in labels.figures if "correlation" in figure.caption]
    assert (cells["zmin"], cells["zmax"], cells["z"]) == (-1, 1, [[None, -0.25], [-0.25, None]])
    (scores,) = [table for table in labels.tables if "Detoxify" in table.caption]
    assert [column.header for column in scores.columns] == ["Label", "insult"]
    assert [[cell.text for cell in row] for row in scores.rows] == [["quality", "-0.375"], ["spam", "hidden"]]
    (by_language,) = [part.tables[0] for part in labels.sections if part.title == "Labels by language"]
    # Of German, the table of languages hides the messages: they are by four people.
    assert [[cell.text for cell in row] for row in by_language.rows] == [["de", "hidden"], ["en", "0.625"]]
    (languages,) = [part for part in trees.sections[0].sections if part.title == "By language"]
    shown = site.tree_stats[(site.tree_stats["grouping"] == "language") & ~site.tree_stats["hidden"]]
    (bars,) = languages.figures[0].spec["data"]
    assert bars["x"] == sorted(shown["n_messages"], reverse=True) == [60]
    (example,) = [part for part in trees.sections[0].sections if part.title == "One tree"]
    edges, prompts, answers = example.figures[0].spec["data"]
    assert (edges["x"], edges["y"]) == ([0.5, 0.0, None, 0.5, 1.0, None], [0, 1, None, 0, 1, None])
    assert (prompts["x"], prompts["y"], answers["x"], answers["y"]) == ([0.5], [0], [0.0, 1.0], [1, 1])
    assert answers["text"] == ["0", "1"]
    assert answers["hovertext"] == [
        "message 1 by the assistant, rank 0, quality 0.58<br>&lt;b&gt;Yes&lt;/b&gt;",
        "message 2 by the assistant, rank 1",
    ]
    (listed,) = example.all_tables()
    assert [row[-1].text for row in listed.rows] == ["Is 1 < 2?", "<b>Yes</b>", "–"]
    html = render_site(pages)["trees.html"].decode()
    assert "<bdi>&lt;b&gt;Yes&lt;/b&gt;</bdi>" in html
    assert "<b>Yes" not in html
    site.tree_example["text"] = None  # as where the licence allows no text
    (closed,) = [page for page in build_pages(site) if page.title == "Conversation trees"]
    (example,) = [part for part in closed.sections[0].sections if part.title == "One tree"]
    assert example.figures[0].spec["data"][2]["hovertext"][0] == "message 1 by the assistant, rank 0, quality 0.58"
    assert [column.header for column in example.all_tables()[0].columns][-1] == "Labels"
    (preferred,) = [
        part.tables[0] for part in trees.sections[0].sections if part.title == "Which answers are preferred"
    ]
    of_pairs = [[cell.text for cell in (row[0], row[1], row[-2], row[-1])] for row in preferred.rows]
    assert of_pairs[0] == ["all", "70", "30", "12.5 %"]
    # 25 pairs in German, but by four people; those in English would tell how many these are.
    assert of_pairs[1:] == [["de", "hidden", "hidden", "–"], ["en", "hidden", "hidden", "–"]]
    text = text_of(render_site(pages), "trees.html")
    assert "100 messages in 30 trees." in text
    assert "turns per thread 500 1.80" in text
    assert "tokens per message user sample 500 33.41" in text
    assert "20 people wrote 100 of these messages. The Gini coefficient of messages per person is 0.50" in text
    assert "the busiest 1 % of the people wrote 25.0 %" in text
    assert "0.875" not in text  # the mean of four deleted messages
    assert "60.0 %" in text
    assert "-0.250" in text


def test_boards_of_online_elo_have_the_median_of_the_rounds_and_both_kinds_of_ends():
    board = [rating("m", 1000.0, method=method, p5=991.0, p50=1003.0, p95=1009.0) for method in ("elo", "win_rate")]
    pages = build_pages(frames(ratings=board))
    views = [view for page in pages for part in page.sections for view in part.all_tables()]
    (elo,) = [
        dict(zip((column.header for column in view.columns), (cell.text for cell in view.rows[0]), strict=True))
        for view in views
        if "Median" in [column.header for column in view.columns]
    ]
    wanted = {"Median": "1003", "5 %": "991", "95 %": "1009", "2.5 %": "988", "97.5 %": "1010"}
    assert {name: elo[name] for name in wanted} == wanted


def test_tabs_lead_to_every_slice_with_its_votes_and_every_method():
    board = [
        rating("m", 1000.0, name=name, method=method)
        for name in ("all", "language=German", "month=2023-05")
        for method in ("bradley_terry", "elo")
    ]
    sizes = [("all", 900), ("language=German", 300), ("month=2023-05", 600)]
    slices = [{"source": "s", "slice": k, "n_battles": n, "rated": True, "min_battles": 100} for k, n in sizes]
    pages = build_pages(frames(ratings=board, slices=slices))
    first = {
        tabs.label: [(link.text, link.note, link.current) for link in tabs.links] for tabs in pages[0].sections[0].tabs
    }
    assert first == {
        "Votes": [("overall", "900", True)],
        "Language": [("German", "300", False)],
        "Month": [("2023-05", "600", False)],
    }
    (german,) = [page for page in pages if page.title == "s: German"]
    assert [link.current for tabs in german.sections[0].tabs for link in tabs.links] == [
        False,
        True,
        False,
        True,
        False,
    ]
    files = pages_of(render_site(pages))
    for page in files.values():
        ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
        for tag, attributes in page.tags:
            href = attributes.get("href", "")
            if tag == "a" and href.startswith("#"):
                assert href[1:] in ids


def test_ranks_of_all_slices_stand_side_by_side_and_months_are_a_line():
    names = ("all", "month=2023-04", "month=2023-05")
    board = [
        rating(model, value, name=name, rank_ub=rank, rank=rank)
        for name in names
        for model, value, rank in (("a", 1100.0, 1), ("b", 900.0, 2))
        if (model, name) != ("b", "month=2023-05")
    ]
    (source,) = [section for section in build_pages(frames(ratings=board))[0].sections if section.title == "s"]
    (ranks,) = [section for section in source.sections if section.title == "Ranks by slice"]
    view = ranks.tables[0]
    assert [column.header for column in view.columns] == ["Model", "overall", "2023-04", "2023-05"]
    assert [[cell.text for cell in row] for row in view.rows] == [["a", "1", "1", "1"], ["b", "2", "2", "–"]]
    (over_time,) = [section for section in source.sections if section.title == "Ratings over time"]
    lines = {trace["name"]: trace["y"] for trace in over_time.figures[0].spec["data"]}
    assert lines == {"a": [1100.0, 1100.0], "b": [900.0, None]}


def test_the_rank_with_style_control_stands_beside_the_rank_with_what_changed():
    plain = [rating("a", 1100.0, rank_ub=1), rating("b", 1000.0, rank_ub=2), rating("c", 900.0, rank_ub=3)]
    styled = [rating(m, 1000.0, rank_ub=rank, method="style_control") for m, rank in (("a", 2), ("b", 1))]
    (source,) = [page for page in build_pages(frames(ratings=plain + styled))[0].sections if page.title == "s"]
    view = source.sections[0].tables[0]
    place = [column.header for column in view.columns].index("Rank, style")
    assert [row[place].text for row in view.rows] == ["2 (▼1)", "1 (▲1)", "–"]


def test_an_interval_is_drawn_where_it_lies_and_an_open_end_reaches_the_edge():
    board = [rating("a", 1100.0, ci_lower=1050.0, ci_upper=None), rating("b", 1000.0, ci_lower=900.0, ci_upper=1050.0)]
    view = build_pages(frames(ratings=board))[0].sections[0].tables[0]
    place = [column.header for column in view.columns].index("95 % CI")
    assert [row[place].bar for row in view.rows] == [(0.75, 1.0, 1.0), (0.0, 0.5, 0.75)]


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


def test_few_votes_behind_a_number_of_judges_are_marked():
    shown = frames(bias=[bias_row("few", "tie", 0.6, n=9), bias_row("many", "tie", 0.6, n=10)])
    text = text_of(render_site(build_pages(shown)), "judges.html")
    assert "60.0 % †" in text
    assert text.count("†") == 2, "once in the table, once where it is explained"


def test_there_is_no_page_about_what_no_source_has():
    assert not {"judges.html", "preferences.html", "trees.html"} & set(render_site(build_pages(frames())))


def page_of(pages, title):
    (page,) = [page for page in pages if page.title == title]
    return page


def cells_of(view):
    return [[cell.text for cell in row] for row in view.rows]


def test_a_model_has_a_page_with_its_ratings_by_slice_and_method_to_which_the_leaderboard_links():
    boards = [("all", "bradley_terry"), ("all", "win_rate"), ("language=German", "bradley_terry")]
    rated = [
        rating(model, 0.5 if method == "win_rate" else 1000.0, name=name, method=method, rank_ub=rank)
        for name, method in boards
        for rank, model in enumerate(("a", "b"), 1)
    ]
    pages = build_pages(frames(ratings=[*rated, rating("a", 1000.0, interval="sandwich", rank_ub=9)]))
    links = [row[1].href for row in pages[0].sections[0].sections[0].tables[0].rows]
    assert links == ["model-a.html", "model-b.html"]
    (source,) = page_of(pages, "b").sections
    (ratings,) = source.sections
    assert [row[:4] for row in cells_of(ratings.tables[0])] == [
        ["2", "overall", "Bradley-Terry, ties as half a win for each side", "1000"],
        ["2", "overall", "Average win rate", "0.500"],
        ["2", "German", "Bradley-Terry, ties as half a win for each side", "1000"],
    ]
    (figure,) = ratings.figures
    assert figure.spec["layout"]["yaxis"]["ticktext"] == ["overall", "German"]


def test_opponents_are_seen_from_the_side_of_the_model():
    shown = frames(
        ratings=[rating("a", 1100.0), rating("b", 1000.0), rating("c", 900.0)],
        predicted=[
            prediction("a", "b", 0.6, 0.7, 1.5),
            prediction("b", "c", 0.75, None, None) | {"n_battles": 0, "probability_above": 0.875},
        ],
    )
    pages = build_pages(shown)
    (source,) = page_of(pages, "b").sections
    view = source.sections[1].tables[0]
    assert cells_of(view) == [
        ["a", "20", "40.0 %", "30.0 %", "-1.5", "40.0 %"],
        ["c", "0", "75.0 %", "–", "–", "87.5 %"],
    ]
    assert [(row["n_above"], row["n_below"]) for row in view.frame.to_dict("records")] == [(40, 60), (60, 40)]
    assert [row[0].href for row in view.rows] == ["model-a.html", "model-c.html"]


def test_what_other_tables_hide_of_a_model_is_hidden_on_its_page():
    tokens = [token_row(n, grouping="model", model=model) for model, n in (("a", 3), ("b", 300), ("c", 14))]
    flags = [
        flag_row("conversation", n, flagged, grouping="model", model=model)
        for model, n, flagged in (("a", 3, 1), ("b", 300, 4), ("d", 0, 0))
    ]
    shown = frames(ratings=[rating(model, 1000.0) for model in "abcd"], tokens=[token_row(317), *tokens], flags=flags)
    files = render_site(build_pages(shown))
    assert "a user hidden – –" in text_of(files, "model-a.html")
    assert "any user messages hidden hidden hidden hidden" in text_of(files, "model-a.html")
    assert "any user messages 300 hidden hidden hidden" in text_of(files, "model-b.html")
    # The rare one would be the total less the two others; and no label is no row.
    assert "c user hidden – –" in text_of(files, "model-c.html")
    assert "Flags" not in text_of(files, "model-d.html")
    rows = read_csv(files, "model-s-a-tokens-sample") + read_csv(files, "model-s-a-flags")
    assert {row[name] for row in rows for name in ("n", "n_flagged", "rate", "n_conversations") if name in row} == {""}


def test_two_models_are_compared_from_the_rows_of_their_leaderboard():
    shown = frames(
        ratings=[
            rating("b", 1000.0, rank_ub=2),
            rating("a", 1100.0),
            rating("lone", None, note="no estimate: only losses"),
            rating("far", 1000.0, component=2),
        ],
        predicted=[prediction("a", "b", 0.6, None, None)],
    )
    site = render_site(build_pages(shown))
    (data,) = [json.loads(text) for text in Elements(site["compare.html"].decode()).scripts if text.strip()]
    (found,) = data["boards"]
    assert data["labels"] == ["Rating", "95 % interval", "Rank", "Rank spread", "Votes"]
    assert (found["key"], found["pairs"]) == ("s/bradley_terry/battle", [[0, 1, 20, 0.6, None, 0.6]])
    assert [(model["name"], model["component"], model["cells"]) for model in found["models"]] == [
        ("a", 1, ["1100", "+10/−12", "1", "1–2", "50"]),
        ("b", 1, ["1000", "+10/−12", "2", "1–2", "50"]),
        ("far", 2, ["1000", "+10/−12", "1", "1–2", "50"]),
        ("lone", None, ["–", "–", "–", "–", "50"]),
    ]
    assert all(model["page"] in site for model in found["models"])
    assert "compare.html#votes=s%2Fbradley_terry%2Fbattle&a=a" in site["model-a.html"].decode().replace("&amp;", "&")


def test_more_models_than_may_have_a_page_stand_on_the_leaderboard_without_a_link(monkeypatch):
    monkeypatch.setattr("arenalake.report.boards.MAX_MODEL_PAGES", 1)
    pages = build_pages(frames(ratings=[rating("few", 1100.0), rating("many", 1000.0, n_battles=51)]))
    board = pages[0].sections[0].tables[0]
    assert [(row[1].text, row[1].href) for row in board.rows] == [("few", None), ("many", "model-many.html")]
    assert [page.file for page in pages if page.file.startswith("model-")] == ["model-many.html"]
    assert "The 1 models with the most votes have a page each." in " ".join(pages[0].sections[-1].sentences)


def test_the_line_above_a_leaderboard_says_what_it_is_made_of():
    shown = frames(
        ratings=[rating("a", 1100.0), rating("b", 1000.0)],
        volume=[{"source": "s", "day": day, "n_battles": 25} for day in (dt.date(2023, 4, 24), dt.date(2023, 5, 2))],
        terms=[{"source": "s", "title": "Votes of <b>two</b> evenings"}],
    )
    files = render_site(build_pages(replace(shown, rated_on=dt.date(2026, 11, 30))), title="Our <i>board</i>")
    method = "Bradley-Terry, ties as half a win for each side"
    assert (
        "Votes of <b>two</b> evenings · 50 votes on 2 models · 2023-04-24 to 2023-05-02 · "
        f"{method} · 100 bootstrap rounds · rated on 2026-11-30 (UTC) · arenalake {__version__}"
    ) in text_of(files, "index.html")
    for name in (name for name in files if name.endswith(".html")):
        assert text_of(files, name).count("Our <i>board</i>") == 2, name  # title and header


def test_a_source_is_called_what_the_configuration_calls_it():
    told = {"title": "Our votes", "licence": "CC BY 4.0", "citation": "us", "url": "https://example.org"}
    sources = {"votes": {"format": "votes", "path": "x"} | told, "arena": {"format": "arena", "path": "y"}}
    votes, arena = terms_of(parse_config({"storage": {"root": "lake"}, "sources": sources}).sources).to_dicts()
    assert votes == {"source": "votes", "format": "votes", "text_may_be_shared": False} | told
    assert (arena["title"], arena["licence"]) == (ARENA.terms.title, ARENA.terms.licence)


def test_the_day_of_a_table_is_that_of_its_last_change(tmp_path):
    lake = Lake(None, parse_config({"storage": {"root": str(tmp_path)}}).storage)
    assert lake.day_of(RATINGS) is None
    before = dt.datetime.now(dt.UTC).date()
    write_deltalake(tmp_path / "gold" / "ratings", pa.table({"model": ["a"]}))
    assert before <= lake.day_of(RATINGS) <= dt.datetime.now(dt.UTC).date()


def test_hidden_categories_are_drawn_as_hidden_and_those_without_a_flag_are_not():
    rows = [
        flag_row("conversation", 100, flagged, category=name)
        for name, flagged in (("any", 40), ("hate", 20), ("harassment", 3), ("violence", 0))
    ]
    page = page_of(build_pages(frames(flags=[*rows, flag_row("conversation", 0, 0, category="sexual")])), "Moderation")
    (figure,) = page.sections[0].sections[0].figures
    layout, (points,) = figure.spec["layout"], figure.spec["data"]
    names = layout["yaxis"]["ticktext"]
    assert set(names) == {"any", "hate", "harassment", "violence"}
    assert [(names[int(word["y"])], word["text"]) for word in layout["annotations"]] == [("harassment", "hidden")]
    assert dict(zip([names[int(y)] for y in points["y"]], points["x"], strict=True)) == {
        "any": 0.4,
        "hate": 0.2,
        "violence": 0.0,
    }
    go.Figure(figure.spec)


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


def test_where_one_of_several_groups_is_hidden_its_name_stands_beside():
    groups = {"users": [(0.5, 0.4, 0.6), "hidden", "hidden"], "answers": ["hidden", "hidden", None]}
    figure = intervals_by_name(caption="c", words="w", axis="x", names=["a", "b", "c"], groups=groups)
    words = [(word["y"], word["text"]) for word in figure.spec["layout"]["annotations"]]
    assert words == [(0, "hidden: answers"), (1, "hidden"), (2, "hidden: users")]


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

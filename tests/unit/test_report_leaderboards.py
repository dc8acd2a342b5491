"""Pages of ratings from invented frames: leaderboards, slices, models, and two models side by side."""

import datetime as dt
import json
from dataclasses import replace

import plotly.graph_objects as go
from report_cases import (
    Elements,
    calibrated,
    flag_row,
    frames,
    moved,
    page_of,
    pages_of,
    prediction,
    rating,
    read_csv,
    text_of,
    token_row,
)

from arenalake import __version__
from arenalake.app.pages import build_pages
from arenalake.report.site import render_site


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

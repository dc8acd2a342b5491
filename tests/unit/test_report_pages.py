"""Pages of the report from invented frames: hostile names, figures, CSV files, and what empty sections say."""

import datetime as dt
import itertools
import json

import plotly.graph_objects as go
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from report_cases import (
    Elements,
    agreement_row,
    answer_row,
    bias_row,
    flag_row,
    frames,
    grade_row,
    ledger_row,
    page_of,
    pair,
    rating,
    read_csv,
    text_of,
    token_row,
    win_rate_row,
)

from arenalake.app.pages import build_pages
from arenalake.config.loading import parse_config
from arenalake.ingest.job import terms_of
from arenalake.lake import Lake
from arenalake.ratings.tables import RATINGS
from arenalake.report.figures import intervals_by_name
from arenalake.report.site import render_site
from arenalake.sources.arena import ARENA
from arenalake.trees.tables import SUM_NAMES


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


def test_few_votes_behind_a_number_of_judges_are_marked():
    shown = frames(bias=[bias_row("few", "tie", 0.6, n=9), bias_row("many", "tie", 0.6, n=10)])
    text = text_of(render_site(build_pages(shown)), "judges.html")
    assert "60.0 % †" in text
    assert text.count("†") == 2, "once in the table, once where it is explained"


def test_there_is_no_page_about_what_no_source_has():
    assert not {"judges.html", "preferences.html", "trees.html"} & set(render_site(build_pages(frames())))


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


def test_where_one_of_several_groups_is_hidden_its_name_stands_beside():
    groups = {"users": [(0.5, 0.4, 0.6), "hidden", "hidden"], "answers": ["hidden", "hidden", None]}
    figure = intervals_by_name(caption="c", words="w", axis="x", names=["a", "b", "c"], groups=groups)
    words = [(word["y"], word["text"]) for word in figure.spec["layout"]["annotations"]]
    assert words == [(0, "hidden: answers"), (1, "hidden"), (2, "hidden: users")]

"""Pages of the report from invented frames: hostile names, hidden cells, CSV files, and what empty sections say."""

import csv
import datetime as dt
import io
import itertools
import json
import math
import re
from html.parser import HTMLParser

import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arenalake.errors import ConfigError
from arenalake.report.build import build_pages
from arenalake.report.frames import Frames, typed
from arenalake.report.hide import hide_cells, hide_moderation_cells, hide_token_cells
from arenalake.report.parts import Section, TableView, percent, short, slug, text_column
from arenalake.report.site import MARKER, csv_bytes, json_in_html, render_site, write_site
from arenalake.tables import (
    CLEANING_STATS,
    CORPUS_SHAPE,
    LANGUAGE_AUDIT,
    MODERATION_ANSWERS,
    MODERATION_CURVES,
    MODERATION_STATS,
    PAIR_STATS,
    POSITION_STATS,
    RATING_CALIBRATION,
    RATING_INFLUENCE,
    RATING_PAIRS,
    RATING_SLICES,
    RATINGS,
    REPRODUCTION,
    SOURCE_TERMS,
    STYLE_COEFFICIENTS,
    TOKEN_STATS,
    VOLUME_STATS,
    VOTER_STATS,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "<b>x</b>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(2)</script>",
    "</title><!--",
    '=HYPERLINK("http://evil.example")',
    "{{ 7 * 7 }}%{x}",
    "2023",
]
VOID = {"meta", "link", "br", "img", "hr", "input"}


def frame(table, *rows):
    """Rows of a table from dicts that name only the columns that matter."""
    columns = table.column_names
    assert all(set(row) <= set(columns) for row in rows)
    return typed(
        pd.DataFrame([[row.get(name) for name in columns] for row in rows], columns=columns, dtype=object), table
    )


def floats(df, table):
    kinds = {column.name: float for column in table.columns if column.type == "double"}
    return df.astype(kinds)


def rating(model, value=None, *, source="s", name="all", interval="percentile", **other):
    ranked = {} if value is None else {"rank": 1, "rank_ub": 1, "rank_lower": 1, "rank_upper": 2, "se": 5.0}
    ends = {} if value is None else {"ci_lower": value - 12.4, "ci_upper": value + 10.4}
    key = {"source": source, "slice": name, "method": "bradley_terry", "unit": "battle", "interval": interval}
    return (
        key
        | {"model": model, "rating": value, "component": 1, "n_battles": 50, "n_rounds": 100}
        | ranked
        | ends
        | other
    )


def token_row(n, *, grouping="all", role="user", **other):
    numbers = {"n_messages": n, "total": 7 * n, "mean": 7.0, "sd": 1.5, "min": 1, "max": 9}
    quantiles = dict(zip(("p1", "p5", "p25", "p50", "p75", "p95", "p99"), (1, 2, 3, 4, 5, 6, 7), strict=True))
    key = {"source": "s", "grouping": grouping, "role": role, "tokenizer": "sample"}
    return key | {"n_conversations": n} | numbers | quantiles | other


def flag_row(unit, n, n_flagged, *, grouping="all", category="any", **other):
    rate = n_flagged / n if n else None
    ends = {} if rate is None else {"ci_lower": rate / 2, "ci_upper": (1 + rate) / 2}
    scores = {"n_missing": 0, "n_scored": n, "mean_score": 0.1, "p50": 0.01, "p90": 0.2, "p99": 0.5, "p99_9": 0.9}
    key = {"source": "s", "grouping": grouping, "role": "user", "category": category, "unit": unit}
    return key | {"n": n, "n_flagged": n_flagged, "rate": rate} | ends | (scores if unit == "message" else {}) | other


def figure(source, place, name, ours, *, unit="conversations", verdict="differs", **other):
    key = {"source": source, "place": place, "figure": name, "citation": "a paper", "definition": "as it says"}
    return key | {"unit": unit, "published": 1e6, "ours": ours, "tolerance": 0.0, "verdict": verdict} | other


def shape_row(n, *, grouping="all", source="s", **other):
    numbers = {"share": 0.5, "mean_turns": 1.5, "n_redaction_known": n, "n_redacted": n // 2, "redacted_rate": 0.5}
    key = {"source": source, "grouping": grouping, "n_models": 1, "n_languages": 1}
    return key | {"n_conversations": n} | numbers | other


def voter_row(n_voters, *, source="s", judge_kind="human"):
    quantiles = dict.fromkeys(("min", "max", "p1", "p5", "p25", "p50", "p75", "p95", "p99"), 4)
    key = {"source": source, "judge_kind": judge_kind, "n_battles": 40, "n_anonymous": 0}
    return key | quantiles | {"n_voters": n_voters, "mean": 4.0, "sd": 0.0}


def audit_row(language, n, *, source="s", detected="English", **other):
    key = {"source": source, "detector": "cld2", "language": language, "detected_language": detected}
    numbers = {"n": n, "mean_confidence": 0.9, "median_letters": 20.0, "n_checked": 50, "n_confirmed": 20}
    return key | numbers | {"n_published": 100} | other


def frames(
    *,
    ratings=(),
    style=(),
    pairs=(),
    positions=(),
    volume=(),
    shape=(),
    voters=(),
    audit=(),
    tokens=(),
    flags=(),
    curves=(),
    answers=(),
    figures=(),
    slices=(),
    predicted=(),
    calibration=(),
    influence=(),
    cleaning=(),
    terms=(),
    min_cell=10,
):
    rows = {
        RATINGS: ratings,
        STYLE_COEFFICIENTS: style,
        RATING_SLICES: slices,
        RATING_PAIRS: predicted,
        RATING_CALIBRATION: calibration,
        RATING_INFLUENCE: influence,
        CLEANING_STATS: cleaning,
        PAIR_STATS: pairs,
        POSITION_STATS: positions,
        VOLUME_STATS: volume,
        CORPUS_SHAPE: shape,
        VOTER_STATS: voters,
        LANGUAGE_AUDIT: audit,
        TOKEN_STATS: tokens,
        MODERATION_STATS: flags,
        MODERATION_CURVES: curves,
        MODERATION_ANSWERS: answers,
        REPRODUCTION: figures,
        SOURCE_TERMS: terms,
    }
    tables = {table.name: floats(frame(table, *of_table), table) for table, of_table in rows.items()}
    ingested = pd.DataFrame(columns=["source", "files", "rows", "kept", "quarantined", "duplicates"])
    return Frames(**hide_cells(tables, min_cell), ingested=ingested, min_cell=min_cell)


def pair(a, b, n=20, **other):
    key = {"source": "s", "judge_kind": "human", "model_a": a, "model_b": b}
    numbers = {"wins_a": n // 2, "wins_b": n // 4, "ties": n - n // 2 - n // 4, "bothbad": 0, "n": n}
    return key | numbers | {"win_rate_a": 0.6, "ci_lower": 0.5, "ci_upper": 0.7} | other


def board(source="s", name="all"):
    return {"source": source, "slice": name, "method": "bradley_terry"}


def prediction(a, b, predicted=0.6, observed=0.7, residual=1.5, *, source="s"):
    numbers = {"predicted_win_rate": predicted, "observed_win_rate": observed, "residual": residual, "n_battles": 20}
    rounds = {"n_above": 60, "n_below": 40, "n_rounds": 100, "probability_above": 0.6}
    return board(source) | {"unit": "battle", "model_a": a, "model_b": b} | numbers | rounds


def calibrated(predicted=0.72, observed=0.8, *, source="s", name="all"):
    numbers = {"predicted_from": 0.7, "n_pairs": 3, "n_battles": 50}
    rates = {"predicted_win_rate": predicted, "observed_win_rate": observed}
    return board(source, name) | {"unit": "battle"} | numbers | rates


def moved(model, change, *, source="s", value="German", left_out="language", n=80, **other):
    sizes = {"n_values": n} if left_out == "judge" else {"n_left_out": n, "n_battles": 200, "rating": 1000 + change}
    key = board(source) | {"left_out": left_out, "value": value, "model": model}
    return key | {"change": change, "min_left_out": 50} | sizes | other


def answer_row(n_attempts, n_answered, model=None, *, source="s", category="any"):
    key = {"source": source, "grouping": "all" if model is None else "model", "model": model, "category": category}
    whole = {"n_conversations": 10_000, "n_user_flagged": n_attempts + 1, "n_answer_flagged": n_answered + 1}
    rates = {"answered_rate": n_answered / n_attempts if n_attempts else None, "ci_lower": 0.1, "ci_upper": 0.9}
    return key | whole | {"n_attempts": n_attempts, "n_answered": n_answered} | rates


def hostile_frames():
    names = HOSTILE
    others = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    position = {"source": "s", "judge_kind": "human", "side": "a", "n": 9, "ties": 1, "wins": 4, "win_rate": 0.5}
    curve = {"source": "s", "grouping": "all", "role": "user", "n": 100}
    return frames(
        ratings=[rating(name, 1000.0 - i, source=source) for source in names[:3] for i, name in enumerate(names)]
        + [rating(name, 1000.0, name=f"language={name}") for name in names],
        slices=[
            {"source": names[0], "slice": name, "n_battles": 50, "rated": False, "min_battles": 60} for name in names
        ],
        predicted=[prediction(a, b, source=names[0]) for a, b in others],
        calibration=[calibrated(source=names[0], name=name) for name in ("all", f"language={names[1]}")],
        influence=[
            moved(model, 5.0, source=names[0], value=name, left_out=kind)
            for kind in ("language", "judge")
            for name in names
            for model in names
        ],
        cleaning=[
            {"source": name, "step": 1, "rule": name, "n_before": 9, "n_removed": 2, "n_after": 7, "parameters": name}
            for name in names
        ],
        pairs=[pair(a, b) for a, b in others],
        positions=[position | {"model": name, "ci_lower": 0.2, "ci_upper": 0.8} for name in (None, *names)],
        volume=[{"source": name, "n_battles": 5} for name in names],
        shape=[shape_row(50, source=name) for name in names]
        + [shape_row(20, grouping=by, source=names[0], **{by: name}) for by in ("model", "language") for name in names],
        voters=[voter_row(20, source=name) for name in names],
        audit=[audit_row(name, 20, source=other, detected=other) for name in names for other in names[:3]],
        tokens=[token_row(50, grouping=by, **{by: name}) for by in ("model", "language") for name in names]
        + [token_row(50)],
        flags=[
            flag_row(unit, 100, 20, grouping=by, **({by: name} if by != "all" else {"category": name}))
            for by in ("all", "model", "language")
            for name in names
            for unit in ("message", "conversation")
        ],
        curves=[curve | {"category": name, "threshold": 0.1, "n_above": 50, "share": 0.5} for name in names],
        figures=[figure(name, 0, name, 5, reason=name, definition=name, citation=name) for name in names],
        terms=[
            dict.fromkeys(("source", "format", "title", "licence", "citation"), name)
            | {"text_may_be_shared": False, "url": url}
            for name, url in zip(
                names, ["javascript:alert(1)", "https://example.org/a?b=<c>", *[None] * 6], strict=True
            )
        ],
    )


class Elements(HTMLParser):
    """Start tags with their attributes, texts of scripts, and whether every tag is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.scripts, self.texts = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.scripts if self.open and self.open[-1] == "script" else self.texts).append(data)


def pages_of(files):
    return {name: Elements(content.decode()) for name, content in files.items() if name.endswith(".html")}


@pytest.fixture(scope="module")
def hostile_site():
    return render_site(build_pages(hostile_frames()))


def text_of(files, name):
    return " ".join(" ".join(Elements(files[name].decode()).texts).split())


def test_every_page_is_well_formed_and_nothing_of_a_name_becomes_an_element(hostile_site):
    pages = pages_of(hostile_site)
    assert len(pages) == 7 + len(HOSTILE)
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
                assert href in hostile_site, (name, href)
    css, js = hostile_site["report.css"].decode(), hostile_site["report.js"].decode()
    assert "url(" not in css
    assert "@import" not in css
    assert "http" not in js


def test_figures_are_valid_and_hold_no_markup_but_ours(hostile_site):
    specs = [json.loads(text) for page in pages_of(hostile_site).values() for text in page.scripts]
    assert len(specs) == 23
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
    assert headers == ["Rank", "Model", "Rating", "95 % CI", "Votes", "Rank (UB)", "Rank range", "Component", "Note"]
    assert [[cell.text for cell in row] for row in view.rows] == [
        ["1", "strong", "1100", "+10/−12", "50", "1", "1–2", "1", "–"],
        ["2", "weak", "900", "+10/−12", "50", "2", "2", "1", "–"],
        ["1", "winner", "1200", "+unbounded/−12", "50", "1", "1–2", "2", "unbounded"],
        ["–", "loser", "–", "–", "50", "–", "–", "3", "no estimate: only losses"],
    ]
    assert any("1 of them has no rating" in sentence for sentence in pages[0].sections[0].sentences)


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
    assert "7 battles without a text or a measure are left out" in text
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
    files = render_site(build_pages(frames(pairs=[pair("a", "b", 20), pair("b", "c", 10)])))
    rates, counts = (json.loads(text)["data"][0]["z"] for text in Elements(files["battles.html"].decode()).scripts[-2:])
    # Without ratings the order is by battles: b (30), a (20), c (10).
    assert rates == [[None, 0.4, 0.6], [0.6, None, None], [0.4, None, None]]
    assert counts == [[None, 20, 10], [20, None, None], [10, None, None]]


def test_more_models_than_a_square_can_hold_are_left_to_the_table():
    names = [f"m{i:03}" for i in range(70)]
    pairs = [pair(a, b, 100 - i) for i, (a, b) in enumerate(itertools.pairwise(names))]
    files = render_site(build_pages(frames(pairs=pairs)))
    first = json.loads(Elements(files["battles.html"].decode()).scripts[0])
    assert len(first["data"][0]["z"]) == 60
    assert "The squares hold the 60 models with most battles" in text_of(files, "battles.html")
    assert "m069" in text_of(files, "battles.html")


def test_an_empty_lake_gives_pages_that_say_so():
    files = render_site(build_pages(frames()))
    assert "There are no ratings" in text_of(files, "index.html")
    assert "There are no battles." in text_of(files, "battles.html")
    assert "There are no token statistics" in text_of(files, "tokens.html")
    assert "There are no moderation statistics" in text_of(files, "moderation.html")
    assert "No file was ingested." in text_of(files, "data.html")
    assert not [name for name in files if name.startswith("csv/")]
    assert all(b'class="plot"' not in content for name, content in files.items() if name.endswith(".html"))


def test_days_without_a_time_are_told_in_a_sentence_and_not_plotted():
    files = render_site(build_pages(frames(volume=[{"source": "s", "n_battles": 8931}])))
    assert "8,931 battles have no time, so they are on no day." in text_of(files, "battles.html")
    assert b'class="plot"' not in files["battles.html"]


def read_csv(files, prefix):
    (name,) = [name for name in files if name.startswith(f"csv/{prefix}")]
    return list(csv.DictReader(io.StringIO(files[name].decode())))


def test_token_cells_under_the_limit_are_hidden_on_the_page_and_in_the_csv():
    rows = [
        token_row(9, grouping="model", model="rare"),
        token_row(8, grouping="model", model="seldom"),
        token_row(300, grouping="model", model="common"),
        token_row(317),
    ]
    files = render_site(build_pages(frames(tokens=rows)))
    by_model = {row["model"]: row for row in read_csv(files, "tokens-s-sample-model")}
    assert by_model["rare"]["hidden"] == "true"
    assert {by_model["rare"][name] for name in ("n_conversations", "n_messages", "total", "mean", "max", "p50")} == {""}
    assert (by_model["common"]["hidden"], by_model["common"]["n_conversations"]) == ("false", "300")
    assert "rare user hidden – – –" in text_of(files, "tokens.html")
    (spec,) = [json.loads(text) for text in Elements(files["tokens.html"].decode()).scripts if text.strip()]
    assert spec["layout"]["yaxis"]["ticktext"] == ["common"]


def hidden_models(stats, min_cell=10):
    rows = hide_token_cells(frame(TOKEN_STATS, *stats), min_cell)
    return set(rows.loc[rows["hidden"], "model"])


def test_a_hidden_cell_is_not_the_total_minus_the_shown_ones():
    def of_models(**sizes):
        return [token_row(n, grouping="model", model=model) for model, n in sizes.items()]

    one_small = of_models(a=3, b=40, c=15, d=40)
    assert hidden_models([token_row(98), *one_small]) == {"a", "c"}
    assert hidden_models(one_small) == {"a"}, "there is no total to subtract from"
    assert hidden_models([token_row(9), *of_models(a=9)]) == {None, "a"}
    # Two that are hidden anyway tell nothing of each other, unless both together are few.
    assert hidden_models([token_row(56), *of_models(a=6, b=5, c=45)]) == {"a", "b"}
    assert hidden_models([token_row(89), *of_models(a=1, b=2, c=46, d=40)]) == {"a", "b", "d"}
    # Where nothing is hidden nothing has to be guarded, and each role has a total of its own.
    assert hidden_models([token_row(98), *of_models(a=30, b=40)]) == set()
    both = [row | {"role": role} for role in ("user", "assistant") for row in [token_row(98), *one_small[1:]]]
    assert hidden_models([*both, token_row(3, grouping="model", model="a", role="user")]) == {"a", "c"}
    assert len(hide_token_cells(frame(TOKEN_STATS, *both, one_small[0]), 10).query("hidden")) == 2
    assert hidden_models([token_row(98), *one_small], 0) == set()


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(2, 15))
def test_hidden_cells_of_a_shown_total_are_at_least_two_and_together_not_few(sizes, min_cell):
    rows = [token_row(n, grouping="model", model=str(i)) for i, n in enumerate(sizes)]
    hidden = hidden_models([token_row(sum(sizes)), *rows], min_cell)
    few = {str(i) for i, n in enumerate(sizes) if n < min_cell}
    assert few <= hidden
    if None not in hidden and hidden:
        assert len(hidden) >= 2
        assert sum(sizes[int(i)] for i in hidden) >= min_cell
    assert bool(hidden) == bool(few)


def test_few_flagged_ones_cannot_be_told_by_subtraction_but_zeros_stay():
    def of_models(total, **flagged):
        rows = [flag_row(unit, 50 * len(flagged), total) for unit in ("conversation", "message")]
        for model, n in flagged.items():
            rows += [flag_row(unit, 50, n, grouping="model", model=model) for unit in ("conversation", "message")]
        shown = hide_moderation_cells(frame(MODERATION_STATS, *rows), 10)
        assert set(shown["hidden"].dropna()) <= {"flagged"}
        assert shown.loc[shown["hidden"].notna(), ["n_flagged", "rate", "ci_lower", "ci_upper"]].isna().all(axis=None)
        by_unit = shown[shown["hidden"].notna()].groupby("unit")["model"].apply(set).to_dict()
        assert by_unit.get("message") == by_unit.get("conversation")
        return by_unit.get("message", set())

    assert of_models(55, a=3, b=30, c=22, d=0) == {"a", "c"}
    assert of_models(30, a=30, b=0) == set()
    assert of_models(7, a=7, b=0) == {None, "a"}, "a total that is hidden itself needs no guard"


def test_in_small_groups_the_least_the_greatest_and_quantiles_that_are_one_of_them_are_left_out():
    numbers = ["min", "p1", "p5", "p25", "p50", "p75", "p95", "p99", "max"]

    def shown(n, min_cell=10):
        row = hide_token_cells(frame(TOKEN_STATS, token_row(n)), min_cell).iloc[0]
        return [name for name in numbers if pd.notna(row[name])]

    assert shown(12) == ["p25", "p50", "p75"]
    assert shown(99) == ["p5", "p25", "p50", "p75", "p95"]
    assert shown(100) == shown(12, min_cell=0) == shown(12, min_cell=1) == numbers
    scores = hide_moderation_cells(frame(MODERATION_STATS, flag_row("message", 40, 0)), 10).iloc[0]
    assert [name for name in ("p50", "p90", "p99", "p99_9") if pd.notna(scores[name])] == ["p50", "p90"]
    files = render_site(build_pages(frames(tokens=[token_row(12, grouping="model", model="m")])))
    assert "m user 12 12 7.0 1.5 – – 3 4 5 – – –" in text_of(files, "tokens.html")


def test_corpus_cells_about_few_are_hidden_on_the_page_and_in_the_csv():
    rows = [
        shape_row(95),
        shape_row(40, grouping="language", language="Dutch"),
        shape_row(40, grouping="language", language="English"),
    ]
    rows += [shape_row(12, grouping="language", language="French"), shape_row(3, grouping="language", language="Manx")]
    audit = [audit_row("English", 40), audit_row("Manx", 9, detected="Irish", n_checked=9, n_confirmed=0)]
    voters = [voter_row(9), voter_row(2, judge_kind="model")]
    site = render_site(build_pages(frames(shape=rows, voters=voters, audit=audit)))
    assert "95 conversations; models: 1; languages: 1; 1.50 turns each." in text_of(site, "corpus.html")
    by_language = {row["language"]: row for row in read_csv(site, "corpus-s-language")}
    numbers = {name: (row["n_conversations"], row["n_redacted"]) for name, row in by_language.items()}
    # French guards Manx, and the redacted ones of both together are so few that Dutch guards them.
    assert numbers == {"Dutch": ("40", ""), "English": ("40", "20"), "French": ("", ""), "Manx": ("", "")}
    voters = {row["judge_kind"]: (row["n_voters"], row["max"], row["n_battles"]) for row in read_csv(site, "voters")}
    assert voters == {"human": ("", "", "40"), "model": ("2", "4", "40")}
    audited = {row["language"]: row for row in read_csv(site, "languages-s-cld2")}
    assert [audited["English"][name] for name in ("n", "n_checked", "n_confirmed")] == ["40", "50", "20"]
    assert [audited["Manx"][name] for name in ("n", "median_letters", "n_checked", "n_published")] == [""] * 4


def test_days_are_no_month_minus_the_shown_days():
    def hidden(**sizes):
        months = {}
        for day, n in sizes.items():
            months[day[:7]] = months.get(day[:7], 0) + n
        rows = [shape_row(n, grouping="month", month=month) for month, n in months.items()]
        rows += [shape_row(n, grouping="day", day=dt.date.fromisoformat(day)) for day, n in sizes.items()]
        shown = frames(shape=[shape_row(sum(sizes.values())), *rows]).corpus_shape.query("hidden")
        return {row.month or str(row.day) for row in shown.itertuples()}

    # 18 + 3 of May: the day of 18 guards, though June has a smaller one.
    assert hidden(**{"2023-05-01": 3, "2023-05-02": 18, "2023-05-03": 30, "2023-06-01": 11, "2023-06-02": 40}) == {
        "2023-05-01",
        "2023-05-02",
    }
    # April is too small and June its guard: all of its days are hidden, or they would add up to it.
    assert hidden(**{"2023-04-01": 3, "2023-05-01": 60, "2023-06-01": 20, "2023-06-02": 20}) == {
        "2023-04",
        "2023-04-01",
        "2023-06",
        "2023-06-01",
        "2023-06-02",
    }


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=4), min_size=1, max_size=4))
def test_hidden_days_and_months_are_never_one_shown_sum_minus_another(months):
    counted = {f"2023-{i:02}": sizes for i, sizes in enumerate(months, start=1)}
    rows = [shape_row(sum(map(sum, months)))]
    rows += [shape_row(sum(sizes), grouping="month", month=month) for month, sizes in counted.items()]
    for month, sizes in counted.items():
        rows += [
            shape_row(n, grouping="day", day=dt.date.fromisoformat(f"{month}-{i:02}"))
            for i, n in enumerate(sizes, start=1)
        ]
    shown = frames(shape=rows).corpus_shape
    total, by_month, by_day = (shown[shown["grouping"] == grouping] for grouping in ("all", "month", "day"))
    groups = [(total.iloc[0], [row for _, row in by_month.iterrows()])]
    for _, month in by_month.iterrows():
        days = [day for _, day in by_day.iterrows() if str(day["day"]).startswith(month["month"])]
        groups.append((month, days))
        assert not month["hidden"] or all(day["hidden"] for day in days)
    for whole, parts in groups:
        n_hidden = sum(part["hidden"] for part in parts)
        if n_hidden and not whole["hidden"]:
            assert n_hidden > 1
            assert whole["n_conversations"] - sum(p["n_conversations"] for p in parts if not p["hidden"]) >= 10


def test_days_with_few_battles_are_hidden_on_every_page():
    days = {"2023-05-01": 6, "2023-05-02": 20, "2023-05-03": 30}
    volume = [{"source": "s", "day": dt.date.fromisoformat(day), "n_battles": n} for day, n in days.items()]
    shape = [shape_row(112)] + [
        shape_row(2 * n, grouping="day", day=dt.date.fromisoformat(day)) for day, n in days.items()
    ]
    files = render_site(build_pages(frames(volume=volume, shape=shape)))
    assert [(row["day"], row["n_battles"]) for row in read_csv(files, "volume-s")] == [
        ("2023-05-01", ""),
        ("2023-05-02", ""),
        ("2023-05-03", "30"),
    ]
    assert [row["n_conversations"] for row in read_csv(files, "corpus-s-day")] == ["", "", "60"]
    text = text_of(files, "battles.html")
    assert "2 days are hidden: they have fewer than 10 battles or guard such." in text
    assert "2023-05-01 hidden 2023-05-02 hidden 2023-05-03 30" in text
    (spec,) = [json.loads(text) for text in Elements(files["battles.html"].decode()).scripts if text.strip()]
    assert (spec["data"][0]["x"], spec["data"][0]["y"]) == (["2023-05-03"], [30])


def test_a_month_of_one_hidden_day_is_hidden_too():
    shape = [shape_row(212)]
    shape += [shape_row(n, grouping="month", month=month) for month, n in (("2023-05", 12), ("2023-06", 200))]
    sizes = {"2023-05-01": 12, "2023-06-01": 100, "2023-06-02": 100}
    shape += [shape_row(n, grouping="day", day=dt.date.fromisoformat(day)) for day, n in sizes.items()]
    volume = [{"source": "s", "day": dt.date(2023, 5, 1), "n_battles": 6}]
    shown = frames(shape=shape, volume=volume).corpus_shape
    assert set(shown.loc[shown["hidden"], "month"].dropna()) == {"2023-05", "2023-06"}


def test_what_one_page_hides_no_other_shows():
    models = {"rare": 3, "small": 20, "large": 60}
    # Fewer conversations have a measured text: alone that page would hide "large" as the guard of "rare".
    tokens = [token_row(82)] + [
        token_row(n, grouping="model", model=model) for model, n in {"rare": 3, "small": 50, "large": 29}.items()
    ]
    shape = [shape_row(83)] + [shape_row(n, grouping="model", model=model) for model, n in models.items()]
    flags = [flag_row("conversation", 83, 40)] + [
        flag_row("conversation", n, n, grouping="model", model=model) for model, n in models.items()
    ]
    shown = frames(tokens=tokens, shape=shape, flags=flags)
    for table in (shown.token_stats, shown.corpus_shape, shown.moderation_stats):
        assert set(table.loc[table["hidden"].fillna(False).astype(bool), "model"]) == {"rare", "small"}


def test_detected_languages_do_not_tell_what_the_published_ones_hide():
    def audited(*rows, shape=()):
        shown = frames(audit=rows, shape=shape).language_audit
        return [
            [None if pd.isna(row[name]) else row[name] for name in ("n", "n_checked", "n_confirmed", "n_published")]
            for row in shown.to_dict("records")
        ]

    def english(n, detected):
        return audit_row("English", n, detected=detected, n_checked=95, n_confirmed=60, n_published=100)

    # 95 - 60 - 32 would be the Scots.
    assert audited(english(60, "English"), english(3, "Scots"), english(32, "Welsh")) == [
        [60, 95, 60, 100],
        [None, 95, 60, 100],
        [None, 95, 60, 100],
    ]
    # The guard is the number of the confirmed.
    assert audited(english(92, "English"), english(3, "Scots")) == [[None, 95, None, 100]] * 2
    shape = [shape_row(123)]
    sizes = {"English": 100, "French": 20, "Manx": 3}
    shape += [shape_row(n, grouping="language", language=name) for name, n in sizes.items()]
    french = audit_row("French", 20, detected="French", n_checked=20, n_confirmed=20, n_published=20)
    nobody = audit_row(None, 20, detected="French", n_checked=20, n_confirmed=0, n_published=20)
    assert audited(french, nobody, shape=shape) == [[None] * 4, [None, 20, 0, 20]]


def test_a_source_whose_counts_are_all_hidden_is_not_said_to_have_no_flags():
    flags = [flag_row(unit, 4, 4) for unit in ("conversation", "message")]
    text = text_of(render_site(build_pages(frames(flags=flags))), "moderation.html")
    assert "has a moderation flag" not in text
    assert "any user messages hidden hidden hidden" in text


def test_curves_of_few_messages_lose_how_many_there_are():
    point = {"source": "s", "grouping": "all", "role": "user", "threshold": 0.1, "share": 0.5}
    curves = [
        point | {"category": "hate", "n": 9, "n_above": 0},
        point | {"category": "sexual", "n": 40, "n_above": 20},
    ]
    # Forty messages, but of three conversations.
    flags = [flag_row("conversation", 3, 0, category="sexual"), flag_row("message", 40, 0, category="sexual")]
    shown = frames(flags=flags, curves=curves).moderation_curves
    assert shown[["n", "n_above", "share"]].isna().all(axis=None)


def test_with_few_voters_the_most_votes_are_not_told_since_they_are_of_one_person():
    shown = frames(voters=[voter_row(50), voter_row(50, judge_kind="model"), voter_row(100, source="t")]).voter_stats
    ends = shown[["min", "p1", "p50", "p99", "max"]].notna().to_numpy().tolist()
    assert ends == [[False, False, True, False, False], [True] * 5, [True] * 5]


def test_a_small_source_is_not_told_by_a_reason():
    size = figure("t", 0, "conversations", 4.0, reason="the source has 4 records, the release has 1,000,000")
    shown = frames(figures=[size, figure("t", 1, "models", 2.0, unit="models", reason="the source has 4 records")])
    assert shown.reproduction[["ours", "reason"]].isna().all(axis=None)


def test_leave_outs_and_slices_do_not_tell_a_language_that_is_hidden():
    shape = [shape_row(123)]
    sizes = {"English": 100, "French": 20, "Manx": 3}
    shape += [shape_row(n, grouping="language", language=name) for name, n in sizes.items()]
    slices = [
        {"source": "s", "slice": f"language={name}", "n_battles": 50, "rated": name == "English", "min_battles": 50}
        for name in sizes
    ]
    shown = frames(shape=shape, slices=slices, influence=[moved("a", 2.0, value=name) for name in sizes])
    assert list(shown.rating_slices["hidden"]) == list(shown.rating_influence["hidden"]) == [False, True, True]


def test_few_flagged_ones_are_hidden_but_a_zero_is_a_zero():
    stats = frame(
        MODERATION_STATS,
        flag_row("conversation", 100, 3, category="hate"),
        flag_row("message", 300, 12, category="hate"),  # twelve messages, but of three conversations
        flag_row("conversation", 100, 0, category="sexual"),
        flag_row("message", 300, 0, category="sexual"),
        flag_row("conversation", 9, 9, category="violence"),
        flag_row("message", 40, 30, category="violence"),
        flag_row("conversation", 100, 10, category="any"),
        flag_row("message", 300, 10, category="any"),
    )
    shown = hide_moderation_cells(stats, 10)
    found = {
        (row["category"], row["unit"]): (row["hidden"], row["n"], row["n_flagged"], row["rate"])
        for row in shown.astype(object).where(shown.notna(), None).to_dict("records")
    }
    assert found == {
        ("hate", "conversation"): ("flagged", 100, None, None),
        ("hate", "message"): ("flagged", 300, None, None),
        ("sexual", "conversation"): (None, 100, 0, 0.0),
        ("sexual", "message"): (None, 300, 0, 0.0),
        ("violence", "conversation"): ("all", None, None, None),
        ("violence", "message"): ("all", None, None, None),
        ("any", "conversation"): (None, 100, 10, 0.1),
        ("any", "message"): (None, 300, 10, 10 / 300),
    }
    assert hide_moderation_cells(stats, 0)["hidden"].isna().all()


def test_roles_without_a_single_flag_are_told_in_a_sentence_instead_of_rows_of_zeros():
    rows = [
        flag_row(unit, n, 0, role=role, n_missing=50 if unit == "message" else None)
        for role, n in (("user", 0), ("battle", 80))
        for unit in ("message", "conversation")
    ]
    files = render_site(build_pages(frames(flags=rows)))
    assert "No flags were published for user messages" in text_of(files, "moderation.html")
    assert [row["role"] for row in read_csv(files, "flags-s-message")] == ["battle"]


def test_a_cell_with_a_null_model_is_held_to_its_own_conversations():
    stats = frame(
        MODERATION_STATS,
        flag_row("conversation", 3, 0, grouping="language", language=None),
        flag_row("message", 50, 0, grouping="language", language=None),
        flag_row("conversation", 30, 0, grouping="language", language="English"),
        flag_row("message", 50, 0, grouping="language", language="English"),
    )
    hidden = hide_moderation_cells(stats, 10)["hidden"]
    assert list(hidden.fillna("shown")) == ["all", "all", "shown", "shown"]


def test_points_of_a_curve_with_few_messages_above_are_hidden_and_leave_a_gap():
    point = {"source": "s", "grouping": "all", "role": "user", "category": "hate", "n": 100}
    curves = [
        point | {"threshold": t, "n_above": n, "share": n / 100}
        for t, n in ((1e-3, 60), (1e-2, 10), (0.1, 9), (1.0, 0))
    ]
    flags = [flag_row("conversation", 100, 20), flag_row("message", 100, 20)]
    files = render_site(build_pages(frames(flags=flags, curves=curves)))
    assert [row["n_above"] for row in read_csv(files, "curves-s-user")] == ["60", "10", "", "0"]
    spec = json.loads(Elements(files["moderation.html"].decode()).scripts[-1])
    assert spec["data"][0]["y"] == [0.6, 0.1, None, None]


def test_published_figures_stand_beside_ours_and_small_counts_are_hidden():
    rows = [
        figure("s", 0, "conversations", 500.0, reason="the source has 500 records"),
        figure("s", 1, "models", 3.0, unit="models"),
        figure("s", 2, "conversations flagged", 7.0),
        figure("s", 3, "conversations flagged: hate", 0.0),
        figure("s", 4, "turns", 2.0151, unit="turns (mean)", verdict="match"),
        figure("s", 5, "flagged user messages", 1.4, unit="%"),
        figure("s", 6, "users", None, unit="users", verdict="cannot be recomputed", reason="no user ids"),
        figure("s", 7, "m: conversations", 15.0),
        figure("s", 8, "n: conversations", 485.0),
        figure("t", 0, "conversations", 4.0),
        figure("t", 1, "tokens per prompt", 61.5, unit="tokens (mean)"),
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
    with pytest.raises(ConfigError, match=r"report\.path: .*papers holds something else"):
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
    (hang,) = [section for section in source.sections if section.title == "What ratings hang on"]
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
    (hang,) = [section for section in source.sections if section.title == "What ratings hang on"]
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

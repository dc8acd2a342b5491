"""Rows of tables, hostile names and a reader of pages for the tests of the report."""

import csv
import io
from functools import cache
from html.parser import HTMLParser

import pandas as pd

from arenalake.battles.tables import CLEANING_STATS, PAIR_STATS, POSITION_STATS, VOLUME_STATS
from arenalake.corpus.tables import CORPUS_SHAPE, LANGUAGE_AUDIT, VOTER_STATS
from arenalake.disclosure.cells import hide_cells
from arenalake.entities.tables import SOURCE_TERMS
from arenalake.judges.tables import AGREEMENT_STATS, GRADE_COUNTS, JUDGE_BIAS, JUDGE_WIN_RATES
from arenalake.moderation.tables import MODERATION_ANSWERS, MODERATION_CURVES, MODERATION_STATS
from arenalake.preferences.tables import (
    CASE_COUNTS,
    JUDGE_ORDER,
    JUDGE_PAIRS,
    JUDGE_RANKS,
    PREFERENCE_FITS,
    PREFERENCE_WEIGHTS,
    PROPERTY_CORRELATIONS,
    PROPERTY_STATS,
)
from arenalake.ratings.tables import (
    RATING_CALIBRATION,
    RATING_INFLUENCE,
    RATING_PAIRS,
    RATING_SLICES,
    RATINGS,
    STYLE_COEFFICIENTS,
)
from arenalake.report.frames import Frames, typed
from arenalake.reproduction.tables import REPRODUCTION
from arenalake.tokens.tables import TOKEN_STATS
from arenalake.trees.tables import (
    LABEL_CORRELATIONS,
    LABEL_STATS,
    THREAD_STATS,
    TREE_EXAMPLE,
    TREE_PAIR_STATS,
    TREE_SHAPES,
    TREE_STATS,
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
PREFERENCE_TABLES = (
    PROPERTY_STATS,
    CASE_COUNTS,
    PROPERTY_CORRELATIONS,
    PREFERENCE_WEIGHTS,
    PREFERENCE_FITS,
    JUDGE_PAIRS,
    JUDGE_RANKS,
    JUDGE_ORDER,
)
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


@cache  # most tables of most tests have no rows, and nothing writes into a frame
def no_rows(table):
    return floats(frame(table), table)


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


def agreement_row(judge_a, judge_b, value, *, setup="with_ties", grouping="all", measure="agreement", **other):
    key = {"source": "s", "level": "group", "judge_a": judge_a, "judge_b": judge_b, "grouping": grouping}
    numbers = {"n_questions": 40, "n_items": 80, "n": 100, "value": value, "ci_lower": 0.4, "ci_upper": 0.8}
    return key | numbers | {"setup": setup, "measure": measure, "random_value": 1 / 3, "is_basis": True} | other


def bias_row(judge, measure, value, **other):
    key = {"source": "s", "level": "group", "judge": judge, "measure": measure}
    return key | {"n": 50, "k": 30, "value": value, "ci_lower": 0.45, "ci_upper": 0.74, "p_value": 0.2} | other


def win_rate_row(judge_group, model, **other):
    key = {"source": "s", "judge_group": judge_group, "grouping": "category", "category": "math", "model": model}
    return key | {"n": 9, "wins": 5, "ties": 1, "opponents": 2, "win_rate": 0.55, "half_win_rate": 0.6} | other


def grade_row(judge, grade, n, side=None):
    key = {"source": "s", "judge_kind": "human", "level": "group", "judge": judge, "side": side}
    return key | {"grade": float(grade), "n": n}


def ledger_row(source, place, name, ours, *, unit="conversations", verdict="differs", **other):
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
    agreement=(),
    bias=(),
    win_rates=(),
    grades=(),
    trees=(),
    shapes=(),
    threads=(),
    example=(),
    labels=(),
    correlations=(),
    tree_pairs=(),
    preferences=None,
    min_cell=10,
):
    rows = {
        **dict.fromkeys(PREFERENCE_TABLES, ()),
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
        AGREEMENT_STATS: agreement,
        JUDGE_BIAS: bias,
        JUDGE_WIN_RATES: win_rates,
        GRADE_COUNTS: grades,
        REPRODUCTION: figures,
        SOURCE_TERMS: terms,
        TREE_STATS: trees,
        TREE_SHAPES: shapes,
        THREAD_STATS: threads,
        TREE_EXAMPLE: example,
        LABEL_STATS: labels,
        LABEL_CORRELATIONS: correlations,
        TREE_PAIR_STATS: tree_pairs,
        **(preferences or {}),
    }
    tables = {
        table.name: floats(frame(table, *of_table), table) if len(of_table) else no_rows(table)
        for table, of_table in rows.items()
    }
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
        agreement=[agreement_row(a, b, 0.6) for a in names for b in names if a <= b],
        bias=[bias_row(name, "tie", 0.6) for name in names],
        win_rates=[win_rate_row(name, name, category=name) for name in names],
        grades=[grade_row(name, grade, 5) for name in names for grade in (1, 8)],
        figures=[ledger_row(name, 0, name, 5, reason=name, definition=name, citation=name) for name in names],
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


def text_of(files, name):
    return " ".join(" ".join(Elements(files[name].decode()).texts).split())


def read_csv(files, prefix):
    (name,) = [name for name in files if name.startswith(f"csv/{prefix}")]
    return list(csv.DictReader(io.StringIO(files[name].decode())))


def page_of(pages, title):
    (page,) = [page for page in pages if page.title == title]
    return page

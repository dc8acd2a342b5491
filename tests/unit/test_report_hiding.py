"""The report: what small cells hide, and that nothing else tells it."""

import datetime as dt
import json
from dataclasses import replace

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from report_cases import (
    Elements,
    answer_row,
    audit_row,
    flag_row,
    floats,
    frame,
    frames,
    ledger_row,
    moved,
    read_csv,
    shape_row,
    text_of,
    token_row,
    voter_row,
)

from arenalake.app.pages import build_pages
from arenalake.corpus.tables import CORPUS_SHAPE
from arenalake.disclosure.cells import hide_ingested, hide_moderation_cells, hide_shape_cells, hide_token_cells
from arenalake.moderation.tables import MODERATION_STATS
from arenalake.report.site import render_site
from arenalake.tokens.tables import TOKEN_STATS


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


@settings(deadline=None, max_examples=50)
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


@settings(deadline=None, max_examples=25)  # each takes half a second
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
    shown = hide_shape_cells(floats(frame(CORPUS_SHAPE, *rows), CORPUS_SHAPE), 10)
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
    assert "2 days are hidden: fewer than 10 battles, or a number from which a hidden one could be worked out." in text
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
    size = ledger_row("t", 0, "conversations", 4.0, reason="the source has 4 records, the release has 1,000,000")
    shown = frames(figures=[size, ledger_row("t", 1, "models", 2.0, unit="models", reason="the source has 4 records")])
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


def test_slices_of_several_columns_tell_nothing_of_a_language_or_a_turn_that_is_hidden():
    shape = [shape_row(1030)]
    sizes = {"English": 1000, "French": 24, r"Manx, of \Man": 6}
    shape += [shape_row(n, grouping="language", language=name) for name, n in sizes.items()]
    shape += [shape_row(n, grouping="turns", turns=turns) for turns, n in {1: 1000, 2: 24, 8: 6}.items()]
    sizes = {
        "language=English,turn=1": (487, True),
        "language=English,turn=2": (12, False),
        "language=French,turn=1": (12, False),
        r"language=Manx\, of \\Man,turn=1": (30, False),
        "language=Basque,turn=1": (30, False),
        "turn=1": (500, True),
        "turn=2": (12, False),
        "turn=8": (12, False),
        "turn=9": (12, False),
    }
    slices = [
        {"source": "s", "slice": name, "n_battles": n, "rated": rated, "min_battles": 50}
        for name, (n, rated) in sizes.items()
    ]
    shown = frames(shape=shape, slices=slices).rating_slices
    hidden = dict(zip(shown["slice"], shown["hidden"], strict=True))
    assert [name for name in sizes if not hidden[name]] == [
        "language=English,turn=1",
        "language=Basque,turn=1",
        "turn=1",
        "turn=9",
    ]


def test_numbers_of_turns_of_few_conversations_are_not_told_since_their_sum_is():
    shape = [shape_row(153, mean_turns=273 / 153)]
    shape += [shape_row(n, grouping="turns", turns=k, mean_turns=k) for k, n in {1: 100, 2: 40, 3: 12, 57: 1}.items()]
    site = render_site(build_pages(frames(shape=shape)))
    assert "1.78 turns each" in text_of(site, "corpus.html")
    assert "2 rows are left out: fewer than 10 conversations" in text_of(site, "corpus.html")
    assert [row["turns"] for row in read_csv(site, "corpus-s-turns")] == ["1", "2"]
    assert [row["turns"] for row in json.loads(site["json/corpus-s-turns.json"])] == [1, 2]


def test_the_mean_of_turns_of_hidden_rows_is_not_the_total_minus_the_shown_rows():
    shape = [shape_row(95, mean_turns=261 / 95)]
    means = {"Dutch": (40, 2.0), "English": (40, 3.5), "French": (12, 2.0), "Manx": (3, 17 / 3)}
    shape += [shape_row(n, grouping="language", language=name, mean_turns=mean) for name, (n, mean) in means.items()]
    shape += [shape_row(n, grouping="model", model=f"m{n}", mean_turns=n / 20) for n in (55, 40)]
    site = render_site(build_pages(frames(shape=shape)))
    assert "2.75 turns each" in text_of(site, "corpus.html")
    by_language = read_csv(site, "corpus-s-language")
    assert {row["language"] for row in by_language if row["n_conversations"]} == {"Dutch", "English"}
    assert {row["mean_turns"] for row in by_language} == {""}
    assert {row["mean_turns"] for row in json.loads(site["json/corpus-s-language.json"])} == {None}
    assert {row["mean_turns"] for row in read_csv(site, "corpus-s-model")} == {"2.75", "2.0"}


def test_a_small_source_has_no_number_of_records():
    shape = frames(shape=[shape_row(5), shape_row(50, source="t")]).corpus_shape
    numbers = {"files": [1, 1, 1], "rows": [7, 50, 5], "kept": [5, 50, 5], "quarantined": [2, 0, 0]}
    ingested = pd.DataFrame({"source": ["s", "t", "votes"], **numbers, "duplicates": [0, 0, 0]})
    shown = hide_ingested(ingested, shape)
    assert shown[["rows", "kept", "duplicates"]].isna().all(axis=1).tolist() == [True, False, False]
    assert shown["quarantined"].tolist() == [2, 0, 0]
    files = render_site(build_pages(replace(frames(), ingested=shown)))
    assert [row["rows"] for row in read_csv(files, "ingested")] == ["", "50", "5"]
    assert "s 1 – – 2 –" in text_of(files, "data.html")


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
    assert "3 rows; the CSV file has 1 more." in files["moderation.html"].decode()
    spec = json.loads(Elements(files["moderation.html"].decode()).scripts[-1])
    assert spec["data"][0]["y"] == [0.6, 0.1, None, None]


def missing_rows(**missing):
    """Of each model 60 labelled messages in two categories and, in one of them, some without a flag."""
    rows = []
    for model, n in {None: sum(missing.values()), **missing}.items():
        of = {"grouping": "all"} if model is None else {"grouping": "model", "model": model}
        n_labelled = 60 * (len(missing) if model is None else 1)
        rows += [flag_row("conversation", n_labelled, 20, **of)]
        rows += [flag_row("message", n_labelled, 20, n_missing=n, **of)]
        rows += [flag_row("message", n_labelled + n, 20, n_missing=0, category="hate", **of)]
    return rows


def test_few_messages_without_a_flag_are_hidden_in_every_category_and_guarded():
    shown = hide_moderation_cells(frame(MODERATION_STATS, *missing_rows(a=3, b=12, c=40)), 10)
    messages = shown[shown["unit"] == "message"]
    for category, kept in (("any", {None: 55, "c": 40}), ("hate", {None: 0, "c": 0})):
        rows = messages[messages["category"] == category]
        found = {row.model: row.n_missing for row in rows.itertuples() if pd.notna(row.n_missing)}
        assert found == kept
        assert set(rows.loc[rows["n_missing"].isna(), "hidden"]) == {"missing"}
        assert rows["n_flagged"].notna().all(), "only the number of those without a flag is hidden"
    few = missing_rows(a=3)
    site = render_site(build_pages(frames(flags=few)))
    assert [row["n_missing"] for row in read_csv(site, "flags-s-message")] == ["", ""]
    assert "any user messages 60 hidden 20 33.33 %" in text_of(site, "moderation.html")
    assert hide_moderation_cells(frame(MODERATION_STATS, *few), 0)["hidden"].isna().all()


def test_few_repeated_first_messages_are_told_neither_on_the_page_nor_in_the_csv():
    def shown(n_distinct, n_repeated, most):
        prompts = {"n_prompts": 90, "n_distinct_prompts": n_distinct, "n_repeated_prompts": n_repeated}
        of_report = frames(shape=[shape_row(90, **prompts, max_repeats=most)])
        (row,) = of_report.corpus_shape.to_dict("records")
        names = ("n_prompts", "n_distinct_prompts", "n_repeated_prompts", "max_repeats")
        return of_report, [None if pd.isna(row[name]) else row[name] for name in names]

    def text(of_report):
        return text_of(render_site(build_pages(of_report)), "corpus.html")

    of_report, numbers = shown(89, 2, 2)
    assert numbers == [90, None, None, None]
    assert "90 first messages; the number of repeated ones is hidden. The two conversations" in text(of_report)
    of_report, numbers = shown(60, 45, 3)
    assert numbers == [90, 60, 45, None]
    told = "90 first messages, 60 of them distinct (compared exactly); 45 occur more than once. The two"
    assert told in text(of_report)
    of_report, numbers = shown(70, 30, 20)
    assert numbers == [90, 70, 30, 20]
    assert "30 occur more than once, the most frequent 20 times." in text(of_report)
    # Nothing is repeated, all but five are, and five are more than once for the first time.
    assert shown(90, 0, 1)[1] == [90, 90, 0, 1]
    assert shown(30, 85, 20)[1] == [90, None, None, None]
    assert shown(85, 10, 10)[1] == [90, None, None, None]


def test_few_that_are_left_of_a_cell_are_hidden_as_few_in_it_are():
    flags = [flag_row(unit, 100, 95) for unit in ("conversation", "message")]
    flags += [flag_row(unit, 100, 100, category="hate") for unit in ("conversation", "message")]
    point = {"source": "s", "grouping": "all", "role": "user", "category": "any", "n": 100}
    curves = [point | {"threshold": t, "n_above": n, "share": n / 100} for t, n in ((1e-9, 100), (1e-3, 95), (0.1, 60))]
    answers = [answer_row(100, 95), answer_row(100, 60, "m"), answer_row(100, 100, category="hate")]
    unknown = {"n_redaction_known": 95, "n_redacted": 40, "redacted_rate": 0.4}
    shape = [shape_row(100, n_redacted=95), shape_row(100, source="t", **unknown)]
    shown = frames(flags=flags, curves=curves, answers=answers, shape=shape)
    hidden = shown.moderation_stats.set_index(["category", "unit"])["hidden"].dropna().to_dict()
    assert hidden == {("any", "conversation"): "flagged", ("any", "message"): "flagged"}
    assert shown.moderation_curves["hidden"].tolist() == [False, True, False]
    assert shown.moderation_answers["hidden"].fillna("").tolist() == ["answered", "", ""]
    redaction = shown.corpus_shape[["n_redaction_known", "n_redacted", "redacted_rate"]].notna().to_numpy().tolist()
    assert redaction == [[True, False, False], [False, False, False]]


def test_few_scored_messages_have_no_mean_and_no_quantiles():
    stats = [flag_row("conversation", 50, 20), flag_row("message", 50, 20, n_scored=4)]
    shown = hide_moderation_cells(frame(MODERATION_STATS, *stats), 10)
    assert shown[["n_scored", "mean_score", "p50", "p99_9"]].isna().all(axis=None)
    assert shown["n_flagged"].tolist() == [20, 20]

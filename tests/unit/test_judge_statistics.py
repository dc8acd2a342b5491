"""Agreement, rankings and bias of judges from counted votes: cases to check by hand and simulated judges."""

import itertools
from collections import Counter

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.stats import binomtest, kendalltau, spearmanr
from sklearn.linear_model import LogisticRegression

from arenalake.judges import rankings, statistics
from arenalake.judges.bias import summarise_families, summarise_leanings, summarise_lengths
from arenalake.judges.counts import ITEM, SAME, SCORE_UNIT
from arenalake.judges.rankings import summarise_rankings, win_rates
from arenalake.judges.statistics import AgreementRules, summarise_agreement, summarise_pairs
from arenalake.judges.tables import AGREEMENT_STATS, JUDGE_BIAS, JUDGE_WIN_RATES
from arenalake.numbers.logistic import fit_logistic
from arenalake.numbers.ranks import rank_correlations
from arenalake.numbers.resampling import draw_units, percentile_interval

A, TIE, B = 0, 1, 2


def vote(judge, outcome, *, question="q", turn=1, models=("m", "n"), group=None, score=None, category=None):
    """A vote on a pair of models in the order of code points."""
    item = dict(zip(ITEM, ("s", question, turn, *models), strict=True))
    return item | {"judge": judge, "group": group or judge, "outcome": outcome, "score": score, "category": category}


def items_of(votes):
    """What Spark counts, from votes one by one."""
    rows = []
    by_group = itertools.groupby(sorted(votes, key=repr_of_cell), repr_of_cell)
    for _, cell in by_group:
        cell = list(cell)
        n = Counter(v["outcome"] for v in cell)
        same = Counter()
        for one, other in itertools.permutations(cell, 2):
            if one["judge"] == other["judge"] and one["outcome"] <= other["outcome"]:
                same[f"{one['outcome']}{other['outcome']}"] += 1
        scores = [round(v["score"] * SCORE_UNIT) for v in cell if v["score"] is not None]
        row = {name: cell[0][name] for name in ITEM} | {"judge": cell[0]["group"], "category": cell[0]["category"]}
        row |= {f"n_{k}": n[k] for k in range(3)} | {f"same_{pair}": same[pair] for pair in SAME}
        rows.append(row | {"n_scored": len(scores), "scores": sum(scores)})
    types = {"turn": pl.Int32, "category": pl.String}
    frame = pl.DataFrame(rows, schema_overrides=types, infer_schema_length=None)
    n_votes = sum(pl.col(f"n_{k}") for k in range(3)).sum().over(ITEM)
    return frame.filter(n_votes > 1)


def pairs_of(items):
    """What Spark makes of items by judge: each two judges on each item that both voted on."""
    sides = [pl.struct("judge", "^n_.*$", "^same_.*$", "scores").alias(side) for side in "ab"]
    both = items.select(*ITEM, "category", sides[0]).join(items.select(*ITEM, sides[1]), on=ITEM, nulls_equal=True)
    return both.filter(pl.col("a").struct.field("judge") <= pl.col("b").struct.field("judge"))


def repr_of_cell(v):
    return repr([v[name] for name in (*ITEM, "group")])


def outcomes_of(votes, kind="human"):
    names = ("source", "group", "question_id", "turn", "category", "model_a", "model_b")
    cells = Counter((tuple(v[name] for name in names), v["outcome"]) for v in votes)
    keys = sorted({key for key, _ in cells}, key=repr)
    rows = [
        dict(zip(names, key, strict=True)) | {"judge_kind": kind} | {f"n_{k}": cells[key, k] for k in range(3)}
        for key in keys
    ]
    return pl.DataFrame(rows, schema_overrides={"turn": pl.Int32, "category": pl.String}, infer_schema_length=None)


def agreement(votes, *, groupings=("all",), rounds=20, **rules):
    items, outcomes = items_of(votes), outcomes_of(votes)
    rules = AgreementRules(groupings=groupings, rounds=rounds, **rules)
    stats = summarise_agreement(items, rules=rules)
    stats = pl.concat([stats, summarise_rankings(outcomes, stats, rules=rules)])
    assert len(AGREEMENT_STATS.conform_frame(stats)) == len(stats.select(AGREEMENT_STATS.key).unique())
    return stats


def measured(stats, judge_a, judge_b, measure, setup="with_ties", **about):
    cell = {"judge_a": judge_a, "judge_b": judge_b, "measure": measure, "setup": setup, "grouping": "all"} | about
    return stats.row(by_predicate=pl.all_horizontal(pl.col(k) == v for k, v in cell.items()), named=True)


def test_pairs_of_votes_of_one_group_are_of_different_judges():
    votes = [
        vote("x", A, group="g"),
        vote("x", B, group="g"),  # contradicts herself
        vote("y", A, group="g"),
        vote("z", TIE, group="g"),
        vote("z", A, group="g", question="lonely"),
    ]
    # x-y: A A and B A; x-z: A tie and B tie; y-z: A tie.
    stats = agreement(votes)
    row = measured(stats, "g", "g", "agreement")
    assert (row["n_agree"], row["n"], row["n_questions"], row["n_items"]) == (1, 5, 1, 1)
    row = measured(stats, "g", "g", "agreement", "without_ties")
    assert (row["n_agree"], row["n"], row["value"], row["random_value"]) == (1, 2, 0.5, 0.5)
    assert not row["is_basis"]


def test_votes_of_one_judge_alone_are_not_compared():
    stats = agreement([vote("x", A, group="g"), vote("x", A, group="g")])
    assert len(stats) == 0


def test_two_groups_are_compared_vote_by_vote_and_with_each_others_majority():
    votes = [vote("x", A, group="g"), vote("y", A, group="g"), vote("z", TIE, group="g"), vote("bot", A)]
    stats = agreement(votes)
    row = measured(stats, "bot", "g", "agreement")
    assert (row["n_agree"], row["n"]) == (2, 3)
    row = measured(stats, "bot", "g", "majority_agreement")
    assert (row["n_agree"], row["n"]) == (1, 1)
    row = measured(stats, "g", "bot", "majority_agreement")
    assert (row["n_agree"], row["n"]) == (2, 3)
    assert measured(stats, "g", "g", "majority_agreement")["n_agree"] == 2


def test_one_vote_that_is_no_tie_is_no_majority_for_itself():
    stats = agreement([vote("x", A, group="g"), vote("y", TIE, group="g")])
    own = stats.filter(pl.col("measure") == "majority_agreement")
    assert own.select("setup", "n_agree", "n").rows() == [("with_ties", 1.0, 2)]


def test_groupings_add_up_and_what_they_do_not_name_is_null():
    votes = [
        vote(judge, outcome, question=question, turn=turn, category=category)
        for question, turn, category, (x, y) in [
            ("1", 1, "math", (A, A)),
            ("1", 2, "math", (A, B)),
            ("2", 1, "writing", (TIE, TIE)),
        ]
        for judge, outcome in (("x", x), ("y", y))
    ]
    stats = agreement(votes, groupings=("all", "turn", "category", "model_a,model_b"))
    rows = stats.filter((pl.col("measure") == "agreement") & (pl.col("setup") == "with_ties"))
    found = rows.select("grouping", "turn", "category", "model_a", "n_agree", "n", "n_questions").rows()
    assert sorted(found, key=repr) == sorted(
        [
            ("all", None, None, None, 2, 3, 2),
            ("turn", 1, None, None, 2, 2, 2),
            ("turn", 2, None, None, 0, 1, 1),
            ("category", None, "math", None, 1, 2, 1),
            ("category", None, "writing", None, 1, 1, 1),
            ("model_a,model_b", None, None, "m", 2, 3, 2),
        ],
        key=repr,
    )


def test_intervals_are_those_of_questions_drawn_with_all_their_items():
    random = np.random.default_rng(5)
    votes = []
    for question in range(40):
        agree = random.random() < 0.7  # alike on all items of the question
        for pair in range(5):
            models = ("m", f"n{pair}")
            votes += [vote("x", A, question=f"{question:02}", models=models)]
            votes += [vote("y", A if agree else B, question=f"{question:02}", models=models)]
    row = measured(agreement(votes, rounds=2000), "x", "y", "agreement")
    half = 1.96 * np.sqrt(row["value"] * (1 - row["value"]) / 40)
    assert row["ci_upper"] - row["ci_lower"] == pytest.approx(2 * half, rel=0.1)
    assert row["is_basis"]
    again = measured(agreement(votes[::-1], rounds=2000), "x", "y", "agreement")
    assert again == row
    assert measured(agreement(votes, rounds=2000, seed=1), "x", "y", "agreement") != row


def test_a_question_that_stands_alone_has_no_interval():
    row = measured(agreement([vote("x", A), vote("y", A)]), "x", "y", "agreement")
    assert (row["value"], row["ci_lower"], row["ci_upper"]) == (1.0, None, None)


def test_scores_are_correlated_over_items():
    random = np.random.default_rng(2)
    x, y = random.integers(1, 9, (2, 30)) / 8
    votes = [
        vote(judge, A, question=str(q), score=float(score))
        for q, scores in enumerate(zip(x, y, strict=True))
        for judge, score in zip("xy", scores, strict=True)
    ]
    row = measured(agreement(votes), "x", "y", "score_correlation")
    assert (row["n"], row["value"]) == (30, pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6))


def test_rankings_are_by_half_wins_and_correlated_over_the_models_both_judged():
    votes = [
        *[vote("x", A, models=("a", "b")), vote("x", A, models=("b", "c")), vote("x", TIE, models=("a", "c"))],
        *[vote("y", A, models=("a", "b")), vote("y", B, models=("b", "c")), vote("y", B, models=("a", "c"))],
    ]
    stats, rates = agreement(votes), win_rates(outcomes_of(votes))
    assert len(JUDGE_WIN_RATES.conform_frame(rates)) == len(rates)
    by_group = {
        group: rates.filter((pl.col("judge_group") == group) & (pl.col("grouping") == "all"))
        .sort("model")["half_win_rate"]
        .to_list()
        for group in ("x", "y", "human")
    }
    assert by_group == {"x": [0.75, 0.5, 0.25], "y": [0.5, 0.0, 1.0], "human": [0.625, 0.25, 0.625]}
    expected = spearmanr(by_group["x"], by_group["y"]).statistic, kendalltau(by_group["x"], by_group["y"]).statistic
    found = [measured(stats, "x", "y", name)["value"] for name in ("spearman", "kendall")]
    assert found == pytest.approx(list(expected))


def test_rank_correlations_are_those_of_scipy_with_ties_and_without_what_has_no_rank():
    random = np.random.default_rng(4)
    x, y = random.integers(0, 5, (2, 300, 6)).astype(float)
    x[random.random(x.shape) < 0.1] = np.nan
    found = rank_correlations(x, y)
    assert found.shape == (2, 300)
    for row, (one, other) in enumerate(zip(x, y, strict=True)):
        one, other = one[np.isfinite(one)], other[np.isfinite(one)]
        expected = [np.nan, np.nan]
        if len(set(one)) > 1 < len(set(other)):
            expected = [spearmanr(one, other).statistic, kendalltau(one, other).statistic]
        assert found[:, row] == pytest.approx(expected, nan_ok=True)
    assert rank_correlations(np.array([0.1 + 0.2, 0.3, 1]), np.array([1.0, 2, 3]))[1] == pytest.approx(2 / np.sqrt(6))


def ranking_votes(seed):
    random = np.random.default_rng(seed)
    return [
        vote(judge, int(random.choice(3, p=[0.5, 0.2, 0.3])), question=f"{q:02}", turn=turn, models=models)
        for q in range(12)
        for turn in (1, 2)
        for models in itertools.combinations("abcd", 2)
        for judge in ("x", "y")
        if random.random() < 0.3
    ]


def test_intervals_of_rankings_are_those_of_questions_drawn_anew(monkeypatch):
    votes = ranking_votes(11)
    stats = agreement(votes, groupings=("all", "turn"), rounds=40, seed=3)
    drawn = draw_units(12, 3, 40)
    for grouping, turn in (("all", None), ("turn", 2)):
        rounds = []
        for times in drawn.T:
            again = [v for v in votes if turn in (None, v["turn"]) for _ in range(times[int(v["question_id"])])]
            rates = win_rates(outcomes_of(again)).filter(pl.col("grouping") == "all")
            x, y = (
                dict(rates.filter(pl.col("judge_group") == group).select("model", "half_win_rate").rows())
                for group in "xy"
            )
            both = sorted(set(x) & set(y))
            rounds.append([f([x[m] for m in both], [y[m] for m in both]).statistic for f in (spearmanr, kendalltau)])
        lower, upper = percentile_interval(np.array(rounds).T)
        for place, name in enumerate(("spearman", "kendall")):
            row = measured(stats, "x", "y", name, grouping=grouping, **({"turn": turn} if turn else {}))
            assert (row["ci_lower"], row["ci_upper"]) == pytest.approx((lower[place], upper[place]))
            assert row["ci_lower"] < row["ci_upper"]
    monkeypatch.setattr(rankings, "_ROUNDS_HELD", 1)
    key = list(AGREEMENT_STATS.key)
    few = agreement(votes[::-1], groupings=("all", "turn"), rounds=40, seed=3)
    assert_frame_equal(few.sort(key, nulls_last=True), stats.sort(key, nulls_last=True), check_exact=True)


def test_rankings_of_votes_without_a_question_or_on_one_alone_have_no_interval():
    votes = ranking_votes(11)
    for some in ([*votes, vote("y", A, question=None, models=("a", "b"))], [v | {"question_id": "1"} for v in votes]):
        outcomes = outcomes_of(some)
        rows = summarise_rankings(outcomes, AGREEMENT_STATS.no_rows, rules=AgreementRules(rounds=20))
        assert rows.select("measure", "ci_lower", "ci_upper").rows() == [
            ("spearman", None, None),
            ("kendall", None, None),
        ]
        assert rows["value"].is_not_null().all()


def test_a_mean_over_opponents_gives_each_the_same_weight_and_a_tie_is_no_win():
    votes = [vote("x", A, models=("a", "b"))] * 9 + [vote("x", TIE, models=("a", "c")), vote("x", B, models=("a", "c"))]
    rates = win_rates(outcomes_of(votes)).filter((pl.col("grouping") == "all") & (pl.col("judge_group") == "x"))
    row = rates.row(by_predicate=pl.col("model") == "a", named=True)
    assert (row["n"], row["wins"], row["ties"], row["opponents"]) == (11, 9, 1, 2)
    assert (row["win_rate"], row["half_win_rate"]) == (0.5, 0.625)


def test_how_much_is_added_up_at_once_changes_nothing(monkeypatch):
    random = np.random.default_rng(8)
    votes = [
        vote(f"j{judge}", int(random.integers(0, 3)), group=f"g{judge % 3}", question=str(q), models=("m", f"n{q % 2}"))
        for q in range(30)
        for judge in random.choice(9, 4, replace=False)
    ]
    groupings = ("all", "model_a,model_b")
    whole = agreement(votes, groupings=groupings)
    for name, few in (("_ROWS", 5), ("_QUESTIONS", 4), ("_ROUNDS_HELD", 1)):
        monkeypatch.setattr(statistics, name, few)
    parts = agreement(votes, groupings=groupings)
    key = list(AGREEMENT_STATS.key)
    assert_frame_equal(whole.sort(key, nulls_last=True), parts.sort(key, nulls_last=True))


def test_single_judges_are_compared_where_they_share_an_item_as_groups_of_one_are():
    random = np.random.default_rng(4)
    votes = [
        vote(f"j{judge:02}", int(random.integers(0, 3)), question=f"{q:02}", turn=turn, category="c" if q % 2 else None)
        for q in range(40)
        for turn in (1, None)
        for judge in ([0, 1, 2] if q < 35 else random.choice(30, 2, replace=False))
    ]
    votes += [vote("j00", A, question="00", models=("m", "o")), vote("j00", B, question="00", models=("m", "o"))]
    rules, items = AgreementRules(groupings=("all", "turn", "category"), rounds=50), items_of(votes)
    key = [name for name in AGREEMENT_STATS.key if name != "level"]
    wanted = summarise_agreement(items, rules=rules).drop("level").sort(key, nulls_last=True)
    pairs = pairs_of(items)
    found = summarise_pairs(pairs.sample(fraction=1, shuffle=True, seed=1), rules=rules)
    assert set(found["level"]) == {"judge"}
    found = found.drop("level").sort(key, nulls_last=True)
    ends = ["ci_lower", "ci_upper"]
    assert_frame_equal(found.drop(ends), wanted.drop(ends))
    # Some pairs of the thirty never met.
    assert found.select("judge_a", "judge_b").n_unique() < 30 * 29 / 2
    few = found["n_questions"] < 30
    assert found.filter(few)["ci_lower"].null_count() == few.sum() > 0
    row = measured(found, "j00", "j01", "agreement")
    assert row["ci_lower"] < row["value"] < row["ci_upper"]
    # A pair is a function of its own votes alone.
    alone = pairs.filter(pl.col("a").struct.field("judge") + pl.col("b").struct.field("judge") == "j00j01")
    again = summarise_pairs(alone, rules=rules).drop("level").sort(key, nulls_last=True)
    both = found.filter((pl.col("judge_a") + pl.col("judge_b")).is_in(["j00j01", "j01j00"]))
    assert_frame_equal(again, both, check_exact=True)


def biases(frame):
    rows = JUDGE_BIAS.conform_frame(frame).to_pylist()
    assert len({tuple(row[k] for k in JUDGE_BIAS.key) for row in rows}) == len(rows)
    return {row["measure"]: row for row in rows}


def test_sides_and_ties_have_exact_tests_and_shares_of_nothing_no_row():
    leanings = {
        "source": "s",
        "level": "group",
        "judge": "g",
        "n": 12,
        "ties": 2,
        "first": 8,
        "consistent": 0,
        "prefers_first": 0,
    }
    leanings |= {"prefers_second": 0, "n_again": 0, "n_contradicting": 0}
    rows = biases(summarise_leanings(pl.DataFrame([leanings]), single=False))
    assert set(rows) == {"tie", "first_wins"}
    assert (rows["tie"]["value"], rows["tie"]["p_value"]) == (2 / 12, None)
    assert rows["first_wins"]["p_value"] == pytest.approx(binomtest(8, 10).pvalue)
    wilson = binomtest(8, 10).proportion_ci(method="wilson")
    assert (rows["first_wins"]["ci_lower"], rows["first_wins"]["ci_upper"]) == pytest.approx((wilson.low, wilson.high))


def test_who_contradicts_himself_is_named_where_single_judges_are_not_asked_for():
    numbers = {"n": 9, "ties": 2, "first": 4, "consistent": 1, "prefers_first": 1, "prefers_second": 0}
    numbers |= {"n_again": 4, "n_contradicting": 3}
    leanings = pl.DataFrame(
        {"source": "s", "level": level, "judge": judge} | numbers for level, judge in (("group", "g"), ("judge", "x"))
    )
    named = summarise_leanings(leanings, single=False).filter(pl.col("level") == "judge")
    assert named.select("judge", "measure", "k", "n").rows() == [("x", "contradicts", 3, 4)]
    single = summarise_leanings(leanings, single=True).filter(pl.col("level") == "judge")
    assert set(single["measure"]) == {
        "tie",
        "first_wins",
        "consistent",
        "prefers_first",
        "prefers_second",
        "contradicts",
    }


def test_length_has_the_coefficients_of_scikit_learn():
    random = np.random.default_rng(3)
    longer = random.integers(-300, 300, 2000)
    wins = random.random(2000) < 1 / (1 + np.exp(-(0.3 + 0.5 * longer / 100)))
    votes = pl.DataFrame({"source": "s", "judge": "g", "longer": longer, "wins": wins.astype(np.int64), "n": 1})
    rows = biases(summarise_lengths(votes))
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(longer[:, None] / 100, wins)
    assert rows["first_log_odds"]["value"] == pytest.approx(oracle.intercept_[0], abs=1e-4)
    assert rows["length_log_odds"]["value"] == pytest.approx(oracle.coef_[0, 0], abs=1e-4)
    assert rows["length_log_odds"]["ci_lower"] < 0.5 < rows["length_log_odds"]["ci_upper"]
    decided = longer != 0
    assert rows["longer_wins"]["k"] == ((longer > 0) == wins)[decided].sum()


def test_lengths_that_separate_the_winners_have_no_coefficient():
    ones = np.ones(4)
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    assert fit_logistic(np.stack([ones, x], axis=1), np.array([0.0, 0, 1, 1]), ones) is None
    assert fit_logistic(np.stack([ones, ones], axis=1), np.array([0.0, 1, 1, 1]), ones) is None


def test_favour_is_what_a_group_gives_its_kin_beyond_all_others_on_the_same_items():
    votes = [
        *[vote("bot", A, question=str(q), models=("bot-1", "other")) for q in range(4)],
        *[vote("x", (A, B, TIE, B)[q], group="people", question=str(q), models=("bot-1", "other")) for q in range(4)],
        vote("bot", A, question="5", models=("bot-1", "other")),  # nobody else voted
        vote("bot", A, models=("bot-1", "bot-2")),  # all kin
    ]
    frame = summarise_families(outcomes_of(votes), items_of(votes), {"bot": ["bot*"]}, seed=0, rounds=100)
    rows = biases(frame)
    assert (rows["own_family"]["k"], rows["own_family"]["n"]) == (5, 5)
    # People: 1, 0, 1/2, 0 against 1 each.
    assert (rows["own_family_favour"]["n"], rows["own_family_favour"]["value"]) == (4, 1 - 1.5 / 4)
    assert 0 <= rows["own_family_favour"]["ci_lower"] < rows["own_family_favour"]["ci_upper"] <= 1


@pytest.mark.slow
def test_judges_who_vote_at_random_have_kappa_zero_within_its_interval():
    covered, studies = 0, 1000
    rules = AgreementRules(rounds=400)
    for study in range(studies):
        random = np.random.default_rng(study)
        votes = [
            vote(judge, int(outcome), question=f"{q:03}")
            for q in range(100)
            for judge, outcome in zip("xy", random.choice(3, 2, p=[0.4, 0.2, 0.4]), strict=True)
        ]
        row = measured(summarise_agreement(items_of(votes), rules=rules), "x", "y", "cohen_kappa")
        covered += row["ci_lower"] <= 0 <= row["ci_upper"]
    assert covered / studies == pytest.approx(0.95, abs=0.02)

"""Ratings without a language, a month or a judge: against fits of the votes that are left, and where none exists."""

import numpy as np
import pandas as pd
import pytest
from rating_cases import count, simulate, votes_of

from arenalake.ratings.model.estimates import rate
from arenalake.ratings.model.votes import count_pairs
from arenalake.ratings.options import RatingsConfig
from arenalake.ratings.spark.influence import influence_rows, judge_rows
from arenalake.ratings.spark.spread import VOTES

RATINGS = RatingsConfig()


def rows_of(votes, value):
    """Votes per pair as rows of `count_left_out`."""
    names = np.array(votes.models)
    rows = pd.DataFrame({"value": value, "model_a": names[votes.a], "model_b": names[votes.b]})
    return rows.assign(**dict(zip(VOTES, votes.counts, strict=True)))


@pytest.mark.parametrize("method", ["bradley_terry", "bradley_terry_no_ties", "rao_kupper", "davidson", "win_rate"])
def test_a_rating_without_some_votes_is_the_rating_of_the_others(method):
    first, second, outcome = simulate(3, 6, 3000)
    group = np.random.default_rng(0).integers(0, 40, len(first))  # more values than are fitted in one go
    group[:1500] = 40  # one of them has half of all votes
    votes = count(first, second, outcome, 6)
    parts = [rows_of(count(*(x[group == g] for x in (first, second, outcome)), 6), f"v{g:02}") for g in range(41)]
    found = influence_rows(votes, pd.concat(parts).sample(frac=1, random_state=0), method, RATINGS)
    everything = rate(votes, method, RATINGS)
    for g in range(41):
        left = rate(count(*(x[group != g] for x in (first, second, outcome)), 6), method, RATINGS)
        own = found[found["value"] == f"v{g:02}"]
        assert own["model"].tolist() == list(votes.models)
        assert own["rating"].to_numpy() == pytest.approx(left.rating, abs=1e-6)
        assert own["change"].to_numpy() == pytest.approx(left.rating - everything.rating, abs=1e-6)
        assert own["n_battles"].tolist() == left.n_battles.tolist()
        assert set(own["n_left_out"]) == {(group == g).sum()}
    assert found["note"].isna().all()


def test_where_the_votes_that_are_left_do_not_say_there_is_no_rating_and_a_reason():
    votes = votes_of({"AB": (4, 4, 0), "BC": (4, 4, 0), "CD": (2, 2, 0), "AE": (5, 0, 0)})
    parts = pd.DataFrame(
        [
            ("all of D", "C", "D", 2, 2, 0),
            ("what C won of B", "B", "C", 0, 4, 0),
            ("what D lost", "C", "D", 2, 0, 0),
        ],
        columns=["value", "model_a", "model_b", *VOTES],
    )
    found = influence_rows(votes, parts, "bradley_terry", RATINGS).set_index(["value", "model"])
    notes = found["note"].dropna().to_dict()
    never = {(value, "E"): "no estimate from all votes" for value in sorted(set(parts["value"]))}
    assert notes == never | {
        ("all of D", "D"): "no votes left",
        ("what C won of B", "C"): "never above the others",
        ("what C won of B", "D"): "never above the others",
        ("what D lost", "D"): "never below the others",
    }
    assert (found["rating"].isna() == found["note"].notna()).all()
    assert (found["change"].isna() == found["note"].notna()).all()


def test_of_judges_only_quantiles_over_all_of_them_are_told():
    models = ["A", "B"]
    parts = [
        rows_of(count_pairs(models, np.array([0]), np.array([1]), np.array([[wins], [10 - wins], [0]])), f"judge {n}")
        for n, wins in enumerate((0, 2, 5, 8, 10))
    ]
    votes = votes_of({"AB": (30, 30, 0)})
    rows = influence_rows(votes, pd.concat(parts), "win_rate", RATINGS).assign(method="win_rate")
    found = judge_rows(rows)
    assert not found.isin([f"judge {n}" for n in range(5)]).any(axis=None)
    assert set(found["n_values"]) == {5}
    changes = found.pivot_table(index="value", columns="model", values="change")
    # A has 30 of 60 wins; without a judge who gave it 10 of 10, 20 of 50.
    assert changes.loc[["lowest", "median", "highest"], "A"].tolist() == pytest.approx([-0.1, 0, 0.1])
    assert changes.loc["lowest", "B"] == pytest.approx(-0.1)
    lost = judge_rows(rows.assign(change=np.where(rows["value"] == "judge 0", np.nan, rows["change"])))
    assert set(lost["note"]) == {"no rating without some of the judges: 1"}

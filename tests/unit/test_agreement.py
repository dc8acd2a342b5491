"""Measures of agreement: cases to check by hand, scikit-learn, krippendorff and evalica on random votes."""

import evalica
import krippendorff
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from arenalake.numbers.agreement import (
    chance_agreement,
    cohen_kappa,
    coincidences,
    correlation,
    fleiss_kappa,
    fleiss_parts,
    krippendorff_alpha,
    majority_agreement,
    observed_agreement,
    vote_pairs,
    vote_pairs_within,
)
from arenalake.numbers.resampling import draw_units, percentile_interval


def counted(ratings):
    """Votes by outcome per item [items, 3] from one row per judge [judges, items], NaN where there is no vote."""
    return np.stack([(ratings == outcome).sum(axis=0) for outcome in range(3)], axis=-1).astype(float)


def random_ratings(seed, *, judges=6, items=60, missing=0.4):
    """Judges who follow an item's true outcome more often than not, with votes missing."""
    random = np.random.default_rng(seed)
    truth = random.choice(3, items, p=[0.5, 0.2, 0.3])
    ratings = np.where(random.random((judges, items)) < 0.6, truth, random.integers(0, 3, (judges, items)))
    return np.where(random.random((judges, items)) < missing, np.nan, ratings)


def alpha(ratings, level="nominal"):
    return float(krippendorff_alpha(coincidences(counted(ratings)).sum(axis=0), level))


@pytest.mark.parametrize("seed", range(5))
def test_cohens_kappa_of_two_judges_is_that_of_scikit_learn(seed):
    first, second = random_ratings(seed, judges=2, missing=0.2)
    both = ~np.isnan(first) & ~np.isnan(second)
    pairs = vote_pairs(counted(first[None]), counted(second[None])).sum(axis=0)
    assert pairs.sum() == both.sum()
    assert cohen_kappa(pairs) == pytest.approx(cohen_kappa_score(first[both], second[both]))


def test_cohens_kappa_by_hand():
    # 20 + 15 of 50 agree; by chance 25 · 30 + 25 · 20 of 2,500 would.
    pairs = np.array([[20.0, 5.0], [10.0, 15.0]])
    assert observed_agreement(pairs) == 0.7
    assert chance_agreement(pairs) == 0.5
    assert cohen_kappa(pairs) == pytest.approx(0.4)


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
@pytest.mark.parametrize("seed", range(5))
def test_alpha_with_missing_votes_is_that_of_krippendorff_and_evalica(seed, level):
    ratings = random_ratings(seed)
    ours = alpha(ratings, level)
    assert ours == pytest.approx(krippendorff.alpha(ratings, level_of_measurement=level))
    assert ours == pytest.approx(evalica.alpha(pd.DataFrame(ratings), level).alpha)


def test_alpha_by_hand():
    # Items 00, 01, 11: ordered pairs 2 · (0, 0), (0, 1), (1, 0), 2 · (1, 1), so n = 6, three votes of each outcome.
    ratings = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    # 1 - (6 - 1) · 2 / (2 · 3 · 3)
    assert alpha(ratings) == pytest.approx(1 - 10 / 18)


def test_ordinal_alpha_by_hand():
    # Items 00, 02, 11, 12: ordered pairs 2 · (0, 0), (0, 2), (2, 0), 2 · (1, 1), (1, 2), (2, 1), so n = 8 votes: three
    # of outcome 0, three of 1 and two of 2. A distance is the number of votes from one outcome to the other, of which
    # those of both ends count half: 0 to 1: 3/2 + 3/2 = 3; 1 to 2: 3/2 + 2/2 = 5/2; 0 to 2: 3/2 + 3 + 2/2 = 11/2.
    ratings = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 2.0, 1.0, 2.0]])
    # Squares of distances over the ordered pairs: 2 · 121/4 + 2 · 25/4 = 73.
    # Over all pairs of votes: 2 · (3 · 3 · 9 + 3 · 2 · 25/4 + 3 · 2 · 121/4) = 2 · (81 + 37.5 + 181.5) = 600.
    assert alpha(ratings, "ordinal") == pytest.approx(1 - (8 - 1) * 73 / 600)


def test_fleiss_kappa_is_that_of_his_textbook_example():
    # 14 judges, 10 items, 5 outcomes: https://en.wikipedia.org/wiki/Fleiss%27_kappa, 0.210.
    votes = np.array(
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ],
        dtype=float,
    )
    kappa = fleiss_kappa(*(part.sum(axis=0) for part in fleiss_parts(votes)))
    assert kappa == pytest.approx(0.20993, abs=1e-5)


def test_fleiss_kappa_leaves_out_items_with_one_vote():
    votes = np.array([[2.0, 0, 0], [1.0, 1.0, 0], [0, 1.0, 0]])
    # Agreement 1 and 0 on two items; shares 3/4 and 1/4 of their four votes.
    assert fleiss_kappa(*(part.sum(axis=0) for part in fleiss_parts(votes))) == pytest.approx((0.5 - 0.625) / 0.375)


def test_pairs_within_a_group_are_those_of_different_votes():
    pairs = vote_pairs_within(np.array([2.0, 1.0, 0.0]))
    # A A B: one pair (A, A) and two pairs (A, B), each in both orders.
    assert pairs.tolist() == [[2, 2, 0], [2, 0, 0], [0, 0, 0]]
    assert observed_agreement(pairs) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("majority", "with_ties", "without_ties"),
    [
        ((2, 0, 1), (1, 2), (1, 1)),  # the first wins: one of first, tie agrees; the tie is left out
        ((1, 0, 1), (0.5, 2), (0.5, 1)),  # two tops share the item
        ((1, 1, 1), (2 / 3, 2), (0.5, 1)),  # without ties the other two do
        ((1, 2, 1), (1, 2), (0, 0)),  # tie alone is the top: no majority without ties
        ((2, 2, 0), (1, 2), (1, 1)),
        ((0, 0, 0), (0, 0), (0, 0)),  # nobody voted
    ],
)
def test_votes_are_compared_with_the_majority_and_equal_tops_are_split(majority, with_ties, without_ties):
    votes = np.array([1.0, 1.0, 0.0])
    group = np.array(majority, dtype=float)
    assert tuple(map(float, majority_agreement(votes, group, tie=None))) == pytest.approx(with_ties)
    assert tuple(map(float, majority_agreement(votes, group, tie=1))) == pytest.approx(without_ties)


def test_correlation_is_numpys_and_missing_where_a_side_does_not_vary():
    random = np.random.default_rng(0)
    x = random.random(50)
    y = x + random.random(50)
    sums = [np.array(float(v)) for v in (50, x.sum(), y.sum(), x @ x, y @ y, x @ y)]
    assert correlation(*sums) == pytest.approx(np.corrcoef(x, y)[0, 1])
    flat = [np.array(float(v)) for v in (50, 50 * 0.3, y.sum(), 50 * 0.3**2, y @ y, 0.3 * y.sum())]
    assert np.isnan(correlation(*flat))


def test_nothing_compared_and_votes_that_are_all_the_same_have_no_kappa():
    nothing, same = np.zeros((3, 3)), np.diag([4.0, 0.0, 0.0])
    assert np.isnan([observed_agreement(nothing), cohen_kappa(nothing), cohen_kappa(same)]).all()
    assert np.isnan([krippendorff_alpha(nothing), krippendorff_alpha(same), krippendorff_alpha(same, "ordinal")]).all()
    assert observed_agreement(same) == 1


@given(arrays(np.float64, (5, 3), elements=st.integers(0, 6).map(float)))
def test_measures_do_not_depend_on_which_side_is_called_the_first(votes):
    turned = votes[:, ::-1]
    for level in ("nominal", "ordinal"):
        one, other = (krippendorff_alpha(coincidences(v).sum(axis=0), level) for v in (votes, turned))
        assert one == pytest.approx(other, nan_ok=True)
    one, other = (cohen_kappa(vote_pairs_within(v).sum(axis=0)) for v in (votes, turned))
    assert one == pytest.approx(other, nan_ok=True)


def test_rounds_draw_as_many_units_as_there_are_and_are_functions_of_seed_and_round():
    drawn = draw_units(7, 3, 5)
    assert drawn.sum(axis=0).tolist() == [7] * 5
    assert (draw_units(7, 3, 2) == drawn[:, :2]).all()
    assert (draw_units(7, 4, 5) != drawn).any()
    assert draw_units(1, 0, 3).tolist() == [[1] * 3]


def test_percentile_intervals_are_numpys_without_rounds_that_have_no_value():
    random = np.random.default_rng(1)
    rounds = random.random((4, 200))
    rounds[1, :50] = np.nan
    rounds[2] = np.nan
    rounds[3, 1:] = np.nan
    lower, upper = percentile_interval(rounds)
    for row in (0, 1):
        assert (lower[row], upper[row]) == pytest.approx(tuple(np.nanpercentile(rounds[row], [2.5, 97.5])))
    assert np.isnan([lower[2], upper[2]]).all()
    assert lower[3] == upper[3] == rounds[3, 0]

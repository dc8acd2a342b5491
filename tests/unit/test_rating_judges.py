"""The bootstrap over judges, online Elo in random orders, and the other ways to draw."""

import numpy as np
import pytest
from rating_cases import count, simulate
from scipy.sparse import csr_array

from arenalake.ratings.model import elo
from arenalake.ratings.model.elo import EloRules, draw, elo_ratings, elo_rounds, pack, unpack
from arenalake.ratings.model.estimates import COUNTED, LIKELIHOODS, rate, rate_rounds
from arenalake.ratings.model.families import DAVIDSON, HALF_WIN, NO_TIES
from arenalake.ratings.model.intervals import sandwich_covariance
from arenalake.ratings.model.judges import PART, clustered_errors, judge_meat, judge_weights, resample_judges
from arenalake.ratings.model.leaderboard import normal_rows, percentile_rows
from arenalake.ratings.model.replicates import CHUNK, fit_point, replicate, resample_battles
from arenalake.ratings.model.resampling import CellSampler
from arenalake.ratings.options import RatingsConfig


def test_weights_of_all_parts_together_are_one_multinomial_draw():
    n_judges = PART + 1000
    rounds = range(300)
    weights = [np.concatenate([judge_weights(n_judges, part, 1, r) for part in (0, 1)]) for r in rounds]
    assert {int(w.sum()) for w in weights} == {n_judges}
    by_part = np.array([w[:PART].sum() for w in weights])
    share = PART / n_judges
    assert by_part.std() == pytest.approx(np.sqrt(n_judges * share * (1 - share)), rel=0.15)
    drawn = np.bincount(np.concatenate(weights))[:4] / (n_judges * len(rounds))
    assert drawn == pytest.approx(np.exp(-1) / np.array([1, 1, 2, 6]), abs=0.002)


def test_poisson_weights_have_mean_and_variance_one():
    weights = np.concatenate([judge_weights(500, 0, 1, r, poisson=True) for r in range(200)])
    assert weights.mean() == pytest.approx(1, abs=0.02)
    assert weights.var() == pytest.approx(1, abs=0.03)


def test_poisson_cells_have_the_mean_and_variance_of_their_counts():
    sampler = CellSampler(np.array([2, 50, 20_000]), poisson=True)
    draws = sampler.draw(3, range(4000))
    assert draws.mean(axis=0) == pytest.approx([2, 50, 20_000], rel=0.03)
    assert draws.var(axis=0) == pytest.approx([2, 50, 20_000], rel=0.12)


def test_a_parts_votes_are_its_judges_votes_times_their_weights():
    ballots = csr_array(np.array([[1, 0, 2], [0, 3, 0]]))
    sums = resample_judges(ballots, 2, 0, 5, range(4), poisson=False)
    for round_ in range(4):
        assert sums[:, round_].tolist() == (judge_weights(2, 0, 5, round_) @ ballots.toarray()).tolist()


@pytest.mark.parametrize("poisson", [False, True])
@pytest.mark.parametrize("method", COUNTED)
def test_one_judge_leaves_ratings_without_bounds_and_the_note_says_so(method, poisson):
    votes = count(*simulate(2, 4, 300), 4)
    ballots, config = csr_array(votes.counts.reshape(1, -1)), RatingsConfig()
    sums = resample_judges(ballots, 1, 0, 0, range(100), poisson=poisson).reshape(3, -1, 100)
    found = rate(votes, method, config)
    rounds = rate_rounds(votes, method, lambda some: sums[:, :, some.start : some.stop], range(96), config)
    tables = [percentile_rows(found, rounds)]
    if method in LIKELIHOODS:
        point = fit_point(votes, LIKELIHOODS[method])
        clustered = clustered_errors(point.fits[0], judge_meat(point, ballots)[0], 1)
        tables.append(normal_rows(found, "sandwich_judge", clustered))
    for rows in tables:
        assert rows["rating"].notna().all()
        assert rows[["se", "ci_lower", "ci_upper"]].isna().all(axis=None)
        assert set(rows["note"]) == {"unbounded: nothing to resample, for example only one judge"}
        assert set(rows["rank_ub"]) == {1}
    assert (set(tables[0]["rank_lower"]), set(tables[0]["rank_upper"])) == ({1}, {4})


def _one_ballot_each(first, second, outcome, n_models):
    """Votes, and a matrix in which each battle has a judge of its own."""
    votes = count(first, second, outcome, n_models)
    swapped = first > second
    key = np.minimum(first, second) * n_models + np.maximum(first, second)
    pair = np.searchsorted(votes.a * n_models + votes.b, key)
    side = np.where(swapped & (outcome < 2), 1 - outcome, outcome)
    cells = side * len(votes.a) + pair
    ballots = csr_array(
        (np.ones(len(first), dtype=np.int64), (np.arange(len(first)), cells)), (len(first), votes.counts.size)
    )
    return votes, ballots


@pytest.mark.parametrize("family", [HALF_WIN, NO_TIES, DAVIDSON])
def test_with_one_vote_per_judge_the_clustered_sandwich_is_the_plain_one(family):
    votes, ballots = _one_ballot_each(*simulate(3, 5, 700), 5)
    point = fit_point(votes, family)
    fit = point.fits[0]
    clustered = clustered_errors(fit, judge_meat(point, ballots)[0], 700)
    plain = np.sqrt(np.diag(sandwich_covariance(fit)))
    assert clustered == pytest.approx(plain * np.sqrt(700 / 699))


def test_judges_who_vote_alike_make_both_judge_intervals_wider():
    votes, single = _one_ballot_each(*simulate(4, 5, 900), 5)
    alike = csr_array(single.toarray() * 9)  # each of 900 judges casts the same vote nine times
    point = fit_point(type(votes)(votes.models, votes.a, votes.b, votes.counts * 9), HALF_WIN)
    fit = point.fits[0]
    clustered = clustered_errors(fit, judge_meat(point, alike)[0], 900)
    assert clustered == pytest.approx(3 * np.sqrt(np.diag(sandwich_covariance(fit))), rel=0.01)
    sums = resample_judges(alike, 900, 0, 1, range(CHUNK * 16), poisson=False).reshape(3, -1, CHUNK * 16)
    rounds = replicate(point, lambda some: sums[:, :, some.start : some.stop], range(CHUNK * 16))
    assert rounds.std(axis=1, ddof=1) == pytest.approx(clustered, rel=0.15)


@pytest.mark.parametrize("family", [HALF_WIN, DAVIDSON])
def test_multinomial_and_poisson_rounds_spread_alike(family):
    point = fit_point(count(*simulate(5, 5, 4000), 5), family)
    spread = [
        replicate(point, resample_battles(point.votes, 1, poisson=poisson), range(CHUNK * 16)).std(axis=1)
        for poisson in (False, True)
    ]
    assert spread[0] == pytest.approx(spread[1], rel=0.2)
    assert spread[0] == pytest.approx(np.sqrt(np.diag(sandwich_covariance(point.fits[0]))), rel=0.15)


def _drawn(seed, round_, n_battles):
    """The battles of a round, word by word in whole numbers; a word that would make some battles likelier is left."""
    random = np.random.Philox(key=np.array([seed, round_], dtype=np.uint64))
    words = (word >> shift & 0xFFFFFFFF for word in iter(lambda: int(random.random_raw()), None) for shift in (0, 32))
    products = (word * n_battles for word in words)
    fair = (product >> 32 for product in products if product % 2**32 >= 2**32 % n_battles)
    return np.array([next(fair) for _ in range(n_battles)])


# Small gains are played by strengths and large ones by log odds.
@pytest.mark.parametrize("rules", [EloRules(), EloRules(32, 350, 7, 1200), EloRules(k=400), EloRules(start=1e5)])
@pytest.mark.parametrize("soft", [False, True])
def test_elo_rounds_play_what_they_draw_one_battle_after_another(rules, soft):
    first, second, outcome = simulate(6, 5, 700)
    score = np.random.default_rng(1).random(700) if soft else np.array([1, 0, 0.5])[outcome]
    found = elo_rounds(first, second, score, 5, 9, range(3, 5), rules)
    for column, round_ in enumerate((3, 4)):
        order = _drawn(9, round_, 700)
        alone = elo_ratings(first[order], second[order], score[order], 5, rules)
        assert found[:, column] == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("rules", [EloRules(k=2e5, start=0), EloRules(scale=0.01, start=0), EloRules(k=1e9)])
def test_elo_rounds_and_estimates_agree_where_models_are_infinitely_far_apart(rules):
    # Few battles: with so much at stake, rounding grows from one battle to the next.
    first, second, score = np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([1.0, 0.0, 1.0])
    found = elo_rounds(first, second, score, 4, 9, range(20), rules)
    for round_ in range(20):
        order = _drawn(9, round_, 3)
        alone = elo_ratings(first[order], second[order], score[order], 4, rules)
        seen = np.isin(np.arange(4), [first[order], second[order]])
        assert found[seen, round_] == pytest.approx(alone[seen], rel=1e-9, abs=1e-9)


def test_an_elo_round_does_not_depend_on_the_rounds_beside_it():
    first, second, outcome = simulate(7, 9, 40_000)
    battles = first, second, np.array([1, 0, 0.5])[outcome], 9, 3
    whole = elo_rounds(*battles, range(70), EloRules())
    for rounds in (range(1), range(31, 34), range(40, 70)):
        assert (elo_rounds(*battles, rounds, EloRules()) == whole[:, rounds.start : rounds.stop]).all()


def test_rounds_whose_strengths_would_leave_the_range_of_numbers_are_played_by_log_odds(monkeypatch):
    first, second, outcome = simulate(8, 6, 5000)
    battles = first, second, np.array([1, 0, 0.5])[outcome], 6, 2
    by_strength = elo_rounds(*battles, range(8), EloRules(k=32))
    reach = np.exp((by_strength - 1000).max(axis=0) / 400 * np.log(10))
    # Where a tile ends, some rounds are further and some are not.
    monkeypatch.setattr(elo, "MOST_STRENGTH", np.median(reach))
    found = elo_rounds(*battles, range(8), EloRules(k=32))
    assert found == pytest.approx(by_strength, rel=1e-12)
    by_log_odds = (found != by_strength).any(axis=0)
    assert 0 < by_log_odds.sum() < 8


def test_words_that_would_make_some_battles_likelier_are_drawn_again():
    n_battles = 3 * 2**30  # a quarter of the words
    random = np.random.Generator(np.random.Philox(5))
    words = draw(random, n_battles, 10_000)
    products = [int(word) * n_battles for word in words]
    assert min(product % 2**32 for product in products) >= 2**30
    drawn = np.bincount(np.array([product >> 32 for product in products]) // 2**30, minlength=3)
    assert drawn == pytest.approx(10_000 / 3, rel=0.06)


def test_a_model_without_a_battle_in_an_elo_round_has_no_rating_there():
    found = elo_rounds(np.array([0, 0]), np.array([1, 2]), np.array([1.0, 1.0]), 3, 0, range(32), EloRules())
    assert not np.isnan(found[0]).any()
    assert 0 < np.isnan(found[1]).sum() < 32
    assert (np.isnan(found[1]) | np.isnan(found[2])).sum() < 32


def test_indices_survive_packing():
    assert unpack(pack(np.array([0, 1, 65_535]))).tolist() == [0, 1, 65_535]

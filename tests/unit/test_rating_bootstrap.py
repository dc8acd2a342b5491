"""The bootstrap over battles: its law, its rounds, its intervals and ranks."""

import numpy as np
import pandas as pd
import pytest
from rating_cases import count, simulate, votes_of
from scipy.stats import chi2, multinomial

from arenalake.ratings.model import intervals
from arenalake.ratings.model.estimates import estimate, likelihood_rounds
from arenalake.ratings.model.families import HALF_WIN
from arenalake.ratings.model.fit import fit_rounds
from arenalake.ratings.model.leaderboard import normal_rows, percentile_rows, sandwich_errors
from arenalake.ratings.model.replicates import CHUNK, fit_point, replicate, resample_battles
from arenalake.ratings.model.resampling import CellSampler
from arenalake.ratings.options import RatingsConfig


def _draws(counts, rounds, seed=5):
    sampler = CellSampler(np.array(counts))
    return sampler.draw(seed, range(rounds))


@pytest.mark.parametrize("counts", [[1, 2, 3], [3, 3, 3, 40, 40, 300], [5000, 20_000, 1, 1, 1, 7]])
def test_draws_have_the_means_and_covariances_of_the_multinomial(counts):
    rounds = 10_000
    draws = _draws(counts, rounds)
    total = sum(counts)
    assert (draws.sum(axis=1) == total).all()
    share = np.array(counts) / total
    covariance = total * (np.diag(share) - np.outer(share, share))
    off = (draws.mean(axis=0) - counts) / np.sqrt(np.diag(covariance) / rounds)
    assert np.abs(off).max() < 4.5
    sd = np.sqrt(np.diag(covariance))
    assert np.cov(draws.T) / np.outer(sd, sd) == pytest.approx(covariance / np.outer(sd, sd), abs=0.06)


def test_whole_outcomes_have_the_probabilities_of_the_multinomial():
    counts, rounds = [2, 3, 4], 20_000
    draws = _draws(counts, rounds)
    outcomes, seen = np.unique(draws, axis=0, return_counts=True)
    expected = rounds * multinomial(9, np.array(counts) / 9).pmf(outcomes)
    frequent = expected > 5
    statistic = ((seen - expected)[frequent] ** 2 / expected[frequent]).sum()
    assert statistic < chi2(frequent.sum() - 1).ppf(0.9999)
    assert expected[frequent].sum() > 0.99 * rounds


@pytest.mark.parametrize("count_of_cell", [7, 150, 9000])
def test_one_cell_among_many_is_binomial(count_of_cell):
    counts = [count_of_cell, *[50] * 400]
    draws = _draws(counts, 8_000)[:, 0]
    share = count_of_cell / sum(counts)
    law = multinomial(sum(counts), [share, 1 - share])
    edges = np.unique(np.quantile(draws, np.linspace(0.05, 0.95, 19)).astype(int))
    values = np.arange(draws.max() * 2 + 50)
    values = values[values <= sum(counts)]
    cdf = np.cumsum(law.pmf(np.stack([values, sum(counts) - values], axis=1)))
    expected = np.diff([0, *cdf[edges], 1]) * len(draws)
    seen = np.diff([0, *np.searchsorted(np.sort(draws), edges, "right"), len(draws)])
    assert ((seen - expected) ** 2 / expected).sum() < chi2(len(edges)).ppf(0.9999)


def test_a_round_depends_on_seed_and_round_only():
    sampler = CellSampler(np.arange(1, 200))
    again = CellSampler(np.arange(1, 200))
    whole = sampler.draw(1, range(600))
    assert (again.draw(1, range(3, 5)) == whole[3:5]).all()
    assert (again.draw(1, range(400, 600)) == whole[400:]).all()
    assert len(np.unique(whole, axis=0)) == 600
    assert (sampler.draw(2, range(3, 4)) != whole[3]).any()


def test_a_round_is_the_same_bit_for_bit_whichever_rounds_are_asked_for_with_it():
    point = fit_point(count(*simulate(1, 10, 1500), 10), HALF_WIN)
    resample = resample_battles(point.votes, seed=4)
    whole = replicate(point, resample, range(3 * CHUNK))
    for rounds in (range(0, 1), range(5, CHUNK + 3), range(2 * CHUNK + 1, 3 * CHUNK)):
        assert (replicate(point, resample, rounds) == whole[:, rounds.start : rounds.stop]).all()


@pytest.mark.parametrize(("n_models", "n_battles"), [(10, 1500), (30, 400)])
def test_each_round_is_the_maximum_for_its_votes(n_models, n_battles):
    point = fit_point(count(*simulate(2, n_models, n_battles), n_models), HALF_WIN)
    resample = resample_battles(point.votes, seed=0)
    found = replicate(point, resample, range(CHUNK))
    assert point.component.max() == 1
    rounds_with_a_maximum = np.flatnonzero(np.isfinite(found).all(axis=0)).tolist()
    assert len(rounds_with_a_maximum) > CHUNK // 2
    for round_ in rounds_with_a_maximum:
        newton = fit_rounds(point.votes.a, point.votes.b, n_models, resample(range(round_, round_ + 1)), HALF_WIN)
        assert found[:, round_] == pytest.approx(newton.theta[:, 0], abs=1e-10)


def _one_round(table, counts):
    point = fit_point(votes_of(table), HALF_WIN)
    drawn = votes_of(counts)
    assert (drawn.a.tolist(), drawn.b.tolist()) == (point.votes.a.tolist(), point.votes.b.tolist())
    return point, replicate(point, lambda rounds: np.repeat(drawn.counts[:, :, None], len(rounds), axis=2), range(1))[
        :, 0
    ]


def test_a_model_that_only_won_in_a_round_is_infinitely_good_there():
    table = {"AB": (2, 2, 0), "BC": (2, 2, 0), "AC": (2, 2, 0), "CD": (1, 1, 0)}
    _, found = _one_round(table, {"AB": (2, 2, 0), "BC": (2, 2, 0), "AC": (2, 2, 0), "CD": (0, 2, 0)})
    assert found.tolist() == [0, 0, 0, np.inf]


def test_a_model_that_is_beaten_over_another_is_infinitely_bad_and_one_without_votes_undefined():
    table = {"AB": (2, 2, 0), "BC": (1, 1, 0), "CD": (1, 1, 0), "AE": (1, 1, 0)}
    point, found = _one_round(table, {"AB": (3, 3, 0), "BC": (2, 0, 0), "CD": (3, 0, 0), "AE": (0, 0, 0)})
    assert found[2:].tolist()[:2] == [-np.inf, -np.inf]
    assert np.isnan(found[4])
    assert found[0] == found[1] == pytest.approx(point.fits[0].theta[:2].mean())


def test_a_round_in_which_no_two_models_compare_says_who_only_won_and_who_only_lost():
    table = {"AB": (1, 1, 0), "BC": (1, 1, 0)}
    _, found = _one_round(table, {"AB": (2, 0, 0), "BC": (2, 0, 0)})
    assert found[[0, 2]].tolist() == [np.inf, -np.inf]
    assert np.isnan(found[1])


def test_percentiles_interpolate_and_a_bound_on_an_infinite_round_does_not_exist():
    rounds = np.arange(1001.0)
    high, undefined = rounds.copy(), rounds.copy()
    high[-26:] = np.inf
    undefined[:3] = np.nan
    interval = intervals.percentile_interval(np.stack([rounds, high, undefined]))
    assert interval.lower[:2].tolist() == [25, 25]
    assert interval.upper[0] == 975
    assert np.isnan(interval.upper[1])
    assert interval.lower[2] == 25
    assert interval.upper[2] == pytest.approx(978)
    assert interval.se[0] == pytest.approx(rounds.std(ddof=1))
    assert np.isnan(interval.se[1:]).all()


def test_percentiles_are_numpys_where_all_rounds_are_finite():
    rounds = np.random.default_rng(1).normal(size=(5, 333))
    interval = intervals.percentile_interval(rounds)
    assert interval.lower == pytest.approx(np.percentile(rounds, 2.5, axis=1))
    assert interval.upper == pytest.approx(np.percentile(rounds, 97.5, axis=1))


def test_ranks_count_the_higher_models():
    assert intervals.rank(np.array([5.0, 7.0, 5.0, 1.0])).tolist() == [2, 1, 2, 4]
    lower, upper = np.array([4.0, 1.0, np.nan]), np.array([6.0, 3.0, np.nan])
    assert intervals.rank_upper_bound(lower, upper).tolist() == [1, 2, 1]


def test_rank_intervals_take_best_and_worst_where_a_round_gives_no_order():
    lower, upper = intervals.rank_interval(np.array([[3.0], [np.nan], [1.0], [-np.inf], [-np.inf]]))
    assert lower.tolist() == [1, 1, 2, 3, 3]
    assert upper.tolist() == [2, 5, 3, 5, 5]


def test_sandwich_and_bootstrap_agree_on_many_votes():
    point = fit_point(count(*simulate(8, 6, 20_000), 6), HALF_WIN)
    rounds = replicate(point, resample_battles(point.votes, seed=1), range(2048))
    sandwich = np.sqrt(np.diag(intervals.sandwich_covariance(point.fits[0])))
    # 2,048 rounds give an se to about 1.6 %
    assert rounds.std(axis=1, ddof=1) == pytest.approx(sandwich, rel=0.06)


def test_points_of_the_rounds_are_numpys_and_missing_where_undefined_rounds_could_move_them():
    rounds = np.random.default_rng(2).normal(1000, 50, (4, 400))
    rounds[1, :10] = np.nan  # 2.5 %: either end may be one of them
    rounds[2, :250] = np.nan
    rounds[3, 0] = np.inf
    found = intervals.percentile_points(rounds)
    for row in (0, 3):
        wanted = np.percentile(rounds[row], [5, 50, 95])
        assert [found[name][row] for name in ("p5", "p50", "p95")] == pytest.approx(wanted.tolist())
    # Undefined rounds count as the lowest for the lower end and as the highest for the upper one.
    assert found["p5"][1] == pytest.approx(np.percentile(np.nan_to_num(rounds[1], nan=0.0), 5))
    assert found["p95"][1] == pytest.approx(np.percentile(np.nan_to_num(rounds[1], nan=1e9), 95))
    assert np.isnan([found["p50"][1], *(points[2] for points in found.values())]).all()


def test_the_table_explains_models_without_an_estimate_and_unbounded_intervals():
    votes = votes_of({"AB": (6, 5, 0), "BC": (1, 1, 0), "AD": (0, 4, 0), "AE": (3, 0, 0), "FG": (1, 1, 1)})
    config = RatingsConfig()
    point = fit_point(votes, HALF_WIN)
    rounds = likelihood_rounds(point, resample_battles(votes, 0), range(200), config)
    found = estimate(votes, point, config)
    tables = [percentile_rows(found, rounds), normal_rows(found, "sandwich", sandwich_errors(found, point, config))]
    table = pd.concat(tables).set_index(["interval", "model"])
    notes = table.loc["percentile", "note"]
    assert notes["D"] == "no estimate: only wins"
    percentile = table.loc["percentile"]
    assert percentile["p50"]["A"] == pytest.approx(np.median(rounds[list(found.models).index("A")]))
    assert percentile.loc["D", ["p5", "p50", "p95"]].isna().all()
    assert notes["E"] == "no estimate: only losses"
    assert notes["C"] == "unbounded"
    assert notes["F"] == "unbounded; separate component: not comparable with the main component"
    assert table.loc["sandwich", "note"]["C"] is None
    assert table.loc["percentile", "rating"][["A", "B", "C"]].mean() == pytest.approx(1000)
    assert table.loc["percentile", "rating"][["D", "E"]].isna().all()
    assert table.loc["percentile", "n_battles"].to_dict() == {"A": 18, "B": 13, "C": 2, "D": 4, "E": 3, "F": 3, "G": 3}
    assert table.loc["percentile", "component"].to_dict() == {"A": 1, "B": 1, "C": 1, "D": 3, "E": 4, "F": 2, "G": 2}

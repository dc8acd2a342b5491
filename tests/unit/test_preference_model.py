"""Weights of properties against integration on a grid, NUTS, the authors' rules and their published weights."""

import csv
import itertools

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr

from arenalake.entities.properties import PROPERTIES, column_of
from arenalake.preferences.features import are_fitted, compare_lengths, signs_of
from arenalake.preferences.model import SCALE, contributions, cross_validate, fit, preference_probability
from arenalake.preferences.similarity import hierarchical_order, mean_similarity, similarity

# Without data the interval of a weight is that of its prior.
PRIOR_END = SCALE * np.log(20)


def pairs_of(weights, n, seed, *, often=0.5):
    """Signs that hang together, and choices of a judge with these weights."""
    random = np.random.default_rng(seed)
    p = len(weights)
    latent = random.normal(size=(n, p)) + 0.8 * random.normal(size=(n, 1)) * np.linspace(-1, 1, p)
    signs = np.where(np.abs(latent) < often, 0, np.sign(latent))
    return signs, random.random(n) < preference_probability(signs @ weights)


def integrated(signs, prefers_first):
    """Mean, sd and both ends of the intervals of one or two weights, by adding up the posterior on a grid."""
    grid = np.linspace(-1.2, 1.2, 1201 if signs.shape[1] == 1 else 481)
    weights = np.stack(np.meshgrid(*[grid] * signs.shape[1], indexing="ij"), axis=-1)
    odds = np.tensordot(weights, np.where(prefers_first[:, None], signs, -signs), axes=(-1, 1))
    log_posterior = -np.logaddexp(0, -odds).sum(axis=-1) - np.abs(weights).sum(axis=-1) / SCALE
    mass = np.exp(log_posterior - log_posterior.max())
    mass /= mass.sum()
    found = []
    for i in range(signs.shape[1]):
        margin = mass.sum(axis=tuple(j for j in range(signs.shape[1]) if j != i))
        mean = margin @ grid
        ends = np.interp([0.025, 0.975], np.cumsum(margin) - margin / 2, grid)
        found.append((mean, np.sqrt(margin @ (grid - mean) ** 2), *ends))
    return np.array(found).T


@pytest.mark.parametrize(
    ("weights", "n"), [([0.3], 5), ([0.8], 60), ([-0.1], 400), ([0.5, -0.4], 8), ([0.6, 0.0], 40), ([0.05, 0.3], 80)]
)
def test_means_and_intervals_are_those_of_the_posterior_added_up_on_a_grid(weights, n):
    signs, prefers_first = pairs_of(np.array(weights), n, seed=n)
    found = fit(signs, prefers_first)

    assert found.converged
    wanted = integrated(signs, prefers_first)
    ours = np.array([found.mean, found.sd, found.ci_lower, found.ci_upper])
    assert np.abs(ours - wanted)[:2].max() < 0.001
    assert np.abs(ours - wanted)[2:].max() < 0.005


def test_a_property_that_never_differs_keeps_its_prior_and_a_pair_without_differences_says_nothing():
    signs, prefers_first = pairs_of(np.array([0.4, 0.0]), 80, seed=1)
    signs[:, 1] = 0
    found = fit(signs, prefers_first)
    assert found.mean[1] == pytest.approx(0, abs=1e-9)
    assert found.ci_upper[1] == pytest.approx(PRIOR_END, abs=1e-4)
    assert found.ci_lower[1] == pytest.approx(-PRIOR_END, abs=1e-4)

    more = fit(np.vstack([signs, np.zeros((50, 2))]), np.append(prefers_first, np.ones(50, bool)))
    assert more.mean == pytest.approx(found.mean, abs=1e-6)

    nothing = fit(np.zeros((0, 2)), np.zeros(0, bool))
    assert nothing.ci_upper == pytest.approx([PRIOR_END] * 2, abs=1e-4)


def test_swapping_the_responses_changes_nothing_and_turning_the_choices_round_turns_the_weights_round():
    signs, prefers_first = pairs_of(np.array([0.6, -0.2, 0.1]), 200, seed=2)
    found = fit(signs, prefers_first)
    assert fit(-signs, ~prefers_first).mean == pytest.approx(found.mean, abs=1e-12)
    turned = fit(signs, ~prefers_first)
    assert turned.mean == pytest.approx(-found.mean, abs=1e-9)
    assert turned.ci_lower == pytest.approx(-found.ci_upper, abs=1e-9)


def test_very_many_pairs_are_no_trouble():
    signs, prefers_first = pairs_of(np.array([2.0, -0.5, 0.0]), 200_000, seed=3)
    found = fit(signs, prefers_first)
    assert found.converged
    assert found.mean == pytest.approx([2.0, -0.5, 0.0], abs=0.03)
    assert (found.sd < 0.012).all()


@pytest.fixture(scope="module")
def published(real_data):
    """The published weights: scenario group or case to an array [judges, 29]; judges; names of properties."""
    with (real_data / "preference_dissection" / "published_weights.csv").open(encoding="utf-8") as file:
        header, *lines = csv.reader(file)
    judges = sorted({line[1] for line in lines})
    groups = {}
    for scope, of_scope in itertools.groupby(sorted(lines), key=lambda line: line[0]):
        by_judge = {judge: np.array(values, float) for _, judge, *values in of_scope}
        groups[scope] = np.array([by_judge[judge] for judge in judges])
    return groups, judges, header[2:]


def test_properties_are_in_the_order_of_the_published_weights(published):
    assert list(PROPERTIES) == published[2]


def test_similarities_of_published_weights_are_those_of_scipy_and_like_judges_lie_together(published):
    weights, judges, _ = published
    groups = {scope: of_scope for scope, of_scope in weights.items() if scope[0].isupper()}
    assert (len(groups), len(judges)) == (11, 33)
    found = mean_similarity(groups)
    for a, b in [(0, 1), (2, 30), (5, 17)]:
        wanted = np.mean([pearsonr(of_group[a], of_group[b])[0] for of_group in groups.values()])
        assert found[a, b] == pytest.approx(wanted, abs=1e-12)
    assert np.diag(found) == pytest.approx(np.ones(33))
    assert found == pytest.approx(found.T)

    order = [judges[i] for i in hierarchical_order(found)]
    assert sorted(order) == judges
    # Two versions of one model are the most alike of all.
    places = sorted((order.index("zephyr-7b-alpha"), order.index("zephyr-7b-beta")))
    assert places[1] - places[0] <= 2
    # Neighbours in the order are more alike than judges at random.
    ordered = found[np.ix_(hierarchical_order(found), hierarchical_order(found))]
    assert np.diag(ordered, 1).mean() > found[np.triu_indices(33, 1)].mean() + 0.1


def test_judges_without_a_fit_have_no_similarity_and_come_last():
    weights = np.array([[1.0, 2.0, 3.0], [np.nan] * 3, [3.0, 2.0, 1.0], [1.0, 2.0, 4.0], [5.0, 5.0, 5.0]])
    found = similarity(weights)
    assert found[0, 2] == pytest.approx(-1)
    assert np.isnan(found[1]).all()
    assert np.isnan(found[4]).all()
    order = list(hierarchical_order(found))
    assert order[-2:] == [1, 4]
    assert abs(order.index(0) - order.index(3)) == 1


def authors_lengths(word1, word2):
    """`get_comparison_length` of the authors' resolve_collected_data.py, as it stands there."""
    flipped = False
    if word1 > word2:
        word1, word2 = word2, word1
        flipped = True
    label = 0
    if word1 <= 11:
        least = {0: 1, 1: 3, 2: 5, 3: 7, 4: 8, 5: 10, 6: 11, 7: 13, 8: 14, 9: 16, 10: 17, 11: 19}
        if word2 >= least[word1]:
            label = -1
    elif (
        (word1 <= 0.7 * word2 and word2 - word1 >= 10)
        or (word1 <= 0.8 * word2 and word2 - word1 >= 20)
        or (word1 <= 0.9 * word2 and word2 - word1 >= 40)
    ):
        label = -1
    return -label if flipped else label


def test_lengths_are_compared_by_the_authors_rule():
    a, b = np.divmod(np.arange(500 * 500), 500)
    wanted = [authors_lengths(int(one), int(other)) for one, other in zip(a, b, strict=True)]
    assert compare_lengths(a.astype(float), b.astype(float)).tolist() == wanted


def properties(**values):
    return {column_of(name): values.get(column_of(name)) for name in PROPERTIES} | {"lengthy": 10.0} | values


def frame_of_pairs(of_a, of_b):
    struct = pl.Struct({column_of(name): pl.Float64 for name in PROPERTIES})
    return pl.DataFrame({"properties_a": of_a, "properties_b": of_b}, {"properties_a": struct, "properties_b": struct})


def test_signs_are_of_the_first_response_and_fewer_errors_are_more_of_the_property():
    of_a = properties(
        polite=3.0,
        relevant=1.0,
        clear=0.0,
        no_minor_errors=0.0,
        no_severe_errors=2.0,
        satisfy_constraints=2.5,
        lengthy=100.0,
    )
    of_b = properties(
        polite=1.0,
        relevant=3.0,
        clear=2.0,
        no_minor_errors=0.0,
        no_severe_errors=0.0,
        satisfy_constraints=2.0,
        lengthy=50.0,
    )
    pairs = frame_of_pairs([of_a, of_b, of_a], [of_b, of_a, of_a])
    signs = signs_of(pairs)
    assert signs.columns == list(PROPERTIES)
    names = ["polite", "relevant", "clear", "no severe errors", "satisfy constraints", "lengthy", "support stances"]
    assert signs.select(names).rows() == [(1, 0, -1, -1, 1, 1, 0), (-1, 0, 1, 1, -1, -1, 0), (0,) * 7]
    some_or_none = frame_of_pairs([of_a, of_a], [properties(relevant=0.0), of_b])
    assert signs_of(some_or_none)["relevant"].to_list() == [1, 0]
    # Of the first pair's second response the errors could not be told.
    assert are_fitted(some_or_none).to_list() == [False, True]


def test_accuracy_is_measured_on_pairs_that_a_fit_has_not_seen():
    signs, prefers_first = pairs_of(np.array([3.0, 0.0]), 400, seed=5)
    found = cross_validate(signs, prefers_first, seed=1)
    # What a judge does who knows the weights.
    best = np.mean(np.where(signs[:, 0] == 0, 0.5, (signs[:, 0] > 0) == prefers_first))
    assert found.accuracy == pytest.approx(best, abs=0.03)
    assert found.fold_mean == pytest.approx(found.posterior.mean, abs=0.1)
    # With nine tenths of the data the prior counts for more.
    assert abs(found.fold_mean[0]) < abs(found.posterior.mean[0])
    again = cross_validate(signs, prefers_first, seed=1)
    assert again.accuracy == found.accuracy
    assert (again.fold_mean == found.fold_mean).all()

    by_chance = np.random.default_rng(6).random(400) < 0.5
    assert cross_validate(signs, by_chance, seed=1).accuracy < 0.6
    assert np.isnan(cross_validate(signs[:9], prefers_first[:9], seed=1).accuracy)


def test_contributions_are_shapley_values_of_the_log_odds():
    weights, signs = np.array([0.5, -0.25, 1.0]), np.array([1.0, -1.0, 0.0])
    found = contributions(signs, weights)
    # By definition: the mean over all orders of what a property adds when it comes in.
    by_definition = np.zeros(3)
    for order in itertools.permutations(range(3)):
        present = np.zeros(3)
        for i in order:
            before = present @ weights
            present[i] = signs[i]
            by_definition[i] += (present @ weights - before) / 6
    assert found == pytest.approx(by_definition)
    assert found.sum() == pytest.approx(signs @ weights)
    assert preference_probability(np.array([0.0, np.log(3)])) == pytest.approx([0.5, 0.75])


def nuts(signs, prefers_first, *, samples):
    """Posterior means and ends of intervals by No-U-Turn sampling, as the authors fit the weights."""
    # Imported here, because only two tests need them and they take seconds.
    import jax
    import numpyro
    from numpyro.infer import MCMC, NUTS

    numpyro.enable_x64()

    def model(x, y):
        prior = numpyro.distributions.Laplace(np.zeros(x.shape[1]), SCALE)
        weights = numpyro.sample("weights", prior)
        numpyro.sample("choice", numpyro.distributions.Bernoulli(logits=x @ weights), obs=y)

    sampler = MCMC(
        NUTS(model), num_warmup=500, num_samples=samples, num_chains=4, chain_method="vectorized", progress_bar=False
    )
    sampler.run(jax.random.PRNGKey(0), signs, prefers_first.astype(int))
    drawn = np.asarray(sampler.get_samples()["weights"])
    return drawn.mean(axis=0), *np.quantile(drawn, [0.025, 0.975], axis=0)


def assert_like_nuts(weights, n, seed, *, samples):
    signs, prefers_first = pairs_of(weights, n, seed, often=0.9)
    found = fit(signs, prefers_first)
    mean, lower, upper = nuts(signs, prefers_first, samples=samples)
    assert np.abs(found.mean - mean).max() < 0.01
    assert np.abs(found.ci_lower - lower).max() < 0.02
    assert np.abs(found.ci_upper - upper).max() < 0.02


def test_a_small_fit_is_like_that_of_nuts():
    assert_like_nuts(np.array([0.5, -0.2, 0.0, 0.9]), 60, seed=7, samples=3_000)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("scope", "judge", "n"),
    [
        ("express_feeling", "human", 120),
        ("Advice", "gpt-4-1106-preview", 400),
        ("Unsafe Queries", "llama-2-7b", 400),
        ("Knowledge-aware", "zephyr-7b-beta", 820),
        ("Code", "human", 40),
    ],
)
def test_fits_of_judges_with_published_weights_are_like_those_of_nuts(published, scope, judge, n):
    weights, judges, _ = published
    assert_like_nuts(weights[scope][judges.index(judge)], n, seed=n, samples=10_000)


@pytest.mark.slow
def test_intervals_hold_weights_from_the_prior_in_95_of_100_cases():
    # Bayesian intervals hold the truth as often as they say where the truth comes from the prior.
    held = []
    for seed in range(120):
        random = np.random.default_rng(1000 + seed)
        weights = random.laplace(0, SCALE, 29)
        found = fit(*pairs_of(weights, 400, seed, often=0.9))
        held.append((found.ci_lower <= weights) & (weights <= found.ci_upper))
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)

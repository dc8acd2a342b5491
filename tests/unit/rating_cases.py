"""Votes for the tests of the ratings: written out, or simulated from a seed."""

import numpy as np

from arenalake.ratings.model.votes import count_pairs


def votes_of(table, models="ABCDEFGH"):
    """Votes from {"AB": (wins of A, wins of B, ties)}."""
    names = [name for name in models if any(name in pair for pair in table)]
    first, second = ([names.index(pair[side]) for pair in table] for side in (0, 1))
    return count_pairs(names, np.array(first), np.array(second), np.array(list(table.values())).T)


def simulate(seed, n_models, n_battles, tie_share=0.25):
    """Battle by battle: index of first and second model, and outcome (0 first wins, 1 second wins, 2 tie)."""
    random = np.random.default_rng(seed)
    strength = random.normal(0, 0.7, n_models)
    first = random.integers(0, n_models, n_battles)
    second = (first + random.integers(1, n_models, n_battles)) % n_models
    wins = random.random(n_battles) < 1 / (1 + np.exp(strength[second] - strength[first]))
    outcome = np.where(random.random(n_battles) < tie_share, 2, np.where(wins, 0, 1))
    return first, second, outcome


def count(first, second, outcome, n_models):
    return count_pairs([f"m{i:03}" for i in range(n_models)], first, second, np.eye(3, dtype=np.int64)[:, outcome])

"""Battles in their order, and what online Elo makes of them."""

from dataclasses import dataclass

import numpy as np

from arenalake.ratings.model.components import find_connected
from arenalake.ratings.model.elo import EloRules, elo_ratings, elo_rounds
from arenalake.ratings.model.estimates import Estimate, alike_notes, members_of, scale_notes
from arenalake.ratings.model.votes import Floats, Ints, PairVotes, count_scores
from arenalake.ratings.options import RatingsConfig


@dataclass(frozen=True)
class OrderedBattles:
    """The battles of a slice, one after another.

    Attributes:
        models: names by code point, [K].
        first: index of the model shown first, [N].
        second: index of the model shown second, [N].
        score: of the first: 1, 0, 1/2 for a tie, or anything between, [N].
    """

    models: tuple[str, ...]
    first: Ints
    second: Ints
    score: Floats

    @property
    def votes(self) -> PairVotes:
        """The battles per pair and score."""
        return count_scores(self.models, self.first, self.second, self.score, np.ones(len(self.score), dtype=np.int64))


def estimate_ordered(battles: OrderedBattles, ratings: RatingsConfig) -> Estimate:
    """Online Elo after the last battle.

    What a battle gives one side it takes from the other, so each component keeps the mean `ratings.elo.start` and needs
    no shift. An anchor moves the component of its model by a constant, and no other.
    """
    models, sides = battles.models, (battles.first, battles.second)
    rating = _play_all(battles, ratings) + _shifts(battles, ratings)
    votes = battles.votes
    component = find_connected(votes)
    n_battles = sum((np.bincount(side, minlength=len(models)) for side in sides), np.zeros(len(models), dtype=np.int64))
    notes = alike_notes(votes, scale_notes(models, component, ratings.anchor))
    return Estimate(models, rating, component, members_of(component), n_battles, notes)


def rate_ordered_rounds(battles: OrderedBattles, seed: int, rounds: range, ratings: RatingsConfig) -> Floats:
    """Online Elo in bootstrap rounds, [K, rounds]; see `elo_rounds`."""
    sides = battles.first, battles.second, battles.score
    values = elo_rounds(*sides, len(battles.models), seed, rounds, _rules(ratings))
    shifted: Floats = values + _shifts(battles, ratings)[:, None]
    return shifted


def _play_all(battles: OrderedBattles, ratings: RatingsConfig) -> Floats:
    return elo_ratings(battles.first, battles.second, battles.score, len(battles.models), _rules(ratings))


def _shifts(battles: OrderedBattles, ratings: RatingsConfig) -> Floats:
    """What the anchor adds to each model's rating, [K]."""
    models = battles.models
    if ratings.anchor is None or ratings.anchor.model not in models:
        return np.zeros(len(models))
    anchored, component = models.index(ratings.anchor.model), find_connected(battles.votes)
    rating = _play_all(battles, ratings)
    return np.where(component == component[anchored], ratings.anchor.rating - rating[anchored], 0.0)


def _rules(ratings: RatingsConfig) -> EloRules:
    return EloRules(k=ratings.elo.k, scale=ratings.scale, base=ratings.base, start=ratings.elo.start)

"""Votes counted per pair of models: the only thing that the likelihood methods need to know about the battles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Rows of `PairVotes.counts`.
A_WINS, B_WINS, TIE = 0, 1, 2


@dataclass(frozen=True)
class PairVotes:
    """Votes per unordered pair of models.

    Attributes:
        models: names by code point, each once.
        a: index of the pair's first model, [P]; pairs are sorted by (a, b) and a < b.
        b: index of the pair's second model, [P].
        counts: votes by outcome (a wins, b wins, tie), [3, P].
    """

    models: tuple[str, ...]
    a: Ints
    b: Ints
    counts: NDArray[Any]

    @property
    def battles_per_model(self) -> NDArray[Any]:
        """Votes that each model takes part in, [K]."""
        per_pair = self.counts.sum(axis=0)
        total = np.zeros(len(self.models), dtype=per_pair.dtype)
        np.add.at(total, self.a, per_pair)
        np.add.at(total, self.b, per_pair)
        return total

    def among(self, members: Sequence[int] | Ints) -> "PairVotes":
        """The votes between the given models only."""
        position = np.full(len(self.models), -1)
        position[np.asarray(members)] = np.arange(len(members))
        inside = (position[self.a] >= 0) & (position[self.b] >= 0)
        names = tuple(self.models[index] for index in members)
        return PairVotes(names, position[self.a[inside]], position[self.b[inside]], self.counts[:, inside])

    def without_ties(self) -> "PairVotes":
        """The same votes with ties left out; pairs that only tied stay, with no votes."""
        counts = self.counts.copy()
        counts[TIE] = 0
        return PairVotes(self.models, self.a, self.b, counts)


def count_pairs(models: Sequence[str], first: NDArray[Any], second: NDArray[Any], counts: NDArray[Any]) -> PairVotes:
    """Add up votes per unordered pair, whichever model was shown first.

    Args:
        models: names, in any order.
        first: index into `models` of the model shown first, one per row.
        second: index of the model shown second.
        counts: votes of each row by outcome (first wins, second wins, tie), [3, rows].
    """
    order = sorted(range(len(models)), key=lambda index: models[index])
    rank = np.empty(len(models), dtype=np.int64)
    rank[order] = np.arange(len(models))
    one, two = rank[np.asarray(first, dtype=np.int64)], rank[np.asarray(second, dtype=np.int64)]
    swap = one > two
    upright = np.where(swap, np.asarray(counts)[[B_WINS, A_WINS, TIE]], counts)
    keys, row = np.unique(np.minimum(one, two) * len(models) + np.maximum(one, two), return_inverse=True)
    total = np.zeros((3, len(keys)), dtype=upright.dtype)
    for outcome in (A_WINS, B_WINS, TIE):
        np.add.at(total[outcome], row, upright[outcome])
    return PairVotes(tuple(models[index] for index in order), keys // len(models), keys % len(models), total)


def tally(models: Sequence[str], first: Ints, second: Ints, outcome: Ints) -> PairVotes:
    """Count battles, one per row.

    Args:
        models: names, in any order.
        first: index into `models` of the model shown first, [N].
        second: index of the model shown second, [N].
        outcome: `A_WINS`, `B_WINS` or `TIE`, seen from the model shown first, [N].
    """
    n_models = len(models)
    key = (first * n_models + second) * 3 + outcome
    if 3 * n_models**2 <= 4 * len(key):  # a bin for every cell there could be
        counts = np.bincount(key, minlength=3 * n_models**2)
        cell = np.flatnonzero(counts)
        counts = counts[cell]
    else:
        cell, counts = np.unique(key, return_counts=True)
    one_hot = np.zeros((3, len(cell)), dtype=np.int64)
    one_hot[cell % 3, np.arange(len(cell))] = counts
    return count_pairs(models, cell // 3 // n_models, cell // 3 % n_models, one_hot)

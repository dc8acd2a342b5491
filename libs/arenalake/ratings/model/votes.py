"""Votes counted per pair of models: the only thing that the likelihood methods need to know about the battles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Rows of `PairVotes.counts`.
A_WINS, B_WINS, TIE = 0, 1, 2


@dataclass(frozen=True)
class Cells:
    """Votes of the same pair and score, where scores lie anywhere from 0 to 1.

    Attributes:
        pair: position of the pair, [C].
        score: of the pair's first model, [C]. Cells are in the order of wins, losses, ties and then other scores, each
            by pair: scores of 1, 0 and 1/2 alone are drawn as their winners would be.
        n: votes, [C].
    """

    pair: Ints
    score: Floats
    n: Ints

    def shares(self, n_pairs: int) -> csr_array:
        """How the score of each cell is made up of outcomes, [3 P, C]: above 1/2 of a win and a tie, else a loss."""
        won, lost = np.maximum(2 * self.score - 1, 0), np.maximum(1 - 2 * self.score, 0)
        tied = np.where(self.score > 0.5, 2 - 2 * self.score, 2 * self.score)
        row = np.concatenate([outcome * n_pairs + self.pair for outcome in (A_WINS, B_WINS, TIE)])
        column = np.tile(np.arange(len(self.n)), 3)
        shares = csr_array((np.concatenate([won, lost, tied]), (row, column)), shape=(3 * n_pairs, len(self.n)))
        shares.eliminate_zeros()
        return shares


@dataclass(frozen=True)
class PairVotes:
    """Votes per unordered pair of models.

    A score between 0 and 1 counts as a mixture of outcomes with that mean, a tie being 1/2. For Bradley-Terry with
    half-win ties and for win rates this is the same as the score itself, but for how scores scatter (`mixed`).

    Attributes:
        models: names by code point, each once.
        a: index of the pair's first model, [P]; pairs are sorted by (a, b) and a < b.
        b: index of the pair's second model, [P].
        counts: votes by outcome (a wins, b wins, tie), [3, P].
        weight: what a vote of the pair weighs in a likelihood, [P]; None where all votes weigh the same.
        cells: the votes by score, where not all are wins, losses and ties.
    """

    models: tuple[str, ...]
    a: Ints
    b: Ints
    counts: NDArray[Any]
    weight: Floats | None = None
    cells: Cells | None = None

    @property
    def weighted(self) -> NDArray[Any]:
        """Votes by outcome as a likelihood counts them, [3, P]."""
        return self.counts if self.weight is None else self.counts * self.weight

    @property
    def mixed(self) -> NDArray[Any]:
        """Sum over votes of what the variance of a mixture of outcomes has above that of its score, [P]."""
        mixed = np.zeros(len(self.a))
        if self.cells is not None:
            share = abs(2 * self.cells.score - 1)
            np.add.at(mixed, self.cells.pair, self.cells.n * share * (1 - share) / 4)
        return mixed

    def weigh_pairs(self, at_least: int) -> "PairVotes":
        """Votes that weigh 1 / max(votes of the pair, at_least), so that frequent pairs do not decide everything.

        Source: lmarena/arena-rank, `arena_rank/utils/data_utils.py`.
        """
        return replace(self, weight=1 / np.maximum(np.rint(self.counts.sum(axis=0)), at_least))

    @property
    def battles_per_pair(self) -> NDArray[Any]:
        """Votes of each pair, [P]."""
        per_pair: NDArray[Any] = self.counts.sum(axis=0)
        # The outcomes of a vote with a score add up to 1 but for rounding.
        return per_pair if self.cells is None else np.rint(per_pair)

    def battles_within(self, labels: Ints) -> NDArray[Any]:
        """Votes between models of the same label, by label from 0, for labels of models, [K]."""
        own = np.where(labels[self.a] == labels[self.b], self.battles_per_pair, 0)
        return np.bincount(labels[self.a], weights=own, minlength=labels.max(initial=-1) + 1)

    @property
    def outcomes_per_model(self) -> NDArray[Any]:
        """Votes that each model won, lost and tied, [3, K]."""
        wins, losses, ties = self.counts
        sides = ((wins, losses), (losses, wins), (ties, ties))
        n_models = len(self.models)
        return np.array([np.bincount(self.a, x, n_models) + np.bincount(self.b, y, n_models) for x, y in sides])

    @property
    def battles_per_model(self) -> NDArray[Any]:
        """Votes that each model takes part in, [K]."""
        per_pair = self.battles_per_pair
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
        weight = None if self.weight is None else self.weight[inside]
        cells = self.cells
        if cells is not None:
            kept, pair = inside[cells.pair], np.cumsum(inside) - 1
            cells = Cells(pair[cells.pair[kept]], cells.score[kept], cells.n[kept])
        a, b = position[self.a[inside]], position[self.b[inside]]
        return PairVotes(names, a, b, self.counts[:, inside], weight, cells)

    def without_ties(self) -> "PairVotes":
        """The same votes with ties left out; pairs that only tied stay, with no votes."""
        counts = self.counts.copy()
        counts[TIE] = 0
        return replace(self, counts=counts)


def count_pairs(models: Sequence[str], first: NDArray[Any], second: NDArray[Any], counts: NDArray[Any]) -> PairVotes:
    """Add up votes per unordered pair, whichever model was shown first.

    Args:
        models: names, in any order.
        first: index into `models` of the model shown first, one per row.
        second: index of the model shown second.
        counts: votes of each row by outcome (first wins, second wins, tie), [3, rows].
    """
    names, keys, row, swap = _sort_pairs(models, first, second)
    upright = np.where(swap, np.asarray(counts)[[B_WINS, A_WINS, TIE]], counts)
    total = np.zeros((3, len(keys)), dtype=upright.dtype)
    for outcome in (A_WINS, B_WINS, TIE):
        np.add.at(total[outcome], row, upright[outcome])
    return PairVotes(names, keys // len(models), keys % len(models), total)


def count_scores(
    models: Sequence[str], first: NDArray[Any], second: NDArray[Any], score: Floats, n: NDArray[Any]
) -> PairVotes:
    """Add up votes per unordered pair and score.

    Args:
        models: names, in any order.
        first: index into `models` of the model shown first, one per row.
        second: index of the model shown second.
        score: of the model shown first, 0 to 1.
        n: votes of each row.
    """
    names, keys, row, swap = _sort_pairs(models, first, second)
    levels, level = np.unique(np.where(swap, 1 - score, score), return_inverse=True)
    hard = [np.flatnonzero(levels == outcome) for outcome in (1.0, 0.0, 0.5)]
    others = np.flatnonzero(~np.isin(levels, (0.0, 0.5, 1.0)))
    place = np.empty(len(levels), dtype=np.int64)
    order = np.concatenate([*hard, others])
    place[order] = np.arange(len(levels))
    cell, part = np.unique(place[level] * len(keys) + row, return_inverse=True)
    total = np.zeros(len(cell), dtype=np.int64)
    np.add.at(total, part, n)
    cells = Cells(cell % len(keys), levels[order][cell // len(keys)], total)
    counts = (cells.shares(len(keys)) @ total.astype(np.float64)).reshape(3, -1)
    return PairVotes(names, keys // len(models), keys % len(models), counts, cells=cells)


def _sort_pairs(
    models: Sequence[str], first: NDArray[Any], second: NDArray[Any]
) -> tuple[tuple[str, ...], Ints, Ints, NDArray[np.bool_]]:
    """Names by code point, the pairs as a * K + b ascending, and for each row its pair and whether b is first."""
    order = sorted(range(len(models)), key=lambda index: models[index])
    rank = np.empty(len(models), dtype=np.int64)
    rank[order] = np.arange(len(models))
    one, two = rank[np.asarray(first, dtype=np.int64)], rank[np.asarray(second, dtype=np.int64)]
    keys, row = np.unique(np.minimum(one, two) * len(models) + np.maximum(one, two), return_inverse=True)
    return tuple(models[index] for index in order), keys, row, one > two


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

"""Where ratings exist: strongly connected components of the win graph, in which a tie counts both ways."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from arenalake.ratings.votes import A_WINS, B_WINS, TIE, Ints, PairVotes


def scored(counts: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each pair's first model, then its second, ever beat or tied the other: [3, P, ...] to [2 P, ...]."""
    tied = counts[TIE] > 0
    return np.concatenate([(counts[A_WINS] > 0) | tied, (counts[B_WINS] > 0) | tied])


def win_edges(a: Ints, b: Ints, exists: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """(winner, loser) of every directed edge: who ever beat whom or tied with them, as `scored` says."""
    return np.concatenate([a, b])[exists], np.concatenate([b, a])[exists]


def find_components(votes: PairVotes) -> Ints:
    """Number the strongly connected components from 1, the largest first, equal sizes by their first name; [K]."""
    return label_components(*win_edges(votes.a, votes.b, scored(votes.counts)), len(votes.models))


def label_components(winners: Ints, losers: Ints, n_models: int) -> Ints:
    """As `find_components`, from directed edges; models are numbered in the order of their names."""
    graph = csr_array((np.ones(len(winners), dtype=np.int8), (winners, losers)), shape=(n_models, n_models))
    _, labels = connected_components(graph, connection="strong")
    _, first, label, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(1, len(order) + 1)
    return number[label]


class Edges:
    """Directed edges, followed in many rounds at once: a set of rounds is a number with one bit for each.

    Args:
        winners: model that each edge starts from, [E].
        losers: model that each edge leads to, [E].
    """

    def __init__(self, winners: Ints, losers: Ints) -> None:
        self._down = _by_target(winners, losers)
        self._up = _by_target(losers, winners)

    def reach_down(self, start: NDArray[Any], exists: NDArray[Any]) -> NDArray[Any]:
        """The rounds in which each model is beaten by one of `start`, directly or over others, or is in it, [K].

        Args:
            start: the rounds in which the search starts at each model, [K].
            exists: the rounds in which each edge exists, [E].
        """
        return _reach(start, exists, *self._down)

    def reach_up(self, start: NDArray[Any], exists: NDArray[Any]) -> NDArray[Any]:
        """The rounds in which each model beats one of `start`, directly or over others, or is in it, [K]."""
        return _reach(start, exists, *self._up)


def _by_target(sources: Ints, targets: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    order = np.argsort(targets, kind="stable")
    groups, first = np.unique(targets[order], return_index=True)
    return order, sources[order], groups, first


def _reach(
    start: NDArray[Any], exists: NDArray[Any], order: Ints, sources: Ints, groups: Ints, first: Ints
) -> NDArray[Any]:
    reached, exists = start.copy(), exists[order]
    while len(groups):
        found = reached.copy()
        found[groups] |= np.bitwise_or.reduceat(exists & reached[sources], first)
        if (found == reached).all():
            break
        reached = found
    return reached

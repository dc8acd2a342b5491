"""Where ratings exist: strongly connected components of the win graph, in which a tie counts both ways."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from arenalake.ratings.votes import A_WINS, B_WINS, TIE, Ints, PairVotes


def win_edges(votes: PairVotes) -> tuple[Ints, Ints]:
    """(winner, loser) of every directed edge: who ever beat whom or tied with them."""
    a_scored = (votes.counts[A_WINS] > 0) | (votes.counts[TIE] > 0)
    b_scored = (votes.counts[B_WINS] > 0) | (votes.counts[TIE] > 0)
    winners = np.concatenate([votes.a[a_scored], votes.b[b_scored]])
    losers = np.concatenate([votes.b[a_scored], votes.a[b_scored]])
    return winners, losers


def find_components(votes: PairVotes) -> Ints:
    """Number the strongly connected components from 1, the largest first, equal sizes by their first name; [K]."""
    return label_components(*win_edges(votes), len(votes.models))


def label_components(winners: Ints, losers: Ints, n_models: int) -> Ints:
    """As `find_components`, from directed edges; models are numbered in the order of their names."""
    graph = csr_array((np.ones(len(winners), dtype=np.int8), (winners, losers)), shape=(n_models, n_models))
    _, labels = connected_components(graph, connection="strong")
    _, first, label, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(1, len(order) + 1)
    return number[label]


def reachable(winners: Ints, losers: Ints, start: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Models that `start` has beaten, directly or over others, and `start` itself; [K]."""
    found = start.copy()
    while True:
        new = found.copy()
        new[losers[found[winners]]] = True
        if (new == found).all():
            return found
        found = new

"""Where ratings exist: strongly connected components of the win graph, in which a tie counts both ways."""

from typing import Any

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


def reach(start: NDArray[Any], sources: Ints, targets: Ints, open_: NDArray[Any]) -> NDArray[Any]:
    """Follow directed edges as far as they lead, in many rounds at once.

    Args:
        start: a set of rounds per model, one bit each, in which the search starts there, [K].
        sources: where each edge starts, [E]
        targets: where each edge ends, [E]; sorted.
        open_: the rounds in which the edge exists, one bit each, [E].

    Returns:
        The rounds in which each model is reached, [K].
    """
    reached = start.copy()
    groups, first = np.unique(targets, return_index=True)
    while len(groups):
        found = reached.copy()
        found[groups] |= np.bitwise_or.reduceat(open_ & reached[sources], first)
        if (found == reached).all():
            break
        reached = found
    return reached

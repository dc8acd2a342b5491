"""Which models share a scale.

For likelihoods these are the strongly connected components of the win graph, in which a tie counts both ways: only
there do estimates exist. Elo and win rates exist for any votes, but compare only models that battles connect.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from arenalake.ratings.model.votes import A_WINS, B_WINS, TIE, Ints, PairVotes


def scored(counts: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each pair's first model, then its second, ever beat or tied the other: [3, P, ...] to [2 P, ...]."""
    tied = counts[TIE] > 0
    return np.concatenate([(counts[A_WINS] > 0) | tied, (counts[B_WINS] > 0) | tied])


def win_edges(a: Ints, b: Ints, exists: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """(winner, loser) of every directed edge: who ever beat whom or tied with them, as `scored` says."""
    return np.concatenate([a, b])[exists], np.concatenate([b, a])[exists]


def find_components(votes: PairVotes) -> Ints:
    """Number each model's strongly connected component of the win graph, [K].

    Number 1, the main component, has most battles between its models, then most models, then the first name.
    """
    labels = _connect(*win_edges(votes.a, votes.b, scored(votes.counts)), len(votes.models), connection="strong")
    return _number(labels, votes.battles_within(labels))


def find_connected(votes: PairVotes) -> Ints:
    """As `find_components`, of models that battles connect, directly or over others, whoever won them."""
    met = votes.counts.sum(axis=0) > 0
    labels = _connect(votes.a[met], votes.b[met], len(votes.models), connection="weak")
    return _number(labels, votes.battles_within(labels))


def label_components(winners: Ints, losers: Ints, n_models: int) -> Ints:
    """Number the strongly connected components from 1, the one of most models first, then by their first model; [K]."""
    return _number(_connect(winners, losers, n_models, connection="strong"))


def _connect(sources: Ints, targets: Ints, n_models: int, *, connection: str) -> Ints:
    graph = csr_array((np.ones(len(sources), dtype=np.int8), (sources, targets)), shape=(n_models, n_models))
    labels: Ints = connected_components(graph, connection=connection)[1]
    return labels


def _number(labels: Ints, battles: Ints | None = None) -> Ints:
    """Components from 1, by battles per label where they are given, then by models, then by their first model."""
    _, first, label, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes) if battles is None else (first, -sizes, -battles))
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


def pack_rounds(exists: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """The rounds of each row as a number with one bit for each, from [..., rounds] of at most 32."""
    bits = np.packbits(exists, axis=1, bitorder="little")
    packed: NDArray[np.uint32] = np.pad(bits, ((0, 0), (0, 4 - bits.shape[1]))).view("<u4")[:, 0]
    return packed


def unpack_rounds(packed: NDArray[np.uint32], n_rounds: int) -> NDArray[np.bool_]:
    """What `pack_rounds` packed, [..., rounds]."""
    bits = np.unpackbits(packed.astype("<u4")[:, None].view(np.uint8), axis=1, count=n_rounds, bitorder="little")
    return bits.astype(bool)


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

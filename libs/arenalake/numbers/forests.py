"""Forests as arrays: a node knows the place of its parent, and walks to the roots go by pointer doubling.

After k steps a node has looked 2^k nodes up, so a forest of n nodes takes n log(depth) operations, whatever its shape.
"""

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
# In place of a parent: the node is a root, or its parent is not there.
ROOT, MISSING = -1, -2
# In place of a depth: the chain of parents runs in a circle.
CIRCLE = -3


def find_depths(parents: Whole) -> Whole:
    """The number of nodes above each node.

    Args:
        parents: place of the parent, `ROOT` or `MISSING`, [nodes].

    Returns:
        0 for a root; `MISSING` where the chain of parents ends without one, and `CIRCLE` where it never ends.

    >>> find_depths(np.array([-1, 0, 1, -2, 3, 6, 5])).tolist()
    [0, 1, 2, -2, -2, -3, -3]
    """
    n = len(parents)
    # Two further nodes stand for the ends of chains, and lead to themselves.
    jumps = np.append(np.where(parents >= 0, parents, n - 1 - parents), [n, n + 1])
    steps = np.append(np.ones(n, np.int64), [0, 0])
    for _ in range(n.bit_length() + 1):
        if (jumps >= n).all():
            break
        steps = steps + steps[jumps]
        jumps = jumps[jumps]
    return np.where(jumps == n, steps - 1, np.where(jumps == n + 1, MISSING, CIRCLE))[:n]


def any_on_path(parents: Whole, marks: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether a node or any node above it is marked.

    >>> any_on_path(np.array([-1, 0, 1, 0]), np.array([False, True, False, False])).tolist()
    [False, True, True, False]
    """
    n = len(parents)
    jumps, found = np.append(np.where(parents >= 0, parents, n), n), np.append(marks, False)
    for _ in range(n.bit_length() + 1):
        if (jumps == n).all():
            break
        found = found | found[jumps]
        jumps = jumps[jumps]
    return found[:n]


def find_paths(parents: Whole, depths: Whole) -> tuple[Whole, Whole]:
    """The nodes from the root down to each node.

    Args:
        parents: as in `find_depths`, of nodes that all have a root.
        depths: what that gives.

    Returns:
        Where the path of each node begins and the last one ends, [nodes + 1]; and the nodes of all paths one after the
        other.

    >>> bounds, nodes = find_paths(np.array([-1, 0, 1]), np.array([0, 1, 2]))
    >>> [nodes[a:b].tolist() for a, b in zip(bounds, bounds[1:])]
    [[0], [0, 1], [0, 1, 2]]
    """
    bounds = np.concatenate([[0], np.cumsum(depths + 1)])
    nodes = np.empty(bounds[-1], np.int64)
    place, node = bounds[1:] - 1, np.arange(len(parents))
    while len(node):
        nodes[place] = node
        above = parents[node]
        place, node = place[above >= 0] - 1, above[above >= 0]
    return bounds, nodes

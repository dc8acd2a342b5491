"""Correlations of rankings, ties included; what has no rank on one side is left out."""

import numpy as np
import numpy.typing as npt

from arenalake.numbers.agreement import ratio

Floats = npt.NDArray[np.float64]

# Values that are closer are equal: means of shares differ in their last digit by the order of adding up.
_EQUAL = 1e-12
# Differences of two values that are held at once.
_HELD = 4_000_000


def rank_correlations(x: Floats, y: Floats) -> Floats:
    """Spearman's rho and Kendall's tau-b of each pair of rows.

    Args:
        x, y: values, [..., n]; NaN has no rank, and neither has its counterpart.

    Returns:
        [2, ...]: rho, with mean ranks for ties, and tau-b. NaN where all values of a side are equal, or fewer than two
        are left.

    Source: Kendall 1945, doi:10.1093/biomet/33.3.239.
    """
    is_both = np.isfinite(x) & np.isfinite(y)
    flat = [np.where(is_both, side, np.nan).reshape(-1, x.shape[-1]) for side in (x, y)]
    at_once = max(1, _HELD // max(1, x.shape[-1] ** 2))
    parts = [_correlate(*(side[start : start + at_once] for side in flat)) for start in range(0, len(flat[0]), at_once)]
    return np.concatenate(parts, axis=1).reshape(2, *x.shape[:-1])


def _correlate(x: Floats, y: Floats) -> Floats:
    signs = [_signs(side) for side in (x, y)]
    # A mean rank less the mean of all ranks is half of those below less those above.
    ranks = [sign.sum(axis=-1) for sign in signs]
    pairs = [sign.reshape(len(x), -1) for sign in signs]
    found = []
    for one, other in (ranks, pairs):
        product, own, others = ((a * b).sum(axis=-1) for a, b in ((one, other), (one, one), (other, other)))
        found.append(ratio(product, np.sqrt(own * others)))
    return np.stack(found)


def _signs(values: Floats) -> Floats:
    differences = values[:, :, None] - values[:, None, :]
    return np.where(np.abs(differences) > _EQUAL, np.sign(differences), 0.0)

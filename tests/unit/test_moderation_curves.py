"""Curves over thresholds at the edges of bins, against counts of the scores themselves."""

import pytest

from arenalake.moderation.statistics import share_above_thresholds
from arenalake.moderation.tables import MODERATION_CURVES, SCORE_COUNTS
from frames import frame_of, rows_of

# Bin i holds scores from 10^(i / 100) on, -901 all below 1e-9, and 0 the score 1. Thresholds are 10^(i / 10).
BINS = {-901: 1, -900: 2, -891: 4, -890: 8, -11: 16, -10: 32, -1: 64, 0: 128}


@pytest.mark.parametrize("order", [1, -1])
def test_a_bin_is_above_the_thresholds_that_its_scores_reach(order):
    key = {"source": "s", "model": "m", "role": "user", "n_labelled": 0, "n_flagged": 0, "sum_score": 0}
    n_scored = sum(BINS.values())
    scored = {"category": "hate", "n": n_scored + 256, "n_scored": n_scored}
    cells = {"score_bins": list(BINS), "counts": list(BINS.values())}
    rows = [{**key, "language": language, **scored, **cells} for language in ("English", None)]
    # No message has a score of this category.
    rows.append({**key, "category": "any", "n": 5, "n_scored": 0, "score_bins": [], "counts": []})
    found = rows_of(MODERATION_CURVES, share_above_thresholds(frame_of(SCORE_COUNTS, rows[::order])))
    scored = {score_bin: 2 * n for score_bin, n in BINS.items()}
    expected = {
        (grouping, edge): sum(n for score_bin, n in scored.items() if score_bin >= 10 * edge)
        for grouping in ("all", "model")
        for edge in range(-90, 1)
    }
    thresholds = {edge: pytest.approx(10.0 ** (edge / 10), rel=1e-12) for edge in range(-90, 1)}
    for row in found:
        (edge,) = (edge for edge, threshold in thresholds.items() if row.threshold == threshold)
        assert row.n_above == expected.pop((row.grouping, edge))
        assert (row.category, row.n) == ("hate", 2 * n_scored)
        assert row.share == row.n_above / row.n
        assert row.model == ("m" if row.grouping == "model" else None)
    assert not expected

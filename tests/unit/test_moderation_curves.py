"""Curves over thresholds at the edges of bins, against counts of the scores themselves; scores without flags."""

from decimal import Decimal

import polars as pl
import pytest

from arenalake.moderation.counts import bin_named_scores
from arenalake.moderation.statistics import share_above_thresholds, summarise_moderation
from arenalake.moderation.tables import MODERATION_CURVES, MODERATION_PATTERNS, MODERATION_STATS, SCORE_COUNTS
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


def test_scores_of_detoxify_count_without_flags():
    values = [0.25, 0.25, 1.0, 0.0, 1.9e-05]
    given = pl.DataFrame(
        [("s", "human", "English", "user", "toxicity", value) for value in values]
        + [("s", "human", None, "assistant", "threat", 0.5)],
        ["source", "model", "language", "role", "category", "score"],
        orient="row",
    )
    parts = [bin_named_scores(part) for part in (given[:2], given[2:])]
    whole = SCORE_COUNTS.add_rows(parts)
    assert whole.sort("category").equals(bin_named_scores(given).sort("category"))
    counted = {row["category"]: row for row in whole.iter_rows(named=True)}
    toxic = counted["detoxify:toxicity"]
    assert (toxic["n"], toxic["n_labelled"], toxic["n_scored"]) == (5, 0, 5)
    assert (toxic["score_bins"], toxic["counts"]) == ([-901, -473, -61, 0], [1, 1, 2, 1])
    assert toxic["sum_score"] == Decimal("1.500019")
    # One message of the same group has a flag.
    flagged = {"source": "s", "model": "human", "language": "English", "role": "user", "category": "any"}
    flagged |= {"n": 5, "n_labelled": 1, "n_flagged": 1, "n_scored": 0, "sum_score": 0, "score_bins": [], "counts": []}
    pattern = {"source": "s", "model": "human", "language": "English", "pattern": [(1 << 12) + 1], "n": 1}
    scores = pl.concat([whole, frame_of(SCORE_COUNTS, [flagged])])
    stats = rows_of(MODERATION_STATS, summarise_moderation(scores, frame_of(MODERATION_PATTERNS, [pattern])))
    of_all = {(row.category, row.unit): row for row in stats if row.grouping == "all"}
    assert set(of_all) == {
        ("any", "message"),
        ("any", "conversation"),
        ("detoxify:threat", "message"),
        ("detoxify:toxicity", "message"),
    }
    assert (of_all["any", "message"].n, of_all["any", "message"].rate) == (1, 1.0)
    row = of_all["detoxify:toxicity", "message"]
    assert (row.n, row.n_missing, row.n_flagged, row.rate, row.ci_lower) == (0, 5, 0, None, None)
    assert (row.n_scored, row.mean_score) == (5, 1.500019 / 5)
    assert row.p50 == pytest.approx(0.25, rel=0.012)

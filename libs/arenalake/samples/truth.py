"""The truth behind the votes: the strengths that made them, and what each rating method converges to."""

from typing import Any

import numpy as np

from arenalake.ratings import expected_ratings
from arenalake.ratings.model.estimates import COUNTED
from arenalake.samples import battles
from arenalake.samples.battles import BattleDesign, count_duplicates, outcome_shares
from arenalake.samples.draws import Floats, Ints

STRENGTH = "strength"
# Scale and base of all true ratings, whatever those of the estimates are.
TRUTH_SCALE, TRUTH_BASE = 400.0, 10.0

RATINGS_DDL = "slice string, method string, model string, rating double"


def true_ratings(design: BattleDesign) -> list[tuple[str, str, str, float]]:
    """Rows of slice, method, model, rating.

    Method `strength` is what the votes were drawn from. With ties no method has to converge to it: half-win
    Bradley-Terry brings ratings closer together. So every method's pseudo-true ratings are here too: its fit to the
    expected counts under the design, mean 1000; `win_rate` from 0 to 1. Online Elo converges to nothing, and style
    makes no vote here. Slice `all` mixes the languages; it has no strengths of its own, so
    its `strength` is the mean over languages by their share.
    """
    model_a, model_b = np.nonzero(design.pair_shares)
    mixed = np.zeros((len(model_a), len(battles.WINNERS)))
    rows: list[tuple[str, str, str, float]] = []
    for language, share, strengths in zip(design.languages, design.language_shares, design.strengths, strict=True):
        shares = outcome_shares(strengths[model_a], strengths[model_b], design.position_bias)
        expected = design.pair_shares[model_a, model_b, None] * shares
        mixed += share * expected
        rows += _ratings_of(design, f"language={language}", strengths, model_a, model_b, expected)
    return _ratings_of(design, "all", design.language_shares @ design.strengths, model_a, model_b, mixed) + rows


def _ratings_of(
    design: BattleDesign, name: str, strengths: Floats, model_a: Ints, model_b: Ints, expected: Floats
) -> list[tuple[str, str, str, float]]:
    wins_a, wins_b, tie, bothbad = expected.T
    ratings = {STRENGTH: strengths - strengths.mean() + 1000} | {
        method: expected_ratings(design.models, model_a, model_b, wins_a, wins_b, tie + bothbad, method=method)
        for method in COUNTED
    }
    return [
        (name, method, model, float(rating))
        for method, values in ratings.items()
        for model, rating in zip(design.models, values, strict=True)
    ]


def describe_design(design: BattleDesign) -> dict[str, Any]:
    """Everything else that made the votes, as JSON."""
    return {
        "seed": design.seed,
        "rows": design.rows,
        "duplicates": count_duplicates(design.rows),
        "duplicate_every": battles.DUPLICATE_EVERY,
        "judges": design.judges,
        "voter_exponent": battles.VOTER_EXPONENT,
        "outcome_model": "Davidson: odds of a : b : tie = exp(d/2) : exp(-d/2) : tie_parameter, "
        "d = (strength_a + position_bias - strength_b) * ln(10) / 400",
        "tie_parameter": battles.TIE_PARAMETER,
        "bothbad": "share of ties: expit(bothbad_shift - ((strength_a + strength_b) / 2 - 1000) / 200)",
        "bothbad_shift": battles.BOTHBAD_SHIFT,
        "position_bias": design.position_bias,
        "not_anonymous": battles.NOT_ANONYMOUS,
        "models": list(design.models),
        "model_shares_as_a": design.pair_shares.sum(axis=1).round(6).tolist(),
        "languages": dict(zip(design.languages, design.language_shares.round(8).tolist(), strict=True)),
        "strengths_by_language": {
            language: strengths.tolist() for language, strengths in zip(design.languages, design.strengths, strict=True)
        },
    }

"""Job `recovery`: estimated against true ratings, for generated votes. Nothing else reads the truth."""

from typing import Any

import numpy as np
import pandas as pd

from arenalake.errors import ConfigError
from arenalake.ratings.model.estimates import WIN_RATE
from arenalake.ratings.options import RatingsConfig
from arenalake.ratings.tables import RATINGS
from arenalake.samples.corpora import reads_corpus
from arenalake.samples.folders import BATTLES_FOLDER, TRUTH_FOLDER
from arenalake.samples.truth import STRENGTH, TRUTH_BASE, TRUTH_SCALE
from arenalake.samples.write import read_rows
from arenalake.step import Context, StepResult

_GROUP = ["source", "slice", "method", "unit"]


def run(context: Context) -> StepResult:
    """Print how well the ratings of generated votes recover what each method converges to, and the order of strengths.

    Raises:
        ConfigError: `generate.path` holds no truth.
    """
    config, lake = context.config, context.lake
    generated = [
        name for name, source in config.sources.items() if reads_corpus(source.path, config.generate, BATTLES_FOLDER)
    ]
    if not generated:
        told = "recovery: no source reads generated votes, so there is nothing to compare"
        return StepResult(lines=[told], lacks="generated votes")
    folder = f"{config.generate.path.rstrip('/')}/{TRUTH_FOLDER}/ratings"
    truth = read_rows(lake, folder)
    if truth is None:
        raise ConfigError(f"generate.path: {folder} does not exist; run the job `generate` first")
    wanted = ["source", "slice", "method", "unit", "component", "model", "rating", "ci_lower", "ci_upper"]
    ratings = lake.load(RATINGS, only={"interval": "percentile"}).select(wanted).to_pandas()
    found = compare_with_truth(ratings[ratings["source"].isin(generated)], truth, config.ratings)
    lines = [
        f"recovery: {row.source}, {row.slice}, {row.method}: {row.n_covered} of {row.n_models} intervals over "
        f"{row.unit}s contain the true rating; mean deviation {_amount(row.method, row.mean_deviation)}; "
        f"rank correlation with the true strengths {row.rank_correlation:.3f}"
        for row in found.itertuples()
    ]
    if not lines:
        return StepResult(lines=["recovery: no ratings of generated votes"], lacks="ratings of generated votes")
    overall = found[found["slice"] == "all"].to_dict("records")
    metrics = {f"rank_correlation_{row['source']}_{row['method']}": row["rank_correlation"] for row in overall}
    return StepResult(lines=lines, metrics=metrics, tables={"recovery": found})


def _amount(method: Any, deviation: Any) -> str:
    return f"{deviation:.3f}" if method == WIN_RATE else f"{deviation:.1f} points"


def compare_with_truth(ratings: pd.DataFrame, truth: pd.DataFrame, config: RatingsConfig) -> pd.DataFrame:
    """Compare estimates with truth: win rates as they are, ratings as differences to their mean in configured points.

    Only the main component is compared, as other ratings have another scale.

    Args:
        ratings: source, slice, method, unit, component, model, rating, ci_lower, ci_upper (null where unbounded).
        truth: slice, method (a rating method, or `strength`), model, rating.
        config: scale and base of `ratings`.

    Returns:
        One row per source, slice, method and unit that the truth knows: n_models (that are compared), n_covered
        (whose interval holds the true rating), mean_deviation (points; a share for `win_rate`), rank_correlation
        (Spearman's, with the strengths).
    """
    in_points = config.scale / np.log(config.base) / (TRUTH_SCALE / np.log(TRUTH_BASE))
    strengths = truth[truth["method"] == STRENGTH].rename(columns={"rating": "strength"}).drop(columns="method")
    true = truth.rename(columns={"rating": "true"})
    main = ratings[ratings["component"] == 1]
    known = main.dropna(subset=["rating"]).merge(true, on=["slice", "method", "model"])
    known = known.merge(strengths, on=["slice", "model"])
    rows = []
    for key, part in known.groupby(_GROUP, sort=True):
        expected = part["true"]
        if key[_GROUP.index("method")] != WIN_RATE:
            expected = (expected - expected.mean()) * in_points + part["rating"].mean()
        missed = (part["ci_lower"] > expected) | (part["ci_upper"] < expected)  # a null bound excludes nothing
        figures = (
            len(part),
            int((~missed).sum()),
            (part["rating"] - expected).abs().mean(),
            part["rating"].corr(part["strength"], method="spearman"),
        )
        rows.append((*key, *figures))
    return pd.DataFrame(rows, columns=[*_GROUP, "n_models", "n_covered", "mean_deviation", "rank_correlation"])

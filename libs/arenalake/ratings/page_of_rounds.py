"""How ratings are spread over the bootstrap rounds: too much for the pages of the report, drawn in the notebook."""

import math
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.lake import Lake
from arenalake.ratings.tables import RATING_REPLICATES
from arenalake.report import figures
from arenalake.report.boards import model_order
from arenalake.report.frames import Frames
from arenalake.report.parts import Section


def count_rounds(replicates: DataFrame, *, width: float) -> DataFrame:
    """Count rounds by rating.

    Args:
        replicates: rows of `rating_replicates`.
        width: width of a bin in rating points.

    Returns:
        source, slice, method, unit, model, low → n_rounds, where `low` is the lower edge of a bin; infinite ratings
        stay infinite, and rounds without a rating have a null.
    """
    rating = F.col("rating")
    low = F.when(F.abs(rating) == math.inf, rating).otherwise(F.floor(rating / width) * width)
    return (
        replicates.groupBy("source", "slice", "method", "unit", "model", low.alias("low"))
        .agg(F.count("*").alias("n_rounds"))
        .select("source", "slice", "method", "unit", "model", "low", "n_rounds")
    )


def build_rounds(lake: Lake, frames: Frames, *, width: float = 10.0, n_models: int = 8) -> list[Section]:
    """One section per source, method and unit in slice `all`, with the models of the highest ratings."""
    if not lake.exists(RATING_REPLICATES):
        return []
    replicates = lake.read(RATING_REPLICATES).where(F.col("slice") == "all")
    counts = count_rounds(replicates, width=width).toPandas()
    sections = []
    for key, rows in counts.groupby(["source", "method", "unit"], sort=True):
        source, method, unit = map(str, key)
        best = list(model_order(frames, source))[:n_models]
        sections.append(_section(f"{source}: {method}, rounds that draw {unit}s", rows, best, width))
    return sections


def _section(title: str, rows: pd.DataFrame, models: list[str], width: float) -> Section:
    section = Section(title)
    of_model = {str(model): own for model, own in rows.groupby("model")}
    shown = [model for model in models if model in of_model]
    lines = {model: _shares(of_model[model], width) for model in shown}
    drawn = [model for model in shown if lines[model]]
    section.figures.append(
        figures.spreads(
            caption=f"Ratings over the bootstrap rounds, in steps of {width:g} points",
            words=f"One line for each of the {len(drawn)} models with the highest ratings.",
            x_axis="rating",
            y_axis="share of rounds",
            lines={model: lines[model] for model in drawn},
        )
    )
    for model in shown:
        unrated = int(of_model[model].loc[~of_model[model]["low"].map(_is_finite), "n_rounds"].sum())
        if unrated:
            section.sentences.append(f"{model}: {unrated:,} rounds give no finite rating and are not drawn.")
    return section


def _shares(rows: pd.DataFrame, width: float) -> list[tuple[float, float]]:
    """Middle of each bin from the lowest to the highest that has a round, and the share of all rounds in it."""
    n_rounds = int(rows["n_rounds"].sum())
    counts = {round(low / width): n for low, n in zip(rows["low"], rows["n_rounds"], strict=True) if _is_finite(low)}
    bins = range(min(counts), max(counts) + 1) if counts else range(0)
    return [((number + 0.5) * width, counts.get(number, 0) / n_rounds) for number in bins]


def _is_finite(low: Any) -> bool:
    return low is not None and math.isfinite(low)

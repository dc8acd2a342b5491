"""Leaderboards in their order, which other pages follow, and the models that have a page."""

from functools import lru_cache

import pandas as pd

from arenalake.report.frames import Frames
from arenalake.report.parts import slug

# A page for each of thousands of models would make the report slow to write; the leaderboards have all of them.
MAX_MODEL_PAGES = 300


def methods_of(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Method and unit of each leaderboard, Bradley-Terry first."""
    pairs = {(str(method), str(unit)) for method, unit in zip(rows["method"], rows["unit"], strict=True)}
    return sorted(pairs, key=lambda pair: (pair[0] != "bradley_terry", pair))


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rated models by component and rating, then the unrated by votes."""
    unrated = rows["rating"].isna()
    keys = {
        "_unrated": unrated,
        "_component": rows["component"].where(~unrated, 0),
        "_rating": -rows["rating"].fillna(0),
    }
    ordered = rows.assign(**keys, _votes=-rows["n_battles"]).sort_values([*keys, "_votes", "model"], kind="stable")
    return ordered.drop(columns=[*keys, "_votes"]).reset_index(drop=True)


def model_order(frames: Frames, source: str) -> dict[str, int]:
    """Models of a source by rating in slice `all`; the place of each."""
    rows = frames.ratings
    rows = rows[(rows["source"] == source) & (rows["slice"] == "all")]
    if rows.empty:
        return {}
    first = rows[rows["method"] == methods_of(rows)[0][0]]
    order = in_order(first)["model"].drop_duplicates()
    return {model: place for place, model in enumerate(order)}


def main_rows(ratings: pd.DataFrame) -> pd.DataFrame:
    """A row for each model of a leaderboard, of several intervals the percentiles; the order stays."""
    first = ratings.assign(_other=ratings["interval"] != "percentile").sort_values(
        ["_other", "interval"], kind="stable"
    )
    kept = first.drop_duplicates(["source", "slice", "method", "unit", "model"])
    return kept.drop(columns="_other").sort_index()


@lru_cache(maxsize=1)  # each leaderboard of a report asks
def model_pages(frames: Frames) -> dict[str, str]:
    """The file of each model that has a page: rated models, of more than `MAX_MODEL_PAGES` those with most votes."""
    votes = frames.ratings.groupby(["model", "source"])["n_battles"].max().groupby("model").sum()
    most = votes.sort_values(ascending=False, kind="stable").index[:MAX_MODEL_PAGES]
    return {str(model): f"model-{slug(str(model))}.html" for model in most}

"""Leaderboards in their order, which other pages follow."""

import pandas as pd

from arenalake.report.frames import Frames


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

"""What ratings say about one model, for its page, and two models side by side."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from arenalake.plurals import counted
from arenalake.ratings.columns import board_columns, distances, method_title, rank_spread, rating_cell, rating_digits
from arenalake.ratings.page_of_slices import slice_file, slice_words
from arenalake.report import figures
from arenalake.report.boards import main_rows, methods_of, model_order
from arenalake.report.frames import Frames
from arenalake.report.parts import (
    MISSING,
    Comparison,
    Link,
    Page,
    Section,
    TableColumn,
    TableView,
    number_column,
    percent_cell,
    slug,
    text_cell,
    text_column,
)

COMPARISON = "compare.html"
# Browsers take no longer to read this than a large picture; beyond it there are the tables of pairs.
MAX_COMPARED = 300
_LABELS = ("Rating", "95 % interval", "Rank", "Rank spread", "Votes")
_SHARES = ("predicted_win_rate", "observed_win_rate", "probability_above")


def model_sections(source: str, model: str, own: Frames, pages: Mapping[str, str]) -> list[Section]:
    """Ratings by method and slice, and the opponents of a model.

    Args:
        own: the rows about the model.
        pages: the file of each model that has a page.
    """
    ratings = main_rows(own.ratings[own.ratings["source"] == source])
    if ratings.empty:
        return []
    sections = [_ratings(source, model, ratings)]
    pairs = own.rating_pairs[own.rating_pairs["source"] == source]
    if len(pairs):
        sections.append(_opponents(source, model, pairs, own, pages))
    return sections


def _ratings(source: str, model: str, ratings: pd.DataFrame) -> Section:
    section = Section("Ratings", tables_first=True)
    boards = {board: place for place, board in enumerate(methods_of(ratings))}
    board = pd.Series([boards[key] for key in zip(ratings["method"], ratings["unit"], strict=True)], ratings.index)
    ordered = ratings.assign(_part=ratings["slice"] != "all", _board=board).sort_values(["_part", "slice", "_board"])
    rows = ordered.drop(columns=["_part", "_board"])
    first = rows.iloc[0]
    if first["slice"] == "all" and pd.notna(first["rank_ub"]):
        section.sentences.append(
            f"Rank {first['rank_ub']} by {method_title(first['method'])}, from {counted(first['n_battles'], 'vote')}."
        )
    several_units = rows["unit"].nunique() > 1
    names = [
        TableColumn(
            "Slice",
            lambda row: text_cell(slice_words(row["slice"]), 44, slice_file(source, row["slice"])),
            numeric=False,
        ),
        TableColumn("Method", lambda row: text_cell(method_title(row["method"])), numeric=False),
        *([text_column("Resampled", "unit", "what the bootstrap draws")] if several_units else []),
    ]
    caption = f"Ratings of {model} in {source}, by slice and method"
    file = slug("model", source, model, "ratings")
    section.tables.append(TableView(caption, board_columns(rows, names), rows, file, sticky=2))
    same = rows[(rows["method"] == first["method"]) & (rows["unit"] == first["unit"]) & rows["rating"].notna()]
    if len(same) > 1:
        section.figures.append(
            figures.intervals_by_name(
                caption="Rating by slice, with 95 % intervals",
                words=f"Ratings in {counted(len(same), 'slice')} with intervals; the table has the numbers.",
                axis="rating",
                names=[slice_words(str(name)) for name in same["slice"]],
                groups={
                    "rating": [
                        (row["rating"], *(None if pd.isna(row[end]) else row[end] for end in ("ci_lower", "ci_upper")))
                        for row in same.to_dict("records")
                    ]
                },
            )
        )
    return section


def _opponents(source: str, model: str, pairs: pd.DataFrame, own: Frames, pages: Mapping[str, str]) -> Section:
    method, unit = methods_of(pairs)[0]
    rows = pairs[(pairs["method"] == method) & (pairs["unit"] == unit)]
    section = Section("Opponents")
    section.sentences.append(
        f"Results of {method_title(method)}, best opponents first. Win rates and probabilities are those of {model}; a "
        "tie is half a win. The probability of being above is the share of the bootstrap rounds in which the rating "
        f"of {model} is higher."
    )
    key = urlencode({"votes": _key(source, method, unit), "a": model})
    section.links.append(Link("Compare this model with another one", f"{COMPARISON}#{key}"))
    columns = [
        TableColumn("Opponent", lambda row: text_cell(row["opponent"], 44, pages.get(row["opponent"])), numeric=False),
        number_column("Votes", "n_battles", "votes between the two models that the method uses"),
        TableColumn("Predicted", lambda row: percent_cell(row["predicted_win_rate"]), "win rate that the fit predicts"),
        TableColumn("Observed", lambda row: percent_cell(row["observed_win_rate"]), "win rate in these votes"),
        number_column("Residual", "residual", "observed minus predicted, in standard errors of the observed", digits=1),
        TableColumn("Above", lambda row: percent_cell(row["probability_above"]), "probability of being above"),
    ]
    caption = f"Opponents of {model} in {source}"
    section.tables.append(TableView(caption, columns, rows, slug("model", source, model, "opponents"), sticky=1))
    return section


def opponents(frames: Frames) -> pd.DataFrame:
    """Each pair of `rating_pairs` from both sides: the second row of a pair is what it says of `model_b`.

    Returns:
        source, method, unit, model, opponent, n_battles, predicted_win_rate, observed_win_rate, residual, n_above,
        n_below, n_rounds, probability_above; by source and method the best opponents first, as `model_order` has them.
    """
    pairs = frames.rating_pairs
    first = pairs.rename(columns={"model_a": "model", "model_b": "opponent"})
    second = pairs.rename(
        columns={"model_b": "model", "model_a": "opponent", "n_above": "n_below", "n_below": "n_above"}
    )
    second = second.assign(residual=-second["residual"], **{share: 1 - second[share] for share in _SHARES})
    columns = ["source", "method", "unit", "model", "opponent", "n_battles", *_SHARES[:2], "residual"]
    columns += ["n_above", "n_below", "n_rounds", _SHARES[2]]
    both = pd.concat([first[columns], second[columns]], ignore_index=True)
    places = {source: model_order(frames, source) for source in both["source"].unique()}
    place = [
        places[source].get(opponent, len(places[source]))
        for source, opponent in zip(both["source"], both["opponent"], strict=True)
    ]
    ordered = both.assign(_place=place).sort_values(["source", "method", "unit", "_place", "opponent"], kind="stable")
    return ordered.drop(columns="_place").reset_index(drop=True)


def build_comparison(frames: Frames, pages: Mapping[str, str]) -> Page:
    """The page on which two models of a leaderboard stand side by side."""
    whole = main_rows(frames.ratings[frames.ratings["slice"] == "all"])
    pairs = {
        (str(source), str(method), str(unit)): rows
        for (source, method, unit), rows in frames.rating_pairs.groupby(["source", "method", "unit"], sort=False)
    }
    boards = []
    for source, of_source in whole.groupby("source", sort=True):
        order = model_order(frames, str(source))
        units = of_source["unit"].nunique()
        for method, unit in methods_of(of_source):
            board = of_source[(of_source["method"] == method) & (of_source["unit"] == unit)]
            most = board.sort_values(["n_battles", "model"], ascending=[False, True]).head(MAX_COMPARED)
            rows = sorted(most.to_dict("records"), key=lambda row: (order.get(row["model"], len(order)), row["model"]))
            name = f"{source}: {method_title(method)}" + (f", by {unit}" if units > 1 else "")
            key = (str(source), method, unit)
            boards.append(
                {
                    "key": _key(*key),
                    "name": name,
                    "models": [_compared(row, pages) for row in rows],
                    "pairs": _compared_pairs(pairs.get(key), [row["model"] for row in rows]),
                }
            )
    section = Section("Choose two models", comparison=Comparison(list(_LABELS), boards))
    section.sentences.append(
        "The predicted win rate follows from the ratings. The observed win rate is that of the votes between the two "
        "models. A tie is half a win. The probability of being above is the share of the bootstrap rounds in which the "
        "rating of the model is higher. The address of this page contains the chosen pair, so it can be shared."
    )
    if any(len(board["models"]) == MAX_COMPARED for board in boards):
        section.sentences.append(f"The {MAX_COMPARED} models with the most votes of each leaderboard can be chosen.")
    lead = "Two models side by side, from all votes of a source."
    return Page(COMPARISON, "Two models", lead, [section], nav="Two models")


def _key(source: str, method: str, unit: str) -> str:
    return f"{source}/{method}/{unit}"


def _compared(row: dict[Any, Any], pages: Mapping[str, str]) -> dict[str, Any]:
    row = {name: None if pd.isna(value) else value for name, value in row.items()}
    rated = row["rating"] is not None
    cells = [
        rating_cell(row["rating"], rating_digits(row["method"])).text,
        distances(row) if rated else MISSING,
        str(row["rank_ub"]) if rated else MISSING,
        rank_spread(row).text,
        f"{row['n_battles']:,}",
    ]
    component = int(row["component"]) if rated else None
    return {"name": row["model"], "page": pages.get(row["model"]), "component": component, "cells": cells}


def _compared_pairs(pairs: pd.DataFrame | None, models: list[str]) -> list[list[Any]]:
    if pairs is None:
        return []
    places = {model: place for place, model in enumerate(models)}
    return [
        [places[a], places[b], int(n), *(None if pd.isna(share) else round(share, 5) for share in shares)]
        for a, b, n, *shares in pairs[["model_a", "model_b", "n_battles", *_SHARES]].itertuples(index=False)
        if a in places and b in places
    ]

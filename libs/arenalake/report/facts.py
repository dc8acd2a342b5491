"""Facts about models that a file gives, such as who made them and what they cost: columns and a plot beside ratings."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import polars as pl

from arenalake.errors import ConfigError
from arenalake.labels import text_name
from arenalake.paths import local_path
from arenalake.report import figures
from arenalake.report.parts import (
    MISSING,
    Cell,
    Figure,
    Link,
    Section,
    TableColumn,
    number_cell,
    rows_of,
    text_cell,
)

PRICE, LINK = "price", "link"
# A fact with more values is not offered as a choice; the filter by text finds it.
_MAX_OFFERED = 40
# Names beside the points of a plot; with more of them they would hide each other.
_MAX_NAMED = 40


def read_facts(path: str) -> pd.DataFrame:
    """Read a CSV file with one row per model.

    Args:
        path: a file on this machine or a mount. It has a column `model`, with the names used in battles, and any
            others: `price` holds numbers, `link` addresses of web pages, all other columns texts.

    Returns:
        The columns of the file in their order, `model` first; a blank cell is None, and price is float64.

    Raises:
        ConfigError: the file cannot be read as CSV, lacks `model` or a further column, or has a model twice. Or a price
            is not a number from 0 up, or a link is not the address of a web page.
    """
    own = local_path(path)
    if own is None:
        raise ConfigError(f"report.models: {path} is not on this machine; give a local or mounted CSV file")
    try:
        rows = pl.read_csv(own, infer_schema=False, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ConfigError(f"report.models: {path} cannot be read: {str(error).splitlines()[0]}") from None
    if "model" not in rows.columns or len(rows.columns) < 2:
        raise ConfigError(f"report.models: {path} needs the columns model and others; it has {', '.join(rows.columns)}")
    columns = {name: [text_name(value or "") for value in rows[name]] for name in rows.columns}
    models = columns.pop("model")
    if None in models:
        raise ConfigError(f"report.models: {path}: row {models.index(None) + 1} has no model")
    twice = next((model for model in models if models.count(model) > 1), None)
    if twice is not None:
        raise ConfigError(f"report.models: {path} has {models.count(twice)} rows for {twice!r}; keep one")
    for link in columns.get(LINK, []):
        if link is not None and not link.startswith(("https://", "http://")):
            raise ConfigError(f"report.models: {path}: {link!r} is not a link; write one that begins with https://")
    facts = pd.DataFrame({"model": models, **columns}, dtype="object")
    if PRICE in facts:
        facts[PRICE] = pd.Series([_price(path, price) for price in columns[PRICE]], dtype="float64")
    return facts


def _price(path: str, text: str | None) -> float:
    if text is None:
        return math.nan
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not 0 <= price < math.inf:
        raise ConfigError(f"report.models: {path}: {text!r} is not a price; write a number without a currency")
    return price


def fact_columns(facts: pd.DataFrame, models: pd.Series) -> list[TableColumn]:
    """A column for each fact that is known of at least one of these models.

    Facts with few values, of which several of the models share one, are offered as choices.
    """
    known = facts[facts["model"].isin(models)].dropna(axis="columns", how="all")
    by_model = {row["model"]: row for row in rows_of(known)}

    def column(name: str) -> TableColumn:
        def cell(row: dict[str, Any]) -> Cell:
            return _cell(name, by_model.get(row["model"], {}).get(name))

        values = known[name].dropna()
        offered = name not in (PRICE, LINK) and 1 < values.nunique() < min(len(values), _MAX_OFFERED + 1)
        return TableColumn(name.capitalize(), cell, numeric=name == PRICE, offered=offered)

    return [column(str(name)) for name in known.columns if name != "model"]


def _cell(name: str, value: Any) -> Cell:
    if name == PRICE:
        return number_cell(value, 2)
    if value is None:
        return Cell(MISSING)
    return Cell("page", value, href=value) if name == LINK else text_cell(value, 40)


def fact_section(facts: pd.DataFrame, model: str) -> list[Section]:
    """What the file says of one model, for its page."""
    rows = rows_of(facts[facts["model"] == model])
    known = {name: value for row in rows for name, value in row.items() if value is not None and name != "model"}
    links = [Link(link, link) for link in [known.pop(LINK, None)] if link]
    said = [f"{name.capitalize()}: {_cell(name, value).text}." for name, value in known.items()]
    return [Section("About the model", said, links=links)] if said or links else []


def price_figures(facts: pd.DataFrame, rated: pd.DataFrame) -> Sequence[Figure]:
    """Ratings against prices, where at least two of the models have one.

    Args:
        rated: model and rating.
    """
    if PRICE not in facts:
        return []
    both = rated.merge(facts[["model", PRICE]].dropna(), on="model")
    if len(both) < 2:
        return []
    points = [(row[PRICE], row["rating"], str(row["model"])) for row in rows_of(both)]
    return [
        figures.points(
            caption="Rating against price",
            words=f"One point for each of the {len(points)} models with a price; the table has the numbers.",
            x_axis="price",
            y_axis="rating",
            points=points,
            named=len(points) <= _MAX_NAMED,
        )
    ]

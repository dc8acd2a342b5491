"""Rate the models of each source and slice from `battle_counts`: bootstrap rounds first, then intervals and ranks."""

import pandas as pd
from pyspark.sql import functions as F
from rich.cells import cell_len

from arenalake.errors import ConfigError
from arenalake.ratings.spread import bootstrap_ratings, count_votes, summarise_ratings
from arenalake.steps import Context, StepResult
from arenalake.tables import BATTLE_COUNTS, RATING_REPLICATES, RATINGS

_SHOWN = ["rank", "model", "rating", "ci_lower", "ci_upper", "n_battles", "note"]


def run(context: Context) -> StepResult:
    """Write `rating_replicates` and `ratings`; print the leaderboard of slice `all` of each source.

    Raises:
        ConfigError: the anchored model has no votes at all.
    """
    lake, ratings, bootstrap = context.lake, context.config.ratings, context.config.bootstrap
    if ratings.anchor is not None:
        _require_anchor(context)
    settings = {"ratings": ratings.model_dump(mode="json"), "bootstrap": bootstrap.model_dump(mode="json")}
    lake.derive(
        RATING_REPLICATES,
        [BATTLE_COUNTS],
        lambda counts: bootstrap_ratings(count_votes(counts, ratings=ratings), ratings=ratings, bootstrap=bootstrap),
        settings=settings,
    )
    lake.derive(
        RATINGS,
        [BATTLE_COUNTS, RATING_REPLICATES],
        lambda counts, rounds: summarise_ratings(count_votes(counts, ratings=ratings), rounds, ratings=ratings),
        settings=settings,
    )
    return _show(context)


def _require_anchor(context: Context) -> None:
    anchor = context.config.ratings.anchor
    if anchor is None:
        return
    votes = count_votes(context.lake.read(BATTLE_COUNTS), ratings=context.config.ratings)
    names = votes.select(F.explode(F.array("model_a", "model_b")).alias("model"))
    if names.where(F.col("model") == anchor.model).isEmpty():
        raise ConfigError(
            f"ratings.anchor.model: {anchor.model!r} has no votes in any slice; give the name of a model as "
            "it stands in `battles`, or leave `ratings.anchor` out"
        )


def _show(context: Context) -> StepResult:
    result = StepResult()
    board = context.lake.read(RATINGS).where(
        (F.col("slice") == "all")
        & (F.col("interval") == "percentile")
        & (F.col("method") == context.config.ratings.methods[0])
    )
    rows = board.select("source", "method", "unit", "n_rounds", *_SHOWN).toPandas()
    for source, part in rows.groupby("source", sort=True):
        table = part.sort_values(["rank", "model"], na_position="last")[["method", "unit", "n_rounds", *_SHOWN]]
        result.tables[f"leaderboard_{source}"] = table.reset_index(drop=True)
        result.metrics[f"rated_models_{source}"] = float(table["rating"].notna().sum())
        result.lines += leaderboard_lines(str(source), table)
    return result


def leaderboard_lines(source: str, table: pd.DataFrame) -> list[str]:
    """A leaderboard as aligned text; names are plain text, whatever signs they hold."""
    first = table.iloc[0]
    title = f"{source}: {first['method']}, 95 % intervals from {first['n_rounds']} rounds over {first['unit']}s"
    cells = [["rank", "model", "rating", "95 % interval", "battles", ""]]
    for row in table.to_dict("records"):
        rank, rating = ("-", "-") if pd.isna(row["rating"]) else (str(int(row["rank"])), f"{row['rating']:.1f}")
        interval = (
            "-" if pd.isna(row["rating"]) else f"{_bound(row['ci_lower'], '-inf')} to {_bound(row['ci_upper'], 'inf')}"
        )
        name = "".join(sign if sign.isprintable() else "?" for sign in row["model"])
        cells.append([rank, name, rating, interval, f"{row['n_battles']:,}", row["note"] or ""])
    widths = [max(cell_len(line[column]) for line in cells) for column in range(6)]
    return [title, *(_aligned(line, widths) for line in cells)]


def _bound(value: float, unbounded: str) -> str:
    return unbounded if pd.isna(value) else f"{value:.1f}"


def _aligned(line: list[str], widths: list[int]) -> str:
    # Only the name and the note read from the left.
    padded = [
        text + " " * (width - cell_len(text)) if column in (1, 5) else " " * (width - cell_len(text)) + text
        for column, (text, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()

"""Beside a leaderboard: how well the ratings explain the votes, and what they hang on."""

from typing import Any

import pandas as pd

from arenalake.report import figures
from arenalake.report.frames import Frames
from arenalake.report.parts import (
    MISSING,
    Cell,
    Section,
    TableColumn,
    TableView,
    number_cell,
    number_column,
    percent,
    percent_cell,
    slug,
    text_column,
)

# Beyond this a square of models cannot be read; the table and the CSV file have every pair.
MAX_SQUARE = 60
_QUANTILES = ("lowest", "5 %", "median", "95 %", "highest")
_LEFT_OUT = {"language": "one language", "month": "one month", "judge": "one judge"}


def fit_sections(source: str, name: str, method: str, unit: str, models: list[str], frames: Frames) -> list[Section]:
    """Calibration, predicted and observed win rates, residuals and leave-outs of one leaderboard, folded.

    Args:
        models: rated models, best first.
    """
    calibration = _of_board(frames.rating_calibration, source, name, method, unit)
    pairs = _of_board(frames.rating_pairs, source, name, method, unit)
    pairs = pairs[pairs["predicted_win_rate"].notna()]
    influence = _of_board(frames.rating_influence, source, name, method)
    sections = []
    if len(calibration) or len(pairs):
        sections.append(Section("Predicted and observed", collapsed=True))
        if len(calibration):
            _add_calibration(sections[-1], calibration, slug("calibration", source, name, method, unit))
        if len(pairs):
            _add_pairs(sections[-1], pairs, models, source, slug("predicted", source, name, method, unit))
    if len(influence):
        sections.append(_influence(influence, models, source, name, method))
    return sections


def _of_board(frame: pd.DataFrame, source: str, name: str, method: str, unit: str | None = None) -> pd.DataFrame:
    same = (frame["source"] == source) & (frame["slice"] == name) & (frame["method"] == method)
    return frame[same if unit is None else same & (frame["unit"] == unit)]


def _add_calibration(section: Section, rows: pd.DataFrame, csv: str) -> None:
    points = [
        (
            row["predicted_win_rate"],
            row["observed_win_rate"],
            f"predicted {percent(row['predicted_win_rate'])}, observed {percent(row['observed_win_rate'])}, "
            f"battles: {row['n_battles']:,}",
        )
        for row in rows.to_dict("records")
    ]
    section.sentences.append(
        "If the predictions are calibrated, a favourite with a predicted win rate of 70 % wins 70 % of its battles. A "
        "tie counts as half a win. The ratings were fitted to the same battles."
    )
    section.figures.append(
        figures.calibration(
            caption="Win rate of the favourite, observed against predicted",
            words=f"{len(points)} bins of predicted win rates with the observed ones; the table has the numbers.",
            points=points,
        )
    )
    columns = [
        TableColumn("Predicted from", lambda row: percent_cell(row["predicted_from"], 0), "lower end of the bin"),
        number_column("Pairs", "n_pairs"),
        number_column("Battles", "n_battles"),
        TableColumn("Predicted", lambda row: percent_cell(row["predicted_win_rate"]), "mean over the battles"),
        TableColumn("Observed", lambda row: percent_cell(row["observed_win_rate"]), "a tie is half a win"),
    ]
    section.tables.append(TableView("Calibration", columns, rows, csv))


def _add_pairs(section: Section, pairs: pd.DataFrame, models: list[str], source: str, csv: str) -> None:
    predicted: dict[tuple[str, str], float] = {}
    observed: dict[tuple[str, str], float] = {}
    for row in pairs.to_dict("records"):
        for cells, rate in ((predicted, row["predicted_win_rate"]), (observed, row["observed_win_rate"])):
            if not pd.isna(rate):
                cells[row["model_a"], row["model_b"]] = rate
                cells[row["model_b"], row["model_a"]] = 1 - rate
    names = [model for model in models if model in set(pairs["model_a"]) | set(pairs["model_b"])][:MAX_SQUARE]
    if len(names) == MAX_SQUARE:
        section.sentences.append(f"The squares show the {MAX_SQUARE} best models; the table has every pair.")
    for kind, cells in (("Predicted", predicted), ("Observed", observed)):
        if not cells:  # style control predicts no votes as they are
            continue
        texts = [
            [
                f"<b>{figures.hover(a)}</b><br>against {figures.hover(b)}<br>{kind.lower()} {percent(cells[a, b])}"
                if (a, b) in cells
                else ""
                for b in names
            ]
            for a in names
        ]
        section.figures.append(
            figures.heat_map(
                caption=f"{kind} win rate of the row's model against the column's",
                words=f"{kind} win rates between {len(names)} models as a square; the table of pairs has the numbers.",
                names=names,
                values=[[cells.get((a, b)) for b in names] for a in names],
                texts=texts,
                rates=True,
            )
        )
    names_of_pair = [text_column("Model A", "model_a", length=40), text_column("Model B", "model_b", length=40)]
    as_predicted = TableColumn(
        "Predicted", lambda row: percent_cell(row["predicted_win_rate"]), "of model A; a tie is half a win"
    )
    if not observed:
        columns = [*names_of_pair, as_predicted]
        order = (pairs["predicted_win_rate"] - 0.5).abs().sort_values(ascending=False, kind="stable").index
        section.tables.append(TableView(f"Pairs of {source}, most one-sided first", columns, pairs.loc[order], csv))
        return
    columns = [
        *names_of_pair,
        number_column("Battles", "n_battles", "battles that the method uses"),
        as_predicted,
        TableColumn("Observed", lambda row: percent_cell(row["observed_win_rate"]), "of model A; a tie is half a win"),
        number_column("Residual", "residual", "observed minus predicted, in standard errors of the observed", digits=1),
    ]
    order = pairs["residual"].abs().sort_values(ascending=False, na_position="last", kind="stable").index
    note = "Beyond about ±3, the ratings do not explain the pair: A beats B more often, or less often, than predicted."
    section.tables.append(
        TableView(f"Pairs of {source}, largest residuals first", columns, pairs.loc[order], csv, note)
    )


def _influence(rows: pd.DataFrame, models: list[str], source: str, name: str, method: str) -> Section:
    section = Section("Ratings with a part of the votes left out", collapsed=True)
    least = int(rows["min_left_out"].max())
    section.sentences.append(
        f"How ratings change when one language, month or judge is left out. Those with fewer than {least:,} battles "
        "were not left out. For judges, only quantiles over all judges are shown: a row about one judge would be about "
        "one person."
    )
    digits = 3 if method == "win_rate" else 1
    shown = [model for model in models if model in set(rows["model"])]
    moves = rows[rows["change"].notna()]
    groups = {}
    for kind, what in _LEFT_OUT.items():
        own = moves[moves["left_out"] == kind].groupby("model")["change"]
        if len(own):
            found = own.agg(["median", "min", "max"]).to_dict("index")
            groups[what] = [
                (found[model]["median"], found[model]["min"], found[model]["max"]) if model in found else None
                for model in shown
            ]
    if groups:
        section.figures.append(
            figures.intervals_by_name(
                caption="Change of the rating: median, lowest and highest",
                words=f"Changes of {len(shown)} ratings when votes are left out; the tables have the numbers.",
                axis="change of the rating",
                names=shown,
                groups=groups,
                reference=0.0,
                interval_name="all",
            )
        )
    change = TableColumn(
        "Change", lambda row: _signed(row["change"], digits), "rating without these battles minus rating"
    )
    own_rows, judges = rows[rows["left_out"] != "judge"], rows[rows["left_out"] == "judge"]
    if len(own_rows):
        columns = [
            text_column("Left out", "value", length=40),
            text_column("Model", "model", length=40),
            change,
            TableColumn("Rating without", lambda row: number_cell(row["rating"], digits)),
            number_column("Battles left out", "n_left_out"),
            text_column("Note", "note", length=80),
        ]
        order = own_rows["change"].abs().sort_values(ascending=False, na_position="first", kind="stable").index
        caption = "Languages and months left out, largest changes first"
        csv = slug("influence", source, name, method)
        section.tables.append(TableView(caption, columns, own_rows.loc[order], csv))
    if len(judges) and judges["hidden"].all():
        section.sentences.append("Too few judges have that many battles, so nothing is shown for judges.")
    elif len(judges):
        columns = [
            text_column("Model", "model", length=40),
            TableColumn("Over judges", lambda row: Cell(row["value"]), numeric=False),
            change,
            number_column("Judges", "n_values", "number of judges left out, one at a time"),
            text_column("Note", "note", length=80),
        ]
        ranks = {name: number for number, name in enumerate(models)}
        quantiles = {name: number for number, name in enumerate(_QUANTILES)}
        keys = judges[["model"]].assign(rank=judges["model"].map(ranks), nth=judges["value"].map(quantiles))
        order = keys.sort_values(["rank", "model", "nth"], kind="stable").index
        csv = slug("influence_judges", source, name, method)
        section.tables.append(TableView("Judges left out one at a time", columns, judges.loc[order], csv))
    return section


def _signed(value: Any, digits: int) -> Cell:
    return Cell(MISSING, kind="number") if value is None else Cell(f"{value:+.{digits}f}", str(value), "number")

"""A leaderboard as text."""

import pandas as pd
from rich.cells import cell_len


def leaderboard_lines(source: str, table: pd.DataFrame) -> list[str]:
    """A leaderboard as aligned text; names are plain text, whatever signs they hold.

    Args:
        source: name of the source.
        table: rated models of the main component by rank, those of each further component, which becomes a block under
            a heading of its own, and then models without a rating.
    """
    first = table.iloc[0]
    title = f"{source}: {first['method']}, 95 % intervals from {first['n_rounds']} rounds over {first['unit']}s"
    digits = 3 if first["method"] == "win_rate" else 1
    cells, headings, block = [["rank", "model", "rating", "95 % interval", "battles", ""]], {}, 1
    for row in table.to_dict("records"):
        component = 0 if pd.isna(row["rating"]) else row["component"]
        if component != block and (component or block > 1):
            headings[len(cells)] = (
                f"component {component}, not comparable with the others:" if component else "no rating:"
            )
        block = component
        rank, rating = ("-", "-") if pd.isna(row["rating"]) else (str(int(row["rank"])), f"{row['rating']:.{digits}f}")
        ends = _bound(row["ci_lower"], "-inf", digits), _bound(row["ci_upper"], "inf", digits)
        interval = "-" if pd.isna(row["rating"]) else " to ".join(ends)
        name = "".join(sign if sign.isprintable() else "?" for sign in row["model"])
        cells.append([rank, name, rating, interval, f"{row['n_battles']:,}", row["note"] or ""])
    widths = [max(cell_len(line[column]) for line in cells) for column in range(6)]
    lines = [title]
    for number, line in enumerate(cells):
        lines += [headings[number]] if number in headings else []
        lines.append(_aligned(line, widths))
    return lines


def _bound(value: float, unbounded: str, digits: int) -> str:
    return unbounded if pd.isna(value) else f"{value:.{digits}f}"


def _aligned(line: list[str], widths: list[int]) -> str:
    # Only the name and the note read from the left.
    padded = [
        text + " " * (width - cell_len(text)) if column in (1, 5) else " " * (width - cell_len(text)) + text
        for column, (text, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()

"""Tables and plots of notebooks, from Polars frames: sharp PNG images and plain HTML, which need no script."""

from html import escape
from io import BytesIO
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image as Picture

from arenalake.report.figures import COLORS

# Twice the dots of the shown size, so that screens with small dots stay sharp.
_DOTS_PER_INCH, _SHARPNESS = 80, 2
_SEQUENTIAL = LinearSegmentedColormap.from_list("sequential", ["#f4f4f4", "#67a9cf", "#2166ac"])
_DIVERGING = LinearSegmentedColormap.from_list("diverging", ["#b35806", "#f1a340", "#e8e8e8", "#67a9cf", "#2166ac"])


def table(frame: pl.DataFrame, *, rows: int = 20, digits: int = 3) -> Any:
    """Show the first rows as an HTML table: text to the left, numbers to the right, nulls as empty cells."""
    from IPython.display import HTML

    sides = ["right" if kind.is_numeric() else "left" for kind in frame.dtypes]

    def line(tag: str, texts: list[str]) -> str:
        cells = zip(sides, texts, strict=True)
        return "".join(f'<{tag} style="text-align: {side}">{escape(text)}</{tag}>' for side, text in cells)

    def text_of(value: Any) -> str:
        return "" if value is None else f"{value:.{digits}f}" if isinstance(value, float) else str(value)

    body = "".join(f"<tr>{line('td', [text_of(value) for value in row])}</tr>" for row in frame.head(rows).iter_rows())
    left_out = frame.height - min(rows, frame.height)
    more = f'<p style="text-align: left">{left_out:,} more rows.</p>' if left_out else ""
    return HTML(f"<table><tr>{line('th', frame.columns)}</tr>{body}</table>{more}")


def intervals(
    frame: pl.DataFrame, *, name: str, value: str, axis: str, group: str | None = None, reference: float | None = None
) -> Any:
    """Plot points with intervals: one row per name, in the order of the frame, and one colour per group.

    Args:
        frame: columns `name`, `value`, ci_lower, ci_upper and `group`. A null end has no whisker, and a row whose value
            is null is left out.
        name: column of the names.
        value: column of the values.
        axis: title of the axis of values.
        group: column of the groups to compare.
        reference: value of a reference line.
    """
    known = frame.filter(pl.col(value).is_not_null())
    if known.is_empty():
        return _nothing(f"{axis} by {name}")
    names = known[name].unique(maintain_order=True).to_list()
    parts = known.partition_by(group, maintain_order=True) if group else [known]
    figure, axes = _canvas(8.0, 0.9 + 0.26 * len(names) * (1 + 0.3 * (len(parts) - 1)))
    for number, part in enumerate(parts):
        offset = 0.36 * (number / (len(parts) - 1) - 0.5) if len(parts) > 1 else 0.0
        at = [names.index(one) + offset for one in part[name]]
        low, high = (part[end].fill_null(part[value]).to_numpy() for end in ("ci_lower", "ci_upper"))
        values, color = part[value].to_numpy(), COLORS[number % len(COLORS)]
        axes.hlines(at, low, high, color=color, linewidth=1.4)
        axes.plot(values, at, "o", color=color, markersize=4.5, label=_plain(part[group][0]) if group else None)
    if reference is not None:
        axes.axvline(reference, color=COLORS[7], linestyle=":", linewidth=1)
    axes.set_yticks(range(len(names)), [_plain(one) for one in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(axis)
    if group:
        figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return _image(figure, f"{axis} by {name}")


def lines(frame: pl.DataFrame, *, x: str, y: str, group: str) -> Any:
    """Plot one line per group through the points of the frame, in the order of `x`; the y axis begins at zero."""
    if frame.is_empty():
        return _nothing(f"{y} by {x} and {group}")
    figure, axes = _canvas(8.0, 3.4)
    for number, part in enumerate(frame.sort(x, maintain_order=True).partition_by(group, maintain_order=True)):
        axes.plot(
            part[x], part[y], "o-", color=COLORS[number % len(COLORS)], label=_plain(part[group][0]), linewidth=1.6
        )
    axes.set(xlabel=x, ylabel=y)
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return _image(figure, f"{y} by {x} and {group}")


def bars(frame: pl.DataFrame, *, name: str, value: str, axis: str) -> Any:
    """Plot one bar per row, from top to bottom in the order of the frame; a null has no bar."""
    if frame.is_empty():
        return _nothing(f"{axis} by {name}")
    figure, axes = _canvas(8.0, 0.9 + 0.28 * frame.height)
    axes.barh(range(frame.height), frame[value].cast(pl.Float64).fill_null(np.nan).to_numpy(), color=COLORS[0])
    axes.set_yticks(range(frame.height), [_plain(one) for one in frame[name]])
    axes.set_ylim(frame.height - 0.5, -0.5)
    axes.set_xlabel(axis)
    return _image(figure, f"{axis} by {name}")


def shares_of_work(counts: pl.DataFrame) -> Any:
    """Plot the Lorenz curve: share of messages by share of contributors, contributors with the fewest messages first.

    Args:
        counts: columns n_messages (messages per person) and n_contributors (persons with this number of messages).
    """
    rows = counts.group_by("n_messages").agg(pl.col("n_contributors").sum()).sort("n_messages")
    people, work = rows["n_contributors"].to_numpy(), (rows["n_contributors"] * rows["n_messages"]).to_numpy()
    figure, axes = _canvas(5.0, 4.2)
    axes.plot([0, 1], [0, 1], ":", color=COLORS[7], linewidth=1)
    curve = [np.concatenate([[0.0], np.cumsum(part) / part.sum()]) for part in (people, work)]
    axes.plot(*curve, color=COLORS[0], linewidth=1.8)
    axes.set(xlabel="share of contributors, those with the fewest messages first", ylabel="share of messages")
    return _image(figure, "Share of messages by share of contributors")


def tree(nodes: pl.DataFrame, *, value: str | None = None) -> Any:
    """Draw a conversation tree with its first message at the top; colours are roles, and numbers are ranks.

    Args:
        nodes: rows of `tree_nodes` of one tree. Replies are ordered by rank, then id; a deleted message is hollow.
        value: column of a number to write beside each message, such as the value of a label; a null is not written.
    """
    rows = nodes.sort("depth", pl.col("rank").fill_null(1 << 30), "message_id").to_dicts()
    below: dict[str | None, list[str]] = {}
    for row in rows:
        below.setdefault(row["parent_id"], []).append(row["message_id"])
    x: dict[str, float] = {}
    n_leaves = 0
    waiting = [(one, False) for one in reversed(below[None])]
    while waiting:
        message, is_open = waiting.pop()
        replies = below.get(message, [])
        if not replies:
            x[message] = n_leaves
            n_leaves += 1
        elif is_open:
            x[message] = (x[replies[0]] + x[replies[-1]]) / 2
        else:
            waiting += [(message, True), *((one, False) for one in reversed(replies))]
    depth = {row["message_id"]: row["depth"] for row in rows}
    figure, axes = _canvas(max(5.0, min(12.0, 0.4 * n_leaves)), 1.0 + 0.75 * (1 + max(depth.values())))
    for row in rows:
        at, y = x[row["message_id"]], row["depth"]
        if row["parent_id"] is not None:
            axes.plot([x[row["parent_id"]], at], [y - 1, y], color=COLORS[7], linewidth=0.9, zorder=1)
    for number, role in enumerate(("prompter", "assistant")):
        part = [row for row in rows if row["role"] == role]
        fill = ["white" if row["deleted"] else COLORS[number] for row in part]
        places = ([x[row["message_id"]] for row in part], [row["depth"] for row in part])
        axes.scatter(*places, s=150, c=fill, edgecolors=COLORS[number], label=role, zorder=2)
        for row in part:
            if row["rank"] is not None:
                color = "black" if row["deleted"] else "white"
                style: dict[str, Any] = {"ha": "center", "va": "center_baseline", "fontsize": 8, "color": color}
                axes.text(x[row["message_id"]], row["depth"], str(row["rank"]), zorder=3, **style)
    for row in rows:
        if value is not None and row[value] is not None:
            place = (x[row["message_id"]], row["depth"])
            axes.annotate(f"{row[value]:.2f}", place, (0, -15), textcoords="offset points", ha="center", fontsize=7)
    axes.set(yticks=range(1 + max(depth.values())), ylabel="depth", xticks=[])
    axes.invert_yaxis()
    axes.margins(0.06, 0.12)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return _image(figure, f"A tree of {len(rows)} messages")


def heat_map(
    frame: pl.DataFrame, *, row: str, column: str, value: str, least: float, most: float, diverging: bool = True
) -> Any:
    """A cell per row of the frame, coloured from `least` to `most`; small maps have the numbers written in.

    Colours part in the middle, as for win rates and correlations, or go from light to dark where `diverging` is false.
    Rows and columns of the map are in the order in which the frame has them; a cell without a value stays empty.
    """
    if frame.is_empty():
        return _nothing(f"{value} by {row} and {column}")
    across, down = (frame[key].unique(maintain_order=True).to_list() for key in (column, row))
    values = np.full((len(down), len(across)), np.nan)
    for at, to, number in frame.select(row, column, value).iter_rows():
        values[down.index(at), across.index(to)] = np.nan if number is None else number
    is_small = len(across) <= 12
    side = 0.62 if is_small else 0.2
    figure, axes = _canvas(3.4 + side * len(across), 1.9 + (0.42 if is_small else side) * len(down))
    colors, digits = (_DIVERGING if diverging else _SEQUENTIAL), 0 if frame[value].dtype.is_integer() else 2
    image = axes.imshow(values, cmap=colors, vmin=least, vmax=most, aspect="auto")
    figure.colorbar(image, shrink=0.7)
    small: dict[str, Any] = {"fontsize": 9 if is_small else 7}
    axes.set_xticks(range(len(across)), [_plain(one) for one in across], rotation=50, ha="right", **small)
    axes.set_yticks(range(len(down)), [_plain(one) for one in down], **small)
    if is_small:
        for (i, j), number in np.ndenumerate(values):
            if not np.isnan(number):
                is_dark = sum(colors(image.norm(number))[:3]) < 1.4
                text: dict[str, Any] = {"color": "white" if is_dark else "black", "fontsize": 8}
                axes.text(j, i, f"{number:.{digits}f}", ha="center", va="center", **text)
    return _image(figure, f"{value} by {row} and {column}")


def _nothing(words: str) -> Any:
    """In place of a picture of no rows, as of a table that this lake lacks."""
    from IPython.display import HTML

    return HTML(f"<p>No rows to draw: {escape(words)}.</p>")


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.tick_params(labelsize=9)
    return figure, axes


def _plain(name: object) -> str:
    """Matplotlib would read dollar signs as mathematics."""
    return "none" if name is None else str(name).replace("$", r"\$")


def _image(figure: Figure, words: str) -> Any:
    from IPython.display import Image

    file = BytesIO()
    figure.savefig(file, format="png", dpi=_DOTS_PER_INCH * _SHARPNESS, metadata={"Software": None})
    # Few colours are used, and a palette of them makes the notebook a third as large.
    small = BytesIO()
    Picture.open(file).convert("RGB").quantize(128).save(small, format="png", optimize=True)
    width = round(figure.get_size_inches()[0] * _DOTS_PER_INCH)
    return Image(small.getvalue(), alt=words, width=width)

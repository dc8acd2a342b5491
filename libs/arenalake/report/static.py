"""The report's figures as PNG images and its tables as plain HTML, for notebooks: readers of those run no script."""

from collections.abc import Mapping
from html import escape, unescape
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import PercentFormatter

from arenalake.report.parts import Figure, TableView

_WIDTH = 760
_DOTS_PER_INCH = 80
_DASHES = {"solid": "-", "dot": ":"}


def figure_png(figure: Figure) -> bytes:
    """Draw a figure of the report; equal figures give equal bytes.

    Raises:
        KeyError: the figure has a kind of trace that no page of the report has.
    """
    size = (max(figure.min_width, _WIDTH) / 100, figure.height / 100)
    canvas = Canvas(figsize=size, layout="constrained")
    axes = canvas.add_subplot()
    axes.tick_params(labelsize=8)
    for trace in figure.spec["data"]:
        _DRAW[trace["type"]](axes, trace)
    layout = figure.spec["layout"]
    _set_axis(axes, "x", layout["xaxis"])
    _set_axis(axes, "y", layout["yaxis"])
    for line in layout.get("shapes", []):
        axes.axvline(line["x0"], color=line["line"]["color"], linestyle=":", linewidth=1)
    for word in layout.get("annotations", []):
        place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "fontsize": 8, "va": "center"}
        axes.text(word["x"], word["y"], _text(word["text"]), **place)
    if layout.get("showlegend", len(figure.spec["data"]) > 1):
        canvas.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    file = BytesIO()
    canvas.savefig(file, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return file.getvalue()


def table_html(view: TableView, rows: int) -> str:
    """The first rows of a table; the CSV file of the report has all of them."""
    head = "".join(f"<th>{escape(column.header)}</th>" for column in view.columns)
    shown = view.rows[:rows]
    body = "".join("<tr>" + "".join(f"<td>{escape(cell.text)}</td>" for cell in row) + "</tr>" for row in shown)
    left_out = len(view.frame) - len(shown)
    more = f"<p>{left_out:,} more rows.</p>" if left_out else ""
    return f"<table><caption>{escape(view.caption)}</caption><tr>{head}</tr>{body}</table>{more}"


def _text(label: str) -> str:
    """Names come escaped for Plotly; Matplotlib would read dollar signs as mathematics."""
    return unescape(label).replace("$", r"\$")


def _scatter(axes: Axes, trace: Mapping[str, Any]) -> None:
    name = _text(trace.get("name", ""))
    if "lines" in trace["mode"]:
        shares = [np.nan if value is None else value for value in trace["y"]]
        line, marker = trace["line"], "o" if "markers" in trace["mode"] else ""
        style = {"color": line["color"], "linestyle": _DASHES[line["dash"]], "marker": marker, "markersize": 5}
        axes.plot(trace["x"], shares, linewidth=1.4, label=name, **style)
        return
    error, color = trace["error_x"], trace["marker"]["color"]
    hollow = np.array([symbol == "circle-open" for symbol in trace["marker"]["symbol"]], dtype=bool)
    x, y = np.array(trace["x"], dtype=float), np.array(trace["y"], dtype=float)
    reach = np.array([error["arrayminus"], error["array"]], dtype=float)
    axes.errorbar(x, y, xerr=reach, fmt="none", ecolor=color, elinewidth=1.2)
    axes.scatter(x[~hollow], y[~hollow], s=22, color=color, label=name, zorder=3)
    axes.scatter(x[hollow], y[hollow], s=22, facecolors="white", edgecolors=color, zorder=3)


def _box(axes: Axes, trace: Mapping[str, Any]) -> None:
    y, color = np.array(trace["y"], dtype=float), trace["marker"]["color"]
    low, q1, median, q3, high = (
        np.array(trace[name], dtype=float) for name in ("lowerfence", "q1", "median", "q3", "upperfence")
    )
    half = trace["width"] / 2
    axes.hlines(y, low, high, color=color, linewidth=1)
    axes.barh(y, q3 - q1, 2 * half, left=q1, facecolor="white", edgecolor=color, label=_text(trace["name"]))
    axes.vlines(median, y - half, y + half, color=color, linewidth=2)


def _heat_map(axes: Axes, trace: Mapping[str, Any]) -> None:
    values = np.array(trace["z"], dtype=float)
    colors = LinearSegmentedColormap.from_list("scale", list(trace["colorscale"]))
    image = axes.imshow(values, cmap=colors, vmin=trace["zmin"], vmax=trace.get("zmax"), aspect="auto")
    axes.figure.colorbar(image, shrink=0.6, format=PercentFormatter(1) if "zmax" in trace else None)
    if "texttemplate" in trace:
        template = trace["texttemplate"].replace("%{z", "{z")
        for (i, j), value in np.ndenumerate(values):
            if not np.isnan(value):
                shade = sum(image.cmap(image.norm(value))[:3])
                text = template.format(z=value if "zmax" in trace else int(value))
                axes.text(j, i, text, ha="center", va="center", fontsize=8, color="black" if shade > 1.4 else "white")


def _bars(axes: Axes, trace: Mapping[str, Any]) -> None:
    axes.bar(np.array(trace["x"], dtype="datetime64[D]"), trace["y"], color=trace["marker"]["color"])


_DRAW = {"scatter": _scatter, "box": _box, "heatmap": _heat_map, "bar": _bars}


def _set_axis(axes: Axes, name: str, layout: Mapping[str, Any]) -> None:
    axis = axes.xaxis if name == "x" else axes.yaxis
    limit = axes.set_xlim if name == "x" else axes.set_ylim
    logarithmic = layout.get("type") == "log"
    if logarithmic:
        (axes.set_xscale if name == "x" else axes.set_yscale)("log")
    if "title" in layout:
        axis.set_label_text(layout["title"]["text"], fontsize=9)
    if layout.get("tickformat", "").endswith("%"):
        axis.set_major_formatter(PercentFormatter(1))
    if "tickvals" in layout:
        labels = [_text(label) for label in layout["ticktext"]]
        slanted: dict[str, Any] = (
            {"rotation": 60, "ha": "left", "rotation_mode": "anchor"} if layout.get("tickangle") else {}
        )
        axis.set_ticks(layout["tickvals"], labels, **slanted)
    if layout.get("side") == "top":
        axes.xaxis.tick_top()
    if "range" in layout:
        limit(*(10**end for end in layout["range"]) if logarithmic else layout["range"])
    elif layout.get("rangemode") == "tozero":
        limit(0)

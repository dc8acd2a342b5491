"""Plotly figures as plain data. Labels are cut to a length and escaped, since Plotly reads HTML in them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from arenalake.report.parts import Figure, percent, short

# Each has a contrast of 3:1 or more to a light and to a dark page.
COLORS = (
    "#2f7fc1",
    "#d97b1f",
    "#3a9d5d",
    "#c0504d",
    "#8b6fc0",
    "#9a6b4b",
    "#d16ba5",
    "#7f8a93",
    "#998c1c",
    "#2798a7",
    "#5b6abf",
    "#6f9c2e",
)
# Blue wins, orange loses; the middle is neutral on both pages.
_DIVERGING = ((0.0, "#b35806"), (0.25, "#f1a340"), (0.5, "#e8e8e8"), (0.75, "#67a9cf"), (1.0, "#2166ac"))
_SEQUENTIAL = ((0.0, "#e3eef6"), (0.5, "#5b9bc8"), (1.0, "#0b3c66"))
_ROW = 20
_LABEL = 24


# The value, and the lower and the upper end.
Interval = tuple[float, float | None, float | None]
Hidden = Literal["hidden"]


def label(name: str | None) -> str:
    """A name as Plotly may show it: cut to a length, then escaped."""
    return _escaped(short("none" if name is None else name, _LABEL))


def _escaped(text: str) -> str:
    # Plotly shows an escaped quotation mark as it is written, and without < there is no tag for one to break.
    return escape(text, quote=False)


def hover(name: str | None) -> str:
    """A name as plots show it under the pointer."""
    return _escaped(short("none" if name is None else name, 120))


def intervals_by_name(
    *,
    caption: str,
    words: str,
    axis: str,
    names: Sequence[str | None],
    groups: Mapping[str, Sequence[Interval | Hidden | None]],
    as_percent: bool = False,
    reference: float | None = None,
    interval_name: str = "95 % interval",
    digits: int = 1,
) -> Figure:
    """Points with intervals, one row per name from the top, one colour per group.

    A point with a null bound is hollow, and its whisker goes to the edge of all others. Where a point is hidden, the
    word stands at the left end of its row.
    """
    data = []
    shown = [point for points in groups.values() for point in points if point and point != "hidden"]
    ends = [end for point in shown for end in point if end is not None]
    for number, (group, points) in enumerate(groups.items()):
        offset = 0.0 if len(groups) == 1 else 0.36 * (number / (len(groups) - 1) - 0.5)
        rows = [
            (i, name, point)
            for i, (name, point) in enumerate(zip(names, points, strict=True))
            if point and point != "hidden"
        ]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": _escaped(group),
                "x": [point[0] for _, _, point in rows],
                "y": [i + offset for i, _, _ in rows],
                "text": [
                    f"<b>{hover(name)}</b><br>{_interval_words(point, as_percent, interval_name, digits)}"
                    for _, name, point in rows
                ],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {
                    "color": COLORS[number % len(COLORS)],
                    "size": 7,
                    "symbol": ["circle-open" if None in point else "circle" for _, _, point in rows],
                },
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [(max(ends) if p[2] is None else p[2]) - p[0] for _, _, p in rows],
                    "arrayminus": [p[0] - (min(ends) if p[1] is None else p[1]) for _, _, p in rows],
                    "thickness": 1.5,
                    "width": 0,
                },
            }
        )
    layout = _rows_layout(names, axis, len(groups), as_percent)
    if reference is not None:
        layout["shapes"] = [_vertical_line(reference)]
    if hidden := _hidden_words(groups):
        layout["annotations"] = hidden
    return Figure(caption, words, {"data": data, "layout": layout}, _height(names, len(groups)))


@dataclass(frozen=True)
class Pick:
    """Something that readers choose for a figure: the options of a select, of which one is chosen at first."""

    label: str
    options: Sequence[str]
    chosen: int = 0


Point = tuple[float, float | None, float | None]
# Digits of what stands in a page only to be chosen.
_CHOSEN_DIGITS = 4


def chosen_intervals(
    *,
    caption: str,
    words: str,
    axis: str,
    names: Sequence[str],
    picks: Sequence[Pick],
    traces: Sequence[Sequence[int]],
    points: Any,
    as_percent: bool = False,
    reference: float | None = None,
    digits: int = 3,
) -> Figure:
    """Points with intervals of which readers choose what they are of; rows are in the order of the first trace.

    Args:
        picks: selects above the figure.
        traces: for each trace the numbers of the selects that say what it shows; the last one names it.
        points: one list in another, in the order of a trace's selects, and for each name a point or None; None where
            there is nothing to show.
    """
    found = [_of_options(points, [picks[number].chosen for number in numbers]) for numbers in traces]
    first = found[0] or [None] * len(names)
    order = sorted(range(len(names)), key=lambda i: (first[i] is None, -(first[i] or [0])[0]))
    figure = intervals_by_name(
        caption=caption,
        words=words,
        axis=axis,
        names=[names[i] for i in order],
        # Traces may be of the same name.
        groups={
            f"{number}": [None if of_trace is None else of_trace[i] for i in order]
            for number, of_trace in enumerate(found)
        },
        as_percent=as_percent,
        reference=reference,
        digits=digits,
    )
    for trace, numbers in zip(figure.spec["data"], traces, strict=True):
        pick = picks[numbers[-1]]
        trace["name"] = hover(pick.options[pick.chosen])
    figure.spec["choice"] = _choice(picks, traces, points) | {
        "names": [[label(name), hover(name)] for name in names],
        "options": [[hover(option) for option in pick.options] for pick in picks],
        "percent": as_percent,
        "digits": digits,
    }
    return figure


def chosen_heat_map(
    *,
    caption: str,
    words: str,
    names: Sequence[str],
    pick: Pick,
    values: Sequence[Sequence[Sequence[float | None]]],
    rates: bool,
) -> Figure:
    """A square of names by names for each option: rates from 0 to 1, or numbers from -1 to 1."""
    texts = [[f"{hover(a)} and {hover(b)}" for b in names] for a in names]
    figure = heat_map(
        caption=caption,
        words=words,
        names=names,
        values=values[pick.chosen],
        texts=texts,
        rates=rates,
        signed=not rates,
    )
    figure.spec["data"][0]["hovertemplate"] = f"%{{text}}: %{{z:{'.1%' if rates else '.2f'}}}<extra></extra>"
    figure.spec["choice"] = _choice([pick], [[0]], values)
    return figure


def _choice(picks: Sequence[Pick], traces: Sequence[Sequence[int]], values: Any) -> dict[str, Any]:
    return {
        "picks": [
            {"label": pick.label, "options": [short(option, 60) for option in pick.options], "chosen": pick.chosen}
            for pick in picks
        ],
        "traces": [list(numbers) for numbers in traces],
        "values": _rounded(values),
    }


def _of_options(values: Any, places: Sequence[int]) -> Any:
    for place in places:
        values = None if values is None else values[place]
    return values


def _rounded(values: Any) -> Any:
    if isinstance(values, list | tuple):
        return [_rounded(value) for value in values]
    return None if values is None else round(float(values), _CHOSEN_DIGITS)


def boxes_by_name(
    *,
    caption: str,
    words: str,
    axis: str,
    names: Sequence[str | None],
    groups: Mapping[str, Sequence[Mapping[str, Any] | None]],
) -> Figure:
    """Boxes from quantiles: 25 to 75 % with the median, whiskers from 5 to 95 %; one row per name from the top."""
    data = []
    for number, (group, rows) in enumerate(groups.items()):
        offset = 0.0 if len(groups) == 1 else 0.4 * (number / (len(groups) - 1) - 0.5)
        shown = [(i, row) for i, row in enumerate(rows) if row is not None]
        data.append(
            {
                "type": "box",
                "orientation": "h",
                "name": _escaped(group),
                "y": [i + offset for i, _ in shown],
                "lowerfence": [row["p5"] for _, row in shown],
                "q1": [row["p25"] for _, row in shown],
                "median": [row["p50"] for _, row in shown],
                "q3": [row["p75"] for _, row in shown],
                "upperfence": [row["p95"] for _, row in shown],
                "width": 0.3 if len(groups) > 1 else 0.5,
                "marker": {"color": COLORS[number % len(COLORS)]},
                "line": {"width": 1.5},
                "hoverinfo": "x",
            }
        )
    layout = _rows_layout(names, axis, len(groups), as_percent=False)
    layout["xaxis"]["rangemode"] = "tozero"
    return Figure(caption, words, {"data": data, "layout": layout}, _height(names, len(groups)))


def heat_map(
    *,
    caption: str,
    words: str,
    names: Sequence[str],
    values: Sequence[Sequence[float | None]],
    texts: Sequence[Sequence[str]],
    rates: bool,
    signed: bool = False,
) -> Figure:
    """A square of names by names: rates from 0 to 1, numbers from -1 to 1 if `signed`, else counts.

    Cells without a value stay empty; small squares have the values written in.
    """
    n = len(names)
    side = 46 if n <= 12 else 13
    bar = {"thickness": 10, "outlinewidth": 0, "len": 0.6}
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": values,
        "x": list(range(n)),
        "y": list(range(n)),
        "text": texts,
        "hovertemplate": "%{text}<extra></extra>",
        "hoverongaps": False,
        "xgap": 1,
        "ygap": 1,
    }
    if rates:
        trace |= {"zmin": 0, "zmax": 1, "colorscale": _DIVERGING, "colorbar": bar | {"tickformat": ".0%"}}
    elif signed:
        trace |= {"zmin": -1, "zmax": 1, "colorscale": _DIVERGING, "colorbar": bar}
    else:
        trace |= {"zmin": 0, "colorscale": _SEQUENTIAL, "colorbar": bar}
    if n <= 12:
        trace |= {"texttemplate": "%{z:.0%}" if rates else "%{z:.2f}" if signed else "%{z}"}
    ticks = {
        "tickvals": list(range(n)),
        "ticktext": [label(name) for name in names],
        "tickfont": {"size": 12 if n <= 30 else 9},
        "ticks": "",
        "showgrid": False,
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
    }
    layout = {
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "xaxis": ticks | {"side": "top", "tickangle": -60, "range": [-0.5, n - 0.5]},
        "yaxis": ticks | {"range": [n - 0.5, -0.5]},
    }
    height = 190 + max(side, 14) * n
    return Figure(caption, words, {"data": [trace], "layout": layout}, height, min_width=240 + side * n)


def calibration(*, caption: str, words: str, points: Sequence[tuple[float, float, str]]) -> Figure:
    """Observed against predicted shares, with the line on which they would be equal; a point has words of its own."""
    low = min(0.5, *(y for _, y, _ in points)) - 0.02
    axis = {"range": [low, 1.02], "tickformat": ".0%", "automargin": True, "zeroline": False, "fixedrange": True}
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [low, 1.02],
            "y": [low, 1.02],
            "line": {"color": COLORS[7], "width": 1, "dash": "dot"},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": [x for x, _, _ in points],
            "y": [y for _, y, _ in points],
            "text": [text for _, _, text in points],
            "hovertemplate": "%{text}<extra></extra>",
            "line": {"color": COLORS[0], "width": 1.5, "dash": "solid"},
            "marker": {"size": 8},
        },
    ]
    layout = {
        "margin": {"l": 10, "r": 16, "t": 10, "b": 10},
        "xaxis": axis | {"title": {"text": "predicted"}},
        "yaxis": axis | {"title": {"text": "observed"}},
        "showlegend": False,
    }
    return Figure(caption, words, {"data": data, "layout": layout}, 360)


def points(
    *,
    caption: str,
    words: str,
    x_axis: str,
    y_axis: str,
    points: Sequence[tuple[float, float, str]],
    named: bool,
) -> Figure:
    """A point for each name at two numbers; the names stand beside them, or are told where the pointer is."""
    axis = {"automargin": True, "zeroline": False, "fixedrange": True}
    names = [label(name) for _, _, name in points]
    data = [
        {
            "type": "scatter",
            "mode": "markers+text" if named else "markers",
            "x": [x for x, _, _ in points],
            "y": [y for _, y, _ in points],
            "text": names,
            "textposition": "top center",
            "hovertemplate": f"%{{text}}<br>{x_axis} %{{x}}, {y_axis} %{{y:.0f}}<extra></extra>",
            "marker": {"color": COLORS[0], "size": 8},
        }
    ]
    layout = {
        "margin": {"l": 10, "r": 16, "t": 24, "b": 10},
        "xaxis": axis | {"title": {"text": x_axis}},
        "yaxis": axis | {"title": {"text": y_axis}},
        "showlegend": False,
    }
    return Figure(caption, words, {"data": data, "layout": layout}, 420)


def days(*, caption: str, words: str, dates: Sequence[str], counts: Sequence[int], unit: str = "battles") -> Figure:
    """Bars of how many there are on each day."""
    data = [
        {
            "type": "bar",
            "x": list(dates),
            "y": list(counts),
            "marker": {"color": COLORS[0]},
            "hovertemplate": f"%{{x}}: %{{y:,}} {unit}<extra></extra>",
        }
    ]
    layout = {
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        # Dates as they are: Plotly would take them for moments of the reader's time zone otherwise.
        "xaxis": {"type": "date", "automargin": True, "fixedrange": True},
        "yaxis": {"title": {"text": unit}, "rangemode": "tozero", "automargin": True, "fixedrange": True},
        "bargap": 0.1,
    }
    return Figure(caption, words, {"data": data, "layout": layout}, 280)


def bars(*, caption: str, words: str, axis: str, names: Sequence[str | None], counts: Sequence[int]) -> Figure:
    """A bar for each name, one row per name from the top."""
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "x": list(counts),
            "y": list(range(len(names))),
            "text": [f"{hover(name)}: {count:,}" for name, count in zip(names, counts, strict=True)],
            "textposition": "none",
            "hovertemplate": "%{text}<extra></extra>",
            "marker": {"color": COLORS[0]},
        }
    ]
    layout = _rows_layout(names, axis, 1, as_percent=False)
    layout["xaxis"]["rangemode"] = "tozero"
    return Figure(caption, words, {"data": data, "layout": layout}, _height(names, 1))


def tree(
    *,
    caption: str,
    words: str,
    parents: Sequence[int | None],
    groups: Sequence[str],
    marks: Sequence[str],
    texts: Sequence[str],
) -> Figure:
    """A tree, its root at the top: nodes are coloured by group, marked, and have words of their own.

    Args:
        parents: the place of each node's parent, which comes before it; replies to a node are drawn in this order.
        groups: what the colour of each node says.
        marks: what is written into each node.
        texts: under the pointer; they may have several lines.
    """
    n = len(parents)
    children: list[list[int]] = [[] for _ in range(n)]
    depth = [0] * n
    for place, parent in enumerate(parents):
        if parent is not None:
            children[parent].append(place)
            depth[place] = depth[parent] + 1
    leaves = [place for place in range(n) if not children[place]]
    x = [0.0] * n
    for number, place in enumerate(leaves):
        x[place] = float(number)
    for place in reversed(range(n)):
        if children[place]:
            x[place] = (x[children[place][0]] + x[children[place][-1]]) / 2
    edges = [(parent, place) for place, parent in enumerate(parents) if parent is not None]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            # A null between two lines parts them.
            "x": [end for a, b in edges for end in (x[a], x[b], None)],
            "y": [end for a, b in edges for end in (depth[a], depth[b], None)],
            "line": {"color": COLORS[7], "width": 1, "dash": "solid"},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
    for number, group in enumerate(dict.fromkeys(groups)):
        places = [place for place in range(n) if groups[place] == group]
        data.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": label(group),
                "x": [x[place] for place in places],
                "y": [depth[place] for place in places],
                "text": [_escaped(marks[place]) for place in places],
                "textfont": {"color": "#fff", "size": 10},
                "hovertext": [_escaped(texts[place]).replace("\n", "<br>") for place in places],
                "hovertemplate": "%{hovertext}<extra></extra>",
                "marker": {"size": 18, "color": COLORS[number % len(COLORS)]},
            }
        )
    hidden = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True}
    layout = {
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "xaxis": hidden | {"range": [-0.7, len(leaves) - 0.3]},
        "yaxis": hidden | {"range": [max(depth) + 0.5, -0.5]},
        "legend": {"orientation": "h"},
    }
    return Figure(
        caption, words, {"data": data, "layout": layout}, 110 + 60 * max(depth), min_width=60 + 26 * len(leaves)
    )


def curves(
    *,
    caption: str,
    words: str,
    x_axis: str,
    y_axis: str,
    lines: Mapping[str, Sequence[tuple[float, float | None]]],
) -> Figure:
    """Lines on logarithmic axes; a null leaves a gap, and zero has no place on such an axis."""
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": _escaped(name),
            "x": [x for x, _ in points],
            "y": [y if y else None for _, y in points],
            "line": {"color": COLORS[number % len(COLORS)], "width": 1.8, "dash": "solid" if number < 6 else "dot"},
            "hovertemplate": f"{_escaped(name)}: %{{y:.3%}} at or above %{{x:.2g}}<extra></extra>",
        }
        for number, (name, points) in enumerate(lines.items())
    ]
    shown = [math.log10(y) for points in lines.values() for _, y in points if y]
    layout = {
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "xaxis": _log_axis(x_axis) | {"exponentformat": "power", "dtick": 3},
        "yaxis": _log_axis(y_axis) | {"tickformat": "~%", "dtick": 1, "range": [min(shown, default=-1) - 0.1, 0.05]},
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
        "hovermode": "closest",
    }
    return Figure(caption, words, {"data": data, "layout": layout}, 520)


def over_time(*, caption: str, words: str, lines: Mapping[str, Sequence[tuple[str, float | None]]]) -> Figure:
    """Ratings by month; a null leaves a gap."""
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": label(name),
            "x": [x for x, _ in points],
            "y": [y for _, y in points],
            "text": [f"<b>{hover(name)}</b><br>{x}: {y:.0f}" if y is not None else "" for x, y in points],
            "hovertemplate": "%{text}<extra></extra>",
            "line": {"color": COLORS[number % len(COLORS)], "width": 1.8, "dash": "solid" if number < 6 else "dot"},
            "marker": {"size": 6},
        }
        for number, (name, points) in enumerate(lines.items())
    ]
    axis = {"automargin": True, "fixedrange": True, "zeroline": False}
    layout = {
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "xaxis": {"type": "category", **axis},
        "yaxis": {"title": {"text": "rating"}, **axis},
        "showlegend": True,
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
    }
    return Figure(caption, words, {"data": data, "layout": layout}, 460)


def spreads(
    *, caption: str, words: str, x_axis: str, y_axis: str, lines: Mapping[str, Sequence[tuple[float, float]]]
) -> Figure:
    """How shares are spread over a number: lines that end at zero on both sides."""
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": label(name),
            "x": [x for x, _ in points],
            "y": [y for _, y in points],
            "line": {"color": COLORS[number % len(COLORS)], "width": 1.8, "dash": "solid"},
        }
        for number, (name, points) in enumerate(lines.items())
    ]
    axis = {"automargin": True, "fixedrange": True}
    layout = {
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "xaxis": {"title": {"text": x_axis}, "zeroline": False, **axis},
        "yaxis": {"title": {"text": y_axis}, "tickformat": "~%", "rangemode": "tozero", **axis},
        "showlegend": True,
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
    }
    return Figure(caption, words, {"data": data, "layout": layout}, 420)


def _log_axis(title: str) -> dict[str, Any]:
    return {"type": "log", "title": {"text": title}, "automargin": True, "fixedrange": True}


def _rows_layout(names: Sequence[str | None], axis: str, n_groups: int, as_percent: bool) -> dict[str, Any]:
    return {
        "margin": {"l": 10, "r": 16, "t": 34 if n_groups > 1 else 8, "b": 10},
        "xaxis": {
            "title": {"text": axis},
            "automargin": True,
            "zeroline": False,
            "fixedrange": True,
            **({"tickformat": "~%"} if as_percent else {}),
        },
        # Rows have numbers: two long names may look the same once they are cut.
        "yaxis": {
            "tickvals": list(range(len(names))),
            "ticktext": [label(name) for name in names],
            "range": [len(names) - 0.4, -0.6],
            "automargin": True,
            "zeroline": False,
            "fixedrange": True,
        },
        "showlegend": n_groups > 1,
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0},
    }


def _height(names: Sequence[str | None], n_groups: int) -> int:
    return 90 + (34 if n_groups > 1 else 0) + int(_ROW * (1 + 0.3 * (n_groups - 1)) * max(len(names), 2))


def _interval_words(point: Interval, as_percent: bool, interval_name: str, digits: int) -> str:
    def shown(value: float | None) -> str:
        if value is None:
            return "unbounded"
        return percent(value, 2) if as_percent else f"{value:.{digits}f}"

    return f"{shown(point[0])}, {interval_name} {shown(point[1])} to {shown(point[2])}"


def _hidden_words(groups: Mapping[str, Sequence[Interval | Hidden | None]]) -> list[dict[str, Any]]:
    """A word at the left end of each row in which a group is hidden, with its name if others are not."""
    words = []
    for row, points in enumerate(zip(*groups.values(), strict=True)):
        hidden = [group for group, point in zip(groups, points, strict=True) if point == "hidden"]
        if hidden:
            text = "hidden" if len(hidden) == len(groups) else f"hidden: {_escaped(', '.join(hidden))}"
            place = {"x": 0, "xref": "paper", "xanchor": "left", "y": row, "yref": "y"}
            words.append({"text": text, "showarrow": False, "font": {"size": 10}, **place})
    return words


def _vertical_line(x: float) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": x,
        "x1": x,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "layer": "below",
        "line": {"color": "#7f8a93", "width": 1, "dash": "dot"},
    }

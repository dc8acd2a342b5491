"""The result of `rate`: frames, a printed leaderboard, a plot."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import pandas as pd

from arenalake.alike import look_alike_lines
from arenalake.errors import CallerError, VotesError
from arenalake.hints import did_you_mean
from arenalake.plurals import counted
from arenalake.ratings.board import leaderboard_lines

_KEYS = {"slice": "object", "method": "object", "unit": "object"}
# The columns of the tables of the same names but for `source`, with types that know a missing value.
RATING_COLUMNS = {
    **_KEYS,
    "interval": "object",
    "model": "object",
    **dict.fromkeys(["rating", "se", "ci_lower", "ci_upper", "p5", "p50", "p95"], "float64"),
    **dict.fromkeys(["rank", "rank_ub", "rank_lower", "rank_upper", "component"], "Int32"),
    "n_battles": "int64",
    "n_rounds": "Int32",
    "note": "object",
}
REPLICATE_COLUMNS = {**_KEYS, "round": "int32", "model": "object", "rating": "float64"}
PAIR_COLUMNS = {
    **_KEYS,
    **dict.fromkeys(["model_a", "model_b"], "object"),
    **dict.fromkeys(["n_above", "n_below", "n_rounds"], "int32"),
    **dict.fromkeys(["probability_above", "predicted_win_rate"], "float64"),
    "n_battles": "int64",
    **dict.fromkeys(["observed_win_rate", "residual"], "float64"),
}
# Models of a leaderboard that a repr shows.
_SHOWN = 20


@dataclass(frozen=True)
class Frames:
    """The tables of a result: `ratings` and `slices`, and what makes the others when somebody asks."""

    ratings: pd.DataFrame
    slices: pd.DataFrame
    make_replicates: Callable[[], pd.DataFrame]
    make_pairs: Callable[[], pd.DataFrame]


def typed(parts: Sequence[pd.DataFrame], columns: Mapping[str, str]) -> pd.DataFrame:
    """One frame with the given columns and types."""
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    # Frames of nothing but nulls have no say in the types.
    return pd.concat([part.reindex(columns=list(columns)).astype(dict(columns)) for part in parts], ignore_index=True)


def sort_rows(frame: pd.DataFrame, slices: Sequence[str], methods: Sequence[str], keys: Sequence[str]) -> pd.DataFrame:
    """Rows by slice and method in the given orders, then by `keys`."""
    places = {"slice": {name: at for at, name in enumerate(slices)}, "method": {m: at for at, m in enumerate(methods)}}
    sort_by = {f"_{name}": frame[name].map(place) for name, place in places.items()}
    ordered = frame.assign(**sort_by).sort_values([*sort_by, *keys], ignore_index=True)
    return ordered.drop(columns=list(sort_by))


class Ratings:
    """Ratings with intervals, ranks and bootstrap rounds.

    The frames are from the same package as the votes (pandas, polars or pyarrow; otherwise pandas). Their columns are
    those of the tables `ratings`, `rating_replicates`, `rating_pairs` and `rating_slices`, without `source`. A missing
    value is null (NaN in pandas); an infinite rating of a round stays infinite.
    """

    def __init__(self, frames: Frames, *, kind: str, methods: Sequence[str], n_votes: int, n_models: int) -> None:
        self._frames, self._kind, self._methods = frames, kind, tuple(methods)
        self._n_votes, self._n_models = n_votes, n_models

    @cached_property
    def ratings(self) -> Any:
        """One row per slice, method, interval and model: rating, se, ci_lower, ci_upper, ranks, note."""
        return self._given(self._frames.ratings)

    @cached_property
    def replicates(self) -> Any:
        """One row per slice, method, bootstrap round and model."""
        return self._given(self._frames.make_replicates())

    @cached_property
    def pairs(self) -> Any:
        """One row per slice, method and pair of comparable models: who is above, predicted and observed win rates."""
        return self._given(self._frames.make_pairs())

    @cached_property
    def slices(self) -> Any:
        """One row per slice: its votes, and whether they were enough to be rated."""
        return self._given(self._frames.slices)

    def leaderboard(self, *, slice: str = "all", method: str | None = None) -> Any:
        """The rows of `ratings` with percentile intervals of one slice and method, best model first.

        Raises:
            VotesError: the slice or the method was not rated.
        """
        return self._given(self._board(slice, method))

    def plot(self, *, slice: str = "all", method: str | None = None) -> Any:
        """A plotly figure: ratings with 95 % intervals, best model first; a hollow point has an unbounded interval.

        Raises:
            VotesError: the slice or the method was not rated.
            CallerError: plotly is not installed.
        """
        try:
            from plotly.graph_objects import Figure
        except ImportError:
            raise CallerError("plot: plotly is not installed; pip install 'arenalake[report]'") from None
        from arenalake.report.figures import intervals_by_name

        board = self._board(slice, method).dropna(subset=["rating"])
        title = f"{board['method'].iloc[0]}, {slice}" if len(board) else f"{slice}: no model has a rating"
        points = [
            (rating, None if pd.isna(lower) else lower, None if pd.isna(upper) else upper)
            for rating, lower, upper in board[["rating", "ci_lower", "ci_upper"]].itertuples(index=False)
        ]
        drawn = intervals_by_name(
            caption=title, words=title, axis="rating", names=board["model"].tolist(), groups={"rating": points}
        )
        figure = Figure(drawn.spec)
        figure.update_layout(title={"text": escape(title, quote=False)}, height=drawn.height + 60, margin={"t": 50})
        return figure

    def text(self, *, top: int | None = None) -> str:
        """Leaderboards of all votes by each method as text, and a line about the slices.

        Args:
            top: number of models to show per leaderboard; None shows all.
        """
        lines = [self._title()]
        for method in self._methods:
            board = self._board("all", method)
            lines += ["", *leaderboard_lines("all", board.head(top) if top else board)]
            lines += [f"… and {len(board) - top:,} more"] if top and len(board) > top else []
        return "\n".join([*lines, *self._last_lines()])

    def __repr__(self) -> str:
        return self.text(top=_SHOWN)

    def _repr_html_(self) -> str:
        parts = [f"<p>{escape(self._title())}</p>"]
        for method in self._methods:
            board = self._board("all", method)
            shown = board.head(_SHOWN)[["rank", "model", "rating", "ci_lower", "ci_upper", "n_battles", "note"]]
            digits = 3 if method == "win_rate" else 1
            table = shown.to_html(index=False, na_rep="", float_format=f"{{:.{digits}f}}".format, border=0)
            more = f"<p>… and {len(board) - _SHOWN:,} more</p>" if len(board) > _SHOWN else ""
            parts.append(f"<h4>{escape(method)}</h4>{table}{more}")
        return "".join([*parts, *(f"<p>{escape(line)}</p>" for line in self._last_lines() if line)])

    def _title(self) -> str:
        return f"{counted(self._n_votes, 'vote')} on {counted(self._n_models, 'model')}"

    def _last_lines(self) -> list[str]:
        board = self._board("all", None)
        alike = look_alike_lines("votes", "model", dict(zip(board["model"], board["n_battles"], strict=True)))
        return [*self._slice_lines(), *(["", *alike] if alike else [])]

    def _slice_lines(self) -> list[str]:
        slices = self._frames.slices
        others = slices[slices["slice"] != "all"]
        if others.empty:
            return []
        rated, small = (
            [f"{row.slice} ({row.n_battles:,})" for row in others[others["rated"] == is_rated].itertuples()]
            for is_rated in (True, False)
        )
        lines = ["", f"slices with ratings (votes): {', '.join(rated) or 'none'}"]
        least = slices["min_battles"].iloc[0]
        return lines + ([f"slices with fewer than {least:,} votes, not rated: {', '.join(small)}"] if small else [])

    def _board(self, slice: str, method: str | None) -> pd.DataFrame:
        method = method or self._methods[0]
        rated = self._frames.slices.query("rated")["slice"].tolist()
        for name, wanted, known in (("method", method, list(self._methods)), ("slice", slice, rated)):
            if wanted not in known:
                raise VotesError(
                    f"{name}: {wanted!r} was not rated{did_you_mean(wanted, known)}; rated: {', '.join(known)}"
                )
        every = self._frames.ratings
        rows = every[(every["slice"] == slice) & (every["method"] == method) & (every["interval"] == "percentile")]
        block = rows["component"].where(rows["rating"].notna())  # what has no rating comes last
        ordered = rows.assign(_block=block).sort_values(["_block", "rank", "model"], na_position="last")
        return ordered.drop(columns="_block").reset_index(drop=True)

    def _given(self, frame: pd.DataFrame) -> Any:
        if self._kind == "polars":
            import polars as pl

            return pl.from_pandas(frame, nan_to_null=True)
        if self._kind == "pyarrow":
            import pyarrow as pa

            return pa.Table.from_pandas(frame, preserve_index=False)
        return frame

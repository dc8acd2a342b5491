"""How far judges agree: functions of votes counted by item."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl
from threadpoolctl import threadpool_limits

from arenalake.judges.counts import ITEM, SAME, SCORE_UNIT
from arenalake.judges.tables import AGREEMENT_STATS
from arenalake.numbers import agreement as measure
from arenalake.numbers.agreement import Floats
from arenalake.numbers.resampling import draw_units, percentile_interval

Ints = npt.NDArray[np.int64]
# How often each of so many questions is drawn in each round.
Draw = Callable[[int], npt.NDArray[np.uint8]]

_TIE = 1
# Rows of pairs of groups on items that are summed up at once.
_ROWS = 200_000
# Questions of a cell that are added up at once in all rounds.
_QUESTIONS = 20_000
# Doubles that the rounds of some cells take up.
_ROUNDS_HELD = 8_000_000


@dataclass(frozen=True)
class AgreementRules:
    """What changes the numbers of `agreement_stats`.

    Attributes:
        groupings: what agreement is looked at by: `all`, or columns joined by commas.
        rounds, seed: of the bootstrap over questions.
        min_questions: with fewer a row is no basis for inference.
    """

    groupings: Sequence[str] = ("all",)
    rounds: int = 1000
    seed: int = 0
    min_questions: int = 30

    @property
    def draw(self) -> Draw:
        """Resamples of questions, of which the last few are kept."""
        return lru_cache(maxsize=2)(lambda n_questions: draw_units(n_questions, self.seed, self.rounds))


def summarise_agreement(items: pl.DataFrame, *, rules: AgreementRules) -> pl.DataFrame:
    """Agreement of each two groups on items that both judged, and within each group.

    Pairs of votes are of different judges.

    Args:
        items: as `count_items` gives them by group.
        rules: groupings and bootstrap.

    Returns:
        `agreement_stats` without the rankings. A pair without a shared item has no row.
    """
    parts = [AGREEMENT_STATS.no_rows]
    # The products are small: threads would wait for each other.
    with threadpool_limits(limits=1, user_api="blas"):
        for _, of_source in items.sort(*ITEM, "judge", nulls_last=True).group_by("source", maintain_order=True):
            parts += _of_source(of_source, rules)
    return pl.concat(parts)


def summarise_pairs(pairs: pl.DataFrame, *, rules: AgreementRules) -> pl.DataFrame:
    """Agreement of each two single judges, all of whose shared items are here.

    Args:
        pairs: as `pair_judges` gives them, in any order.
        rules: groupings and bootstrap. Questions are drawn from those that the two share; with fewer than
            `min_questions` there are no intervals, since most pairs of many judges share next to nothing.

    Returns:
        Rows of `agreement_stats`.
    """
    judges = {f"judge_{side}": pl.col(side).struct.field("judge") for side in "ab"}
    ordered = pairs.with_columns(**judges).sort("source", *judges, *ITEM[1:], nulls_last=True)
    first, second = (ordered.select(*ITEM, "category", pl.col(side).struct.unnest()) for side in "ab")
    rows = _shared(first, second)
    if not len(rows):
        return AGREEMENT_STATS.no_rows
    about = ordered[rows].select(
        "source",
        *judges,
        *("turn", "category", "model_a", "model_b"),
        pl.col("question_id").rank("dense").over("source", *judges).cast(pl.Int64).alias("question") - 1,
        pl.col("question_id").n_unique().over("source", *judges).cast(pl.Int64).alias("n_drawn_from"),
    )
    parts, sums, draw = [AGREEMENT_STATS.no_rows], _sums(first[rows], second[rows]), rules.draw
    with threadpool_limits(limits=1, user_api="blas"):
        for grouping in rules.groupings:
            parts += _of_grouping(about, sums, grouping, draw, "judge", rules)
    return pl.concat(parts)


def _of_source(items: pl.DataFrame, rules: AgreementRules) -> Iterator[pl.DataFrame]:
    """Frames of all columns; `items` are in the order of the key."""
    items = items.with_columns(
        pl.struct(ITEM).rle_id().alias("item"),
        pl.col("question_id").rle_id().cast(pl.Int64).alias("question"),
        pl.col("judge").rank("dense").cast(pl.Int64).alias("group"),
    )
    # What one source says of an item's category holds for those that are matched with it.
    items = items.with_columns(pl.col("category").max().over("item"))
    draw, n_drawn_from = rules.draw, int(items["question"].max()) + 1  # type: ignore[arg-type]
    sides = items.with_row_index("row").select("item", "row", "group")
    pairs = sides.join(sides, on="item").filter(pl.col("group") <= pl.col("group_right"))
    pairs = pairs.with_columns(pl.struct("group", "group_right").rank("dense").cast(pl.Int64).alias("pair")).sort(
        "pair", "row", "row_right"
    )
    for some in _chunks(pairs, "pair", _ROWS):
        first, second = (items[some[name]] for name in ("row", "row_right"))
        rows = _shared(first, second)
        if not len(rows):
            continue
        sums = _sums(first[rows], second[rows])
        about = first[rows].select("source", "question", *("turn", "category", "model_a", "model_b"), judge_a="judge")
        about = about.with_columns(second[rows]["judge"].alias("judge_b"), n_drawn_from=pl.lit(n_drawn_from, pl.Int64))
        for grouping in rules.groupings:
            yield from _of_grouping(about, sums, grouping, draw, "group", rules)


def _chunks(rows: pl.DataFrame, key: str, size: int) -> Iterator[pl.DataFrame]:
    """Rows in the order of their key, cut where it changes, some at once."""
    lengths = rows.group_by(key, maintain_order=True).len()["len"].to_numpy()
    ends = np.cumsum(lengths)
    start = 0
    while start < len(rows):
        last = max(int(np.searchsorted(ends, start + size, "right")) - 1, int(np.searchsorted(ends, start, "right")))
        end = int(ends[last])
        yield rows[start:end]
        start = end


def _votes(rows: pl.DataFrame) -> Floats:
    return rows.select(f"n_{k}" for k in range(3)).to_numpy().astype(np.float64)


def _shared(first: pl.DataFrame, second: pl.DataFrame) -> Ints:
    """The rows on which two votes can be compared: those of one group have two of different judges."""
    within = (first["judge"] == second["judge"]).to_numpy()
    n = _votes(first).sum(axis=1)
    n_same = first.select(
        sum((2 - (name[0] == name[1])) * pl.col(f"same_{name}") for name in SAME)  # type: ignore[misc]
    ).to_numpy()[:, 0]
    return np.flatnonzero(~within | (n * (n - 1) > n_same))


# What adds up over items: name to shape.
_PARTS: dict[str, tuple[int, ...]] = {
    "pairs": (3, 3),
    "majority_ab": (2, 2),
    "majority_ba": (2, 2),
    "equal": (2,),
    "items": (2,),
    "fleiss_votes": (2, 3),
    "coinciding": (3, 3),
    "coinciding_decided": (2, 2),
    "scored": (6,),
}
_SIZES = {name: int(np.prod(shape)) for name, shape in _PARTS.items()}
_ENDS = dict(zip(_SIZES, np.cumsum(list(_SIZES.values())).tolist(), strict=True))


def _part(sums: Floats, name: str) -> Floats:
    flat = sums[..., _ENDS[name] - _SIZES[name] : _ENDS[name]]
    return flat.reshape(*sums.shape[:-1], *_PARTS[name])


def _sums(first: pl.DataFrame, second: pl.DataFrame) -> Floats:
    """All parts of each row, [rows, parts]."""
    within = (first["judge"] == second["judge"]).to_numpy()
    a, b = _votes(first), _votes(second)
    pairs = measure.vote_pairs(a, b)
    pairs[within] = measure.vote_pairs_within(a[within])
    for name in SAME:
        k, m = int(name[0]), int(name[1])
        same = np.where(within, first[f"same_{name}"].to_numpy(), 0)
        pairs[:, k, m] -= same
        if k != m:
            pairs[:, m, k] -= same
    everybody = np.where(within[:, None], a, a + b)
    decided = everybody[:, [0, 2]]
    fleiss = [measure.fleiss_parts(votes) for votes in (everybody, everybody * (np.arange(3) != _TIE))]
    values: dict[str, Floats] = {
        "pairs": pairs,
        "majority_ab": _majority(a, b, within),
        "majority_ba": _majority(b, a, within),
        "equal": np.stack([part[0] for part in fleiss], axis=-1),
        "items": np.stack([part[1] for part in fleiss], axis=-1),
        "fleiss_votes": np.stack([part[2] for part in fleiss], axis=-2),
        "coinciding": measure.coincidences(everybody),
        "coinciding_decided": measure.coincidences(decided),
        "scored": _scored(first, second, within),
    }
    return np.concatenate([values[name].reshape(len(a), -1) for name in _PARTS], axis=1)


def _majority(votes: Floats, majority: Floats, within: npt.NDArray[np.bool_]) -> Floats:
    """Votes that agree and are compared, with ties and without, [rows, 2, 2].

    One vote alone is no majority for itself to agree with: of a group's own majority, items with one vote that is
    compared are left out.
    """
    both = np.stack(
        [np.stack(measure.majority_agreement(votes, majority, tie=tie), axis=-1) for tie in (None, _TIE)], axis=-2
    )
    decided = votes.sum(axis=1) - votes[:, _TIE]
    both[:, 1][within & (decided < 2)] = 0
    return both


def _scored(first: pl.DataFrame, second: pl.DataFrame, within: npt.NDArray[np.bool_]) -> Floats:
    """Sums for the correlation of both groups' mean scores, [rows, 6]; 0 where a side has none."""
    numbers = [(side["scores"].to_numpy(), side["n_scored"].to_numpy()) for side in (first, second)]
    is_there = ~within & (numbers[0][1] > 0) & (numbers[1][1] > 0)
    x, y = (np.where(is_there, scores / np.maximum(n, 1) / SCORE_UNIT, 0.0) for scores, n in numbers)
    return np.stack([is_there.astype(np.float64), x, y, x * x, y * y, x * y], axis=-1)


@dataclass(frozen=True)
class _Measured:
    """A measure in each cell: its value, what it is taken over, what of that agrees, and what a random judge gets."""

    value: Floats
    n: Floats
    n_agree: Floats | None = None
    random: float | None = None


def _measure(sums: Floats, *, within: bool) -> dict[tuple[str, str, bool], _Measured]:
    """Measures by setup, name and whether judge_b stands first, of sums [..., parts]."""
    found = {}
    for place, (setup, kept) in enumerate({"with_ties": [0, 1, 2], "without_ties": [0, 2]}.items()):
        pairs = _part(sums, "pairs")[..., kept, :][..., kept]
        # Pairs within a group stand in both orders.
        n, n_equal = (total / (2 if within else 1) for total in (pairs.sum(axis=(-2, -1)), _trace(pairs)))
        chance = 1 / len(kept)
        found[setup, "agreement", False] = _Measured(measure.observed_agreement(pairs), n, n_equal, chance)
        found[setup, "chance_agreement", False] = _Measured(measure.chance_agreement(pairs), n)
        found[setup, "cohen_kappa", False] = _Measured(measure.cohen_kappa(pairs), n, random=0.0)
        for name in ("majority_ab",) if within else ("majority_ab", "majority_ba"):
            agreeing, compared = np.moveaxis(_part(sums, name)[..., place, :], -1, 0)
            value = measure.ratio(agreeing, compared)
            found[setup, "majority_agreement", name == "majority_ba"] = _Measured(value, compared, agreeing, chance)
        equal, items = (_part(sums, name)[..., place] for name in ("equal", "items"))
        votes = _part(sums, "fleiss_votes")[..., place, :]
        found[setup, "fleiss_kappa", False] = _Measured(measure.fleiss_kappa(equal, items, votes), items, random=0.0)
        coinciding = _part(sums, ("coinciding", "coinciding_decided")[place])
        n = coinciding.sum(axis=(-2, -1))
        for level in ("nominal", "ordinal") if place == 0 else ("nominal",):
            alpha = measure.krippendorff_alpha(coinciding, level)
            found[setup, f"alpha_{level}", False] = _Measured(alpha, n, random=0.0)
    if not within:
        scored = np.moveaxis(_part(sums, "scored"), -1, 0)
        found["with_ties", "score_correlation", False] = _Measured(measure.correlation(*scored), scored[0], random=0.0)
    return found


def _trace(pairs: Floats) -> Floats:
    equal: Floats = np.trace(pairs, axis1=-2, axis2=-1)
    return equal


def _of_grouping(
    about: pl.DataFrame, sums: Floats, grouping: str, draw: Draw, level: str, rules: AgreementRules
) -> Iterator[pl.DataFrame]:
    """Rows of `agreement_stats` for one grouping of some pairs of groups or judges, all of whose items are here."""
    columns = [] if grouping == "all" else grouping.split(",")
    keys = ["source", "judge_a", "judge_b", *columns]
    cells = about.with_columns(pl.struct(keys).rank("dense").cast(pl.Int64).alias("cell"))
    # Sums of questions in cells, cell by cell; a question has several items.
    order = np.lexsort((cells["question"].to_numpy(), cells["cell"].to_numpy()))
    ordered = cells[order]
    starts = np.flatnonzero(ordered.select(pl.struct("cell", "question").rle_id().diff().fill_null(1) != 0).to_series())
    by_question = np.add.reduceat(sums[order], starts, axis=0)
    questions = ordered["question"].to_numpy()[starts]
    cell = ordered["cell"].to_numpy()[starts]
    bounds = np.append(np.flatnonzero(np.diff(cell, prepend=-1)), len(cell))
    named = ordered.group_by("cell", maintain_order=True).agg(
        pl.col(*keys, "n_drawn_from").first(),
        pl.col("question").n_unique().cast(pl.Int64).alias("n_questions"),
        pl.len().cast(pl.Int64).alias("n_items"),
    )
    named = named.with_columns(
        pl.lit(level).alias("level"),
        pl.lit(grouping).alias("grouping"),
        (pl.col("n_questions") >= rules.min_questions).alias("is_basis"),
        *[
            pl.lit(None, AGREEMENT_STATS.no_rows.schema[name]).alias(name)
            for name in ("turn", "category", "model_a", "model_b")
            if name not in columns
        ],
    )
    totals = np.add.reduceat(by_question, bounds[:-1], axis=0)
    is_within = (named["judge_a"] == named["judge_b"]).to_numpy()
    # Of one question every resample is the data.
    least = 2 if level == "group" else max(2, rules.min_questions)
    is_drawn = (named["n_questions"] >= least).to_numpy()
    for within in (False, True):
        for with_ends in (False, True):
            chosen = np.flatnonzero((is_within == within) & (is_drawn == with_ends))
            if not len(chosen):
                continue
            drawn_from = named["n_drawn_from"].to_numpy()
            ends = _intervals(by_question, questions, bounds, chosen, drawn_from, draw, within) if with_ends else {}
            for key, measured in _measure(totals[chosen], within=within).items():
                yield _rows(named[chosen], key, measured, ends.get(key))


def _intervals(
    by_question: Floats,
    questions: Ints,
    bounds: Ints,
    cells: Ints,
    drawn_from: Ints,
    draw: Draw,
    within: bool,
) -> dict[tuple[str, str, bool], tuple[Floats, Floats]]:
    """Both ends for each measure, [cells] each."""
    rounds, parts = draw(int(drawn_from[cells[0]])).shape[1], by_question.shape[1]
    at_once = max(1, _ROUNDS_HELD // (rounds * parts))
    found: dict[tuple[str, str, bool], list[tuple[Floats, Floats]]] = {}
    for start in range(0, len(cells), at_once):
        some = cells[start : start + at_once]
        # Rounds lie side by side in memory, so that each step below is one long loop.
        sums = np.zeros((parts, len(some), rounds))
        for place, cell in enumerate(some):
            drawn = draw(int(drawn_from[cell]))
            for first in range(bounds[cell], bounds[cell + 1], _QUESTIONS):
                part = slice(first, min(first + _QUESTIONS, bounds[cell + 1]))
                sums[:, place] += by_question[part].T @ drawn[questions[part]].astype(np.float64)
        for key, measured in _measure(np.moveaxis(sums, 0, -1), within=within).items():
            found.setdefault(key, []).append(percentile_interval(measured.value))
    return {
        key: (np.concatenate([low for low, _ in ends]), np.concatenate([high for _, high in ends]))
        for key, ends in found.items()
    }


def _rows(
    cells: pl.DataFrame, key: tuple[str, str, bool], measured: _Measured, ends: tuple[Floats, Floats] | None
) -> pl.DataFrame:
    """A measure as rows of `agreement_stats`; cells in which nothing is compared have none."""
    lower, upper = ends or np.full((2, len(cells)), np.nan)
    setup, name, is_turned = key
    if is_turned:
        cells = cells.rename({"judge_a": "judge_b", "judge_b": "judge_a"})
    numbers = {"value": measured.value, "ci_lower": lower, "ci_upper": upper}
    agreeing = pl.lit(None, pl.Float64) if measured.n_agree is None else pl.Series(measured.n_agree)
    rows = cells.with_columns(
        *[pl.Series(column, values, pl.Float64).fill_nan(None) for column, values in numbers.items()],
        pl.lit(setup).alias("setup"),
        pl.lit(name).alias("measure"),
        pl.Series("n", np.round(measured.n).astype(np.int64)),
        agreeing.alias("n_agree"),
        pl.lit(measured.random, pl.Float64).alias("random_value"),
    )
    return rows.filter(pl.col("n") > 0).select(AGREEMENT_STATS.column_names)

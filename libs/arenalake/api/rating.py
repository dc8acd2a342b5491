"""`arenalake.rate`: checks the arguments, then rates in this process or on Spark."""

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import ValidationError

from arenalake.api.local import rate_locally
from arenalake.api.result import Ratings
from arenalake.api.votes import Labels, VoteColumns, kind_of, read_votes
from arenalake.errors import VotesError
from arenalake.hints import did_you_mean
from arenalake.ratings.options import BootstrapConfig, RatingMethod, RatingsConfig

# Style control goes by the texts, which a table of votes does not have.
METHODS = tuple(method for method in get_args(RatingMethod) if method != "style_control")


def rate(
    votes: Any,
    *,
    model_a: str = "model_a",
    model_b: str = "model_b",
    winner: str = "winner",
    labels: Labels | None = None,
    method: str | Sequence[str] = "bradley_terry",
    rounds: int = 1000,
    seed: int = 0,
    judge: str | None = None,
    by: str | Sequence[str] = (),
    min_battles: int = 500,
    order: str | None = None,
) -> Ratings:
    """Rate models from pairwise votes, with intervals and ranks from a bootstrap.

    A pandas, polars or Arrow table is rated in this process. For a Spark DataFrame, Spark's tasks count the votes and
    run the bootstrap. Both give the same bits as the job `ratings`: a round depends only on the votes, `seed` and the
    number of the round.

    Args:
        votes: one row per vote. Names of models are trimmed; a number can be a name.
        model_a: name of the column with the model shown first.
        model_b: name of the column with the model shown second.
        winner: name of the column with the outcome.
        labels: label in that column to outcome: model_a, model_b, tie or tie (bothbad). Both kinds of tie are half a
            win. Labels of the published data sets need no entry.
        method: bradley_terry (a tie is half a win), bradley_terry_no_ties, rao_kupper, davidson, elo, win_rate, or a
            list of them.
        rounds: bootstrap rounds.
        seed: seed of the bootstrap.
        judge: name of the column with the judge. If given, whole judges are resampled, each with all their votes, and
            the interval `sandwich_judge` is added. Online Elo still resamples battles.
        by: name of a column, such as a language, or several names. The votes of each value are also rated separately,
            as the slice `column=value`; votes without a value are in no such slice.
        min_battles: a slice with fewer votes is not rated; `slices` of the result lists which slices are rated.
        order: name of the column that orders the votes, for elo on a Spark DataFrame only. Other tables are in row
            order.

    Raises:
        VotesError: a column is missing, a label is not known, a vote lacks a model, an outcome or a judge, a model
            meets itself, or an argument is out of range.

    Examples:
        >>> import pandas as pd
        >>> winner = ["left", "right", "tie", "left"]
        >>> votes = pd.DataFrame({"left": list("abba"), "right": list("bacc"), "winner": winner})
        >>> found = rate(votes, model_a="left", model_b="right", labels={"left": "model_a", "right": "model_b"})
        >>> found.ratings["model"].unique().tolist()
        ['a', 'b', 'c']
    """
    methods = [method] if isinstance(method, str) else list(method)
    for name in methods:
        if name == "style_control":
            raise VotesError("method: style_control needs the texts of the answers; run the job ratings instead")
        if name not in METHODS:
            raise VotesError(
                f"method: {name!r} is not known{did_you_mean(str(name), METHODS)}; known: {', '.join(METHODS)}"
            )
    slices = (by,) if isinstance(by, str) else tuple(by)
    # Pandas numbers columns without names.
    voter = None if judge is None else str(judge)
    columns = VoteColumns(str(model_a), str(model_b), str(winner), labels, voter, tuple(map(str, slices)))
    try:
        ratings = RatingsConfig.model_validate({"methods": methods, "slices": ["all"], "min_battles": min_battles})
        unit = "judge" if judge else "battle"
        bootstrap = BootstrapConfig.model_validate({"rounds": rounds, "seed": seed, "unit": unit})
    except ValidationError as error:
        told = error.errors()[0]
        key = {"methods": "method"}.get(str(told["loc"][0]), str(told["loc"][0]))
        raise VotesError(f"{key}: {told['msg'].removeprefix('Value error, ')} (got {told['input']!r})") from None
    kind = kind_of(votes)
    if kind == "pyspark":
        from arenalake.api.distributed import rate_on_spark

        return rate_on_spark(votes, columns, ratings, bootstrap, order=order)
    if order is not None:
        raise VotesError("order: only for a Spark DataFrame; other tables are used in row order")
    table = read_votes(votes, columns)
    frames = rate_locally(table, ratings, bootstrap)
    return Ratings(frames, kind=kind, methods=methods, n_votes=len(table.outcome), n_models=len(table.models))

"""Trees, labels and pairs of answers, as functions of their counts."""

from collections.abc import Sequence

import polars as pl

from arenalake.numbers.correlation import SUMS, pearson
from arenalake.numbers.groupings import by_groupings
from arenalake.numbers.histograms import cells_of
from arenalake.numbers.lengths import describe, quantile
from arenalake.numbers.proportions import not_zero, share, wilson_bounds
from arenalake.trees.tables import SUM_NAMES, THREAD_COUNTS, THREAD_MESSAGE_TOKENS, TREE_PAIR_COUNTS, VALUE_PARTS

GROUPINGS = ("all", "language", "month", "language,month", "role", "tree_state")
_GROUP = ("source", "grouping", "language", "month", "role", "tree_state")


def summarise_trees(message_counts: pl.DataFrame, contributor_counts: pl.DataFrame) -> pl.DataFrame:
    """Add up messages by grouping, and measure how unequal contributions are.

    Args:
        message_counts: columns of the table `tree_message_counts`.
        contributor_counts: columns of the table `contributor_counts`, in the same groupings.

    Returns:
        Columns of the table `tree_stats`. A null language, month or state is a group of its own.
    """
    sums = by_groupings(message_counts, GROUPINGS).group_by(_GROUP).agg(pl.col(SUM_NAMES).sum())
    unequal = measure_inequality(contributor_counts)
    joined = sums.join(unequal, on=_GROUP, how="left", nulls_equal=True)
    return joined.with_columns(pl.col("n_contributors", "n_attributed").fill_null(0))


def measure_inequality(contributor_counts: pl.DataFrame, group: Sequence[str] = _GROUP) -> pl.DataFrame:
    """Gini coefficient and share of the busiest 1 % of contributors, per group.

    Args:
        contributor_counts: columns of the table `contributor_counts`; of its groups, `group` is enough.
        group: columns of a group.

    Returns:
        The columns of `group`, n_contributors, n_attributed, gini and busiest_share. The busiest 1 % are at least one
        person: their number is rounded up.

    Source:
        Gini (1912); as 1 minus twice the area under the Lorenz curve, whose corners are at the people sorted by work.
    """
    people, each = pl.col("n_contributors"), pl.col("n_messages")
    work = people * each
    done = work.cum_sum().cast(pl.Float64)
    # Twice the area under the Lorenz curve, by trapezes.
    area = (people * (2 * done - work)).sum() / (people.sum() * work.sum())
    busiest = (people.sum() + 99) // 100
    above = people.sum() - people.cum_sum()  # people who are busier than these
    taken = (busiest - above).clip(0, people)
    return (
        contributor_counts.sort("n_messages")
        .group_by(group, maintain_order=True)
        .agg(
            people.sum(),
            work.sum().alias("n_attributed"),
            (1 - area).alias("gini"),
            ((taken * each).sum() / work.sum()).alias("busiest_share"),
        )
    )


def summarise_shapes(shape_counts: pl.DataFrame) -> pl.DataFrame:
    """Describe sizes of trees, threads and sets of replies.

    Args:
        shape_counts: columns of the table `tree_shape_counts`.

    Returns:
        Columns of the table `tree_shapes`.
    """
    keys = ("source", "measure", "language", "month", "role", "tree_state")
    cells = cells_of(shape_counts, keys=keys, cell="sizes")
    return describe(by_groupings(cells, GROUPINGS), keys=(*_GROUP, "measure"), value="sizes", n="n")


def summarise_threads(thread_counts: pl.DataFrame) -> pl.DataFrame:
    """Describe lengths of threads and of the messages in them.

    Args:
        thread_counts: columns of the table `thread_counts`.

    Returns:
        Columns of the table `thread_stats`; a null language or month is a group of its own. Only messages have turns
        and months.
    """
    cells = cells_of(thread_counts, keys=THREAD_COUNTS.key, cell="lengths")
    views = by_groupings(cells, ("all", "language", "turn", "month"))
    of_messages = pl.col("measure") == THREAD_MESSAGE_TOKENS
    views = views.filter(of_messages | ~pl.col("grouping").is_in(["turn", "month"]))
    return describe(views, keys=("source", "grouping", *THREAD_COUNTS.key[1:]), value="lengths", n="n")


def summarise_labels(label_counts: pl.DataFrame) -> pl.DataFrame:
    """Means and quantiles of labels, and the means of deleted messages against the others.

    Args:
        label_counts: columns of the table `label_counts`.

    Returns:
        Columns of the table `label_stats`.
    """
    views = by_groupings(label_counts, ("all", "role", "language", "role,language"))
    keys = ("source", "grouping", "label", "role", "language")
    n, total, deleted = pl.col("n"), pl.col("total"), pl.col("deleted")

    def mean(where: pl.Expr) -> pl.Expr:
        return share(total.filter(where).sum(), n.filter(where).sum()) / VALUE_PARTS

    sums = views.group_by(keys).agg(
        n.sum(),
        pl.col("n_ratings").sum(),
        mean(pl.lit(value=True)).alias("mean"),
        n.filter(deleted).sum().alias("n_deleted"),
        mean(deleted).alias("mean_deleted"),
        mean(~deleted).alias("mean_kept"),
    )
    cells = cells_of(views, keys=keys, cell="bins").group_by(*keys, "bins").agg(pl.col("n").sum()).sort("bins")
    value, times = pl.col("bins"), pl.col("n")
    quantiles = cells.group_by(keys, maintain_order=True).agg(
        *[(quantile(value, times, 10 * p) / 100).alias(f"p{p}") for p in (5, 25, 50, 75, 95)]
    )
    return sums.join(quantiles, on=keys, nulls_equal=True)


def correlate_labels(pair_counts: pl.DataFrame) -> pl.DataFrame:
    """Pearson's correlation of each pair of labels, for both roles together and each.

    Args:
        pair_counts: columns of the table `label_pair_counts`.

    Returns:
        Columns of the table `label_correlations`.
    """
    keys = ("source", "grouping", "role", "label_a", "label_b")
    pairs = by_groupings(pair_counts, ("all", "role")).group_by(keys).agg(pl.col(SUMS).sum())
    return pairs.select(*keys, "n", correlation=pearson())


def summarise_pairs(pair_counts: pl.DataFrame, author_counts: pl.DataFrame) -> pl.DataFrame:
    """How often the better answer is the longer one, or a model's, and how many of them the busiest authors wrote.

    Args:
        pair_counts: columns of the table `tree_pair_counts`.
        author_counts: columns of the table `tree_pair_author_counts`.

    Returns:
        Columns of the table `tree_pair_stats`.
    """
    group = ("source", "grouping", "language")
    views = by_groupings(pair_counts, ("all", "language"))
    sums = views.group_by(group).agg(pl.col(TREE_PAIR_COUNTS.sums).sum())
    work = author_counts.rename({"n_pairs": "n_messages", "n_authors": "n_contributors"})
    authors = measure_inequality(work, group).select(*group, "busiest_share", n_authors="n_contributors")
    longer, lengths = pl.col("n_longer"), pl.col("n_longer") + pl.col("n_shorter")
    lower, upper = wilson_bounds(longer, lengths)
    wins = pl.col("n_model_wins")
    rates = sums.with_columns(
        share(longer, lengths).alias("longer_rate"),
        (wins / not_zero(wins + pl.col("n_person_wins"))).alias("model_win_rate"),
        ci_lower=lower,
        ci_upper=upper,
    )
    joined = rates.join(authors, on=group, how="left", nulls_equal=True)
    return joined.with_columns(pl.col("n_authors").fill_null(0))

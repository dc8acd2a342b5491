"""Job `tree_stats`: conversation trees as nodes, counts and statistics; threads and pairs of ranked answers."""

from functools import partial

import polars as pl

from arenalake.entities.tables import MESSAGES, SOURCE_TERMS, TREE_MESSAGES
from arenalake.lake import Derivation, Statistic, derive
from arenalake.step import Context, StepResult
from arenalake.text.tokenizers import tokenizer_keys
from arenalake.trees.counts import (
    count_contributors,
    count_label_pairs,
    count_labels,
    count_messages,
    count_pair_authors,
    count_pairs,
    count_shapes,
    count_threads,
)
from arenalake.trees.nodes import build_nodes, build_pairs, build_threads, find_examples
from arenalake.trees.statistics import (
    correlate_labels,
    summarise_labels,
    summarise_pairs,
    summarise_shapes,
    summarise_threads,
    summarise_trees,
)
from arenalake.trees.tables import (
    CONTRIBUTOR_COUNTS,
    LABEL_CORRELATIONS,
    LABEL_COUNTS,
    LABEL_PAIR_COUNTS,
    LABEL_STATS,
    THREAD_COUNTS,
    THREAD_STATS,
    THREADS,
    TREE_EXAMPLE,
    TREE_MESSAGE_COUNTS,
    TREE_NODES,
    TREE_PAIR_AUTHOR_COUNTS,
    TREE_PAIR_COUNTS,
    TREE_PAIR_STATS,
    TREE_PAIRS,
    TREE_SHAPE_COUNTS,
    TREE_SHAPES,
    TREE_STATS,
)


def run(context: Context) -> StepResult:
    """Write the tables of trees where `tree_messages` or the configuration has changed; none where it is not there."""
    lake, trees = context.lake, context.config.trees
    if not lake.exists(TREE_MESSAGES):
        return StepResult(lines=["tree_stats: no source has conversation trees"], lacks="conversation trees")
    settings = trees.model_dump(mode="json")
    tokenizers = sorted(tokenizer_keys(context.config.tokens.tokenizers))
    count_lengths = partial(count_threads, tokenizers=tokenizers)
    which = {name: settings[name] for name in ("keep_deleted", "keep_synthetic")}
    derive(
        lake,
        [
            Derivation(TREE_NODES, [TREE_MESSAGES], build_nodes),
            Derivation(LABEL_COUNTS, [TREE_MESSAGES], count_labels),
            Derivation(LABEL_PAIR_COUNTS, [TREE_MESSAGES], count_label_pairs),
            Derivation(TREE_EXAMPLE, [TREE_NODES, TREE_MESSAGES, SOURCE_TERMS], find_examples),
            Derivation(TREE_MESSAGE_COUNTS, [TREE_NODES], count_messages),
            Derivation(TREE_SHAPE_COUNTS, [TREE_NODES], count_shapes),
            Derivation(CONTRIBUTOR_COUNTS, [TREE_NODES], count_contributors),
            Derivation(THREADS, [TREE_NODES], partial(build_threads, trees=trees), settings),
            Derivation(THREAD_COUNTS, [THREADS, MESSAGES], count_lengths, {"tokenizers": tokenizers}, by_row=False),
            Derivation(TREE_PAIRS, [TREE_NODES], partial(build_pairs, trees=trees), which),
            Derivation(TREE_PAIR_COUNTS, [TREE_PAIRS], count_pairs),
            Derivation(TREE_PAIR_AUTHOR_COUNTS, [TREE_PAIRS], count_pair_authors),
            Statistic(LABEL_STATS, [LABEL_COUNTS], summarise_labels),
            Statistic(LABEL_CORRELATIONS, [LABEL_PAIR_COUNTS], correlate_labels),
            Statistic(TREE_STATS, [TREE_MESSAGE_COUNTS, CONTRIBUTOR_COUNTS], summarise_trees),
            Statistic(TREE_SHAPES, [TREE_SHAPE_COUNTS], summarise_shapes),
            Statistic(THREAD_STATS, [THREAD_COUNTS], summarise_threads),
            Statistic(TREE_PAIR_STATS, [TREE_PAIR_COUNTS, TREE_PAIR_AUTHOR_COUNTS], summarise_pairs),
        ],
    )
    overall = lake.load(TREE_STATS).filter(pl.col("grouping") == "all").sort("source")
    lines = [
        "tree_stats: {source}: {n_messages:,} messages in {n_trees:,} trees by {n_contributors:,} contributors; "
        "{n_deleted:,} deleted, {n_synthetic:,} synthetic, {n_undecided:,} without a decision by reviewers; "
        "{n_partly_ranked_sets:,} of {n_ranked_sets:,} ranked sets only partly ranked".format(**row)
        for row in overall.iter_rows(named=True)
    ]
    pairs = lake.load(TREE_PAIR_STATS).filter(pl.col("grouping") == "all").sort("source")
    lines += [
        "tree_stats: {source}: {n_pairs:,} pairs of ranked answers; the better one is longer in {n_longer:,}, "
        "shorter in {n_shorter:,}".format(**row)
        for row in pairs.iter_rows(named=True)
    ]
    return StepResult(lines=lines, tables={"tree_stats": overall.to_pandas()})

"""All fits in one pass over the pairs: a task per judge and scope, each on one core.

A fit is a function of its pairs in the order of their ids, so partitions, cores and the order of rows change no bit.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame
from threadpoolctl import threadpool_limits

from arenalake.entities.properties import CASES, PROPERTIES
from arenalake.preferences.features import are_fitted, signs_of
from arenalake.preferences.model import cross_validate
from arenalake.preferences.options import PreferencesConfig
from arenalake.preferences.tables import PREFERENCE_FITS

_KEYS = ("source", "grouping", "scope", "judge")
# The signs of a pair are a byte each.
_CHOICES = (
    "source string, grouping string, scope string, judge string, pair_id string, signs binary, is_fitted boolean, "
    "prefers_first boolean"
)


def fit_preferences(pairs: DataFrame, *, preferences: PreferencesConfig) -> DataFrame:
    """Fit every judge in every scenario group, in every case of queries, and in all pairs.

    Args:
        pairs: columns of the table `preference_pairs`.
        preferences: prior, folds and their seed.

    Returns:
        Columns of the table `preference_fits`. A pair of whose responses one has no errors that could be told is left
        out and counted; a judge of whose pairs in a scope all are left out has no fit there.
    """
    columns = ("source", "pair_id", "scenario_group", *CASES, "properties_a", "properties_b", "labels")
    choices = pairs.select(*columns).mapInArrow(_each_choice, _CHOICES)

    def fit(key: tuple[pa.Scalar, ...], rows: pa.Table) -> pa.Table:
        named = {name: value.as_py() for name, value in zip(_KEYS, key, strict=True)}
        # Sums over several threads of BLAS round differently, and the tasks use all cores already.
        with threadpool_limits(limits=1, user_api="blas"):
            fitted = fit_choices(pl.DataFrame(pl.from_arrow(rows)), preferences=preferences)
        of_key = fitted.with_columns(**{name: pl.lit(value) for name, value in named.items()})
        return PREFERENCE_FITS.to_arrow(of_key.select(PREFERENCE_FITS.column_names))

    return choices.groupBy(*_KEYS).applyInArrow(fit, PREFERENCE_FITS.ddl)


def fit_choices(choices: pl.DataFrame, *, preferences: PreferencesConfig) -> pl.DataFrame:
    """Fit the choices of one judge.

    Args:
        choices: pair_id, signs (bytes, one for each property), is_fitted, prefers_first; in any order.
        preferences: prior, folds and their seed.

    Returns:
        Columns of the table `preference_fits` but for its key; one row, or none where no pair is fitted.
    """
    fitted = choices.filter("is_fitted").sort("pair_id")
    if fitted.is_empty():
        return PREFERENCE_FITS.no_rows.drop(_KEYS)
    signs = np.frombuffer(b"".join(fitted["signs"].to_list()), np.int8).reshape(-1, len(PROPERTIES)).astype(np.float64)
    prefers_first = fitted["prefers_first"].to_numpy()
    found = cross_validate(
        signs, prefers_first, seed=preferences.seed, folds=preferences.folds, scale=preferences.prior_scale
    )
    has_folds = not np.isnan(found.accuracy)
    row = {
        "n_pairs": len(fitted),
        "n_left_out": len(choices) - len(fitted),
        "n_first": int(prefers_first.sum()),
        "accuracy": found.accuracy if has_folds else None,
        "iterations": found.posterior.iterations,
        "converged": found.posterior.converged,
        "weights": found.posterior.mean.tolist(),
        "sds": found.posterior.sd.tolist(),
        "lower_ends": found.posterior.ci_lower.tolist(),
        "upper_ends": found.posterior.ci_upper.tolist(),
        "fold_weights": found.fold_mean.tolist() if has_folds else None,
    }
    return pl.DataFrame([row], {name: PREFERENCE_FITS.no_rows.schema[name] for name in row})


def _each_choice(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        choices = each_choice(pl.DataFrame(pl.from_arrow(batch)))
        yield from choices.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(_CHOICES_SCHEMA).to_batches()


def each_choice(pairs: pl.DataFrame) -> pl.DataFrame:
    """A row for each judge of a pair and each scope that the pair is in.

    Args:
        pairs: columns of the table `preference_pairs`.

    Returns:
        source, grouping, scope, judge, pair_id, signs (bytes), is_fitted, prefers_first.
    """
    signs = signs_of(pairs).to_numpy().astype(np.int8)
    pairs = pairs.with_columns(
        signs=pl.Series([row.tobytes() for row in np.ascontiguousarray(signs)], dtype=pl.Binary),
        is_fitted=are_fitted(pairs),
    )
    scopes = [pairs.with_columns(grouping=pl.lit("all"), scope=pl.lit("all"))]
    scopes.append(pairs.with_columns(grouping=pl.lit("scenario_group"), scope=pl.col("scenario_group")))
    scopes += [pairs.filter(case).with_columns(grouping=pl.lit("case"), scope=pl.lit(case)) for case in CASES]
    columns = ("source", "grouping", "scope", "pair_id", "signs", "is_fitted", "labels")
    judged = pl.concat([of_scope.select(columns) for of_scope in scopes]).explode("labels").drop_nulls("labels")
    return judged.unnest("labels").select(
        *_KEYS, "pair_id", "signs", "is_fitted", prefers_first=pl.col("winner") == "model_a"
    )


_CHOICES_SCHEMA = pa.schema(
    [
        *[(name, pa.string()) for name in (*_KEYS, "pair_id")],
        ("signs", pa.binary()),
        *[(name, pa.bool_()) for name in ("is_fitted", "prefers_first")],
    ]
)

"""Style control in two stages: the same estimate as within one task, and rounds of the same law."""

import numpy as np
import pandas as pd
import pytest

from arenalake.config import parse_config
from arenalake.errors import RatingError
from arenalake.ratings.model.elo import pack
from arenalake.ratings.model.votes import PairVotes
from arenalake.ratings.spark import style as spread_style
from arenalake.ratings.spark.style_parts import LargeSlice, _Slice, large_slices
from arenalake.ratings.tables import STYLE_REPLICATES

N_BATTLES = 600


def _rows():
    """Battles of four good models, and of one that won once and lost once; some have no style."""
    random = np.random.default_rng(5)
    strength = np.array([0.6, 0.2, -0.2, -0.6])
    names = np.array(["ant", "bee", "cat", "dog"], dtype=object)
    first = random.integers(0, 4, N_BATTLES)
    second = (first + random.integers(1, 4, N_BATTLES)) % 4
    tokens = random.uniform(-0.9, 0.9, N_BATTLES)
    wins = random.random(N_BATTLES) < 1 / (1 + np.exp(strength[second] - strength[first] - tokens))
    rows = pd.DataFrame(
        {
            "source": "crowd",
            "slice": "all",
            "battle_id": [f"b{number:04}" for number in range(N_BATTLES)],
            "model_a": names[first],
            "model_b": names[second],
            "score": np.where(random.random(N_BATTLES) < 0.2, 0.5, wins),
            "judge": [f"judge {number}" for number in random.integers(0, 90, N_BATTLES)],
            "tokens": np.where(random.random(N_BATTLES) < 0.02, np.nan, tokens),
            "bold": 0.25,
        }
    )
    rows.loc[[10, 400], ["model_a", "score", "tokens"]] = [["emu", 1.0, 0.1], ["emu", 0.0, 0.2]]
    return rows


def test_more_models_than_two_bytes_can_tell_apart_are_refused_by_every_method_that_uses_two():
    names = tuple(f"m{number:05}" for number in range(65_537))
    none = np.zeros(0, dtype=np.int64)
    votes = PairVotes(names, none, none, np.zeros((3, 0), dtype=np.int64))
    known = _Slice(votes, None, np.zeros(1), np.ones(1), np.ones(1), np.array([1]))
    row = pd.DataFrame({"model_a": [names[0]], "model_b": [names[-2]], "score": [1.0], "tokens": [0.5]})
    assert known.battles_of(row, ["tokens"]).second.tolist() == [65_535]
    for narrowing in (
        lambda: known.battles_of(row.assign(model_b=names[-1]), ["tokens"]),
        lambda: pack(np.array([65_536])),
    ):
        with pytest.raises(
            RatingError, match="65,537 models or more; online Elo and style control rate at most 65,536"
        ):
            narrowing()


def _frame(spark, seed):
    rows = _rows().sample(frac=1, random_state=seed)
    values = rows.astype(object).where(rows.notna(), None)
    types = "source string, slice string, battle_id string, model_a string, model_b string, score double, judge string"
    plain = list(values.itertuples(index=False, name=None))
    frame = spark.createDataFrame(plain, f"{types}, tokens double, bold double")
    return frame.repartition(3)


def _config(unit, **options):
    ratings = {"style": {"covariates": ["tokens", "bold"], "max_rows_per_task": 180}, **options}
    bootstrap = {"rounds": 150, "unit": unit}
    return parse_config({"storage": {"root": "x"}, "ratings": ratings, "bootstrap": bootstrap})


def _both(spark, config, seed=1):
    rows = _frame(spark, seed).localCheckpoint()  # every step reads it
    packed = spread_style.pack_styled(rows, ratings=config.ratings)
    fitted = spread_style.fit_styled(packed, ratings=config.ratings, bootstrap=config.bootstrap)
    rounds = spread_style.bootstrap_style(packed, ratings=config.ratings, bootstrap=config.bootstrap)
    sizes = large_slices(rows, ratings=config.ratings)
    assert sizes == [("crowd", "all", N_BATTLES)]
    large = LargeSlice(rows, *sizes[0], config.ratings, config.bootstrap)
    return fitted, large.fitted(fitted), rounds, large.replicates(rounds)


@pytest.mark.parametrize(
    ("unit", "pair_weights"),
    [("battle", "none"), pytest.param("judge", "inverse", marks=pytest.mark.slow)],
)
def test_two_stages_give_the_estimate_of_one_task_and_rounds_of_the_same_law(spark, unit, pair_weights):
    fitted, parts, rounds, part_rounds = _both(spark, _config(unit, pair_weights=pair_weights))
    one, other = fitted.toPandas().iloc[0], parts.toPandas().iloc[0]
    for name in ("source", "slice", "n_battles", "n_unmeasured"):
        assert one[name] == other[name]
    for name in ("models", "pair_a", "pair_b", "counts"):
        assert list(one[name]) == list(other[name])
    for name in ("theta", "beta", "se", "se_judge", "mean", "sd", "loss"):
        assert other[name] == pytest.approx(one[name], abs=1e-10)
    assert len(other["se_judge"]) == (5 if unit == "judge" else 0)
    frames = (frame.toPandas() for frame in (rounds, part_rounds))
    tables = [frame.pivot_table(index="name", columns="round", values="value") for frame in frames]
    left, right = (table.reindex(["ant", "bee", "cat", "dog", "tokens"]).to_numpy() for table in tables)
    assert left.shape == right.shape == (5, 150)
    assert (left != right).all()  # the parts are drawn by generators of their own
    # 150 rounds give a standard deviation to some 6 %.
    assert np.nanstd(right, axis=1) == pytest.approx(np.nanstd(left, axis=1), rel=0.3)
    off = (np.nanmean(right, axis=1) - np.nanmean(left, axis=1)) / np.nanstd(left, axis=1)
    assert np.abs(off).max() < 0.45
    # The model with two battles is infinite in about as many rounds: it lost none, or won none, of what was drawn.
    infinite = [np.isinf(table.loc["emu"]).mean() for table in tables]
    assert infinite[1] == pytest.approx(infinite[0], abs=0.15)
    assert infinite[0] > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["battle", "judge"])
def test_two_stages_are_the_same_bit_for_bit_for_1_7_and_64_partitions_and_any_order(spark, unit):
    config, before, found = _config(unit), spark.conf.get("spark.sql.shuffle.partitions"), []
    try:
        for partitions, seed in ((1, 1), (7, 2), (64, 3)):
            spark.conf.set("spark.sql.shuffle.partitions", partitions)
            _, fitted, _, rounds = _both(spark, config, seed)
            rows = rounds.toPandas().sort_values(list(STYLE_REPLICATES.key)).reset_index(drop=True)
            found.append((fitted.toPandas(), rows))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
    for fitted, rows in found[1:]:
        pd.testing.assert_frame_equal(fitted, found[0][0], check_exact=True)
        pd.testing.assert_frame_equal(rows, found[0][1], check_exact=True)

"""The generated Likert study: its shape, and the strengths, tie shares and leanings that its ratings follow."""

import choix
import numpy as np
import polars as pl
import pytest

from arenalake.samples.likert import CODING, MODELS, RATERS, LikertDesign, Rater, grade_shares, likert_chunk


def study(seed, prompts=327, **design):
    design = LikertDesign(seed, prompts, **design)
    return pl.concat(pl.DataFrame(pl.from_arrow(likert_chunk(design, chunk))) for chunk in range(design.chunks))


def test_every_pair_of_models_is_rated_by_everybody_on_every_prompt():
    rows = study(0)
    assert len(rows) == 327 * 10 * len(RATERS) == LikertDesign(0, 327).rows
    assert rows["rating"].min() == 1
    assert rows["rating"].max() == 8
    assert rows.select("question_id", "prompt", "category").unique().height == 327
    assert rows.filter(pl.col("category") == CODING)["question_id"].n_unique() == 25
    pairs = rows.select("question_id", pl.concat_list("model_a", "model_b").list.sort(), "rater")
    assert pairs.is_unique().all()
    assert rows.null_count().drop("prompt_variant").sum_horizontal().item() == 0
    answers = pl.concat(rows.select("question_id", model=f"model_{s}", text=f"completion_{s}") for s in "ab").unique()
    assert len(answers) == 327 * len(MODELS)


def test_grades_by_hand():
    rater = Rater("x", "human", 0.0, np.log(3))
    shares = grade_shares(np.array([0.0, 400.0]), rater)
    assert shares.sum(axis=-1) == pytest.approx([1, 1])
    # Below log 3 lie 3/4, so 4 and 5 are 1/4 each, and the rest is symmetric.
    assert shares[0, [3, 4]] == pytest.approx([0.25, 0.25])
    assert shares[0] == pytest.approx(shares[0, ::-1])
    # 400 points are odds of 10.
    assert shares[1, :4].sum() == pytest.approx(10 / 11)


@pytest.mark.parametrize("seed", range(3))
def test_strengths_tie_shares_and_leanings_come_back(seed):
    raters = (Rater("even", "human", 0.0, 0.3), Rater("leaning", "model", 150.0, 0.9))
    rows = study(seed, raters=raters)
    strengths = np.array([MODELS[name] for name in sorted(MODELS)])
    is_tie = pl.col("rating").is_in([4, 5])
    for rater in raters:
        own = rows.filter(pl.col("rater") == rater.name)
        difference = np.array(
            [MODELS[a] - MODELS[b] for a, b in own.select("model_a", "model_b").iter_rows()], dtype=float
        )
        shares = grade_shares(difference, rater)
        error = 4 * np.sqrt(0.25 / len(own))
        assert own.select(is_tie.mean()).item() == pytest.approx(shares[:, 3:5].sum(axis=1).mean(), abs=error)
        won_first = own.select((pl.col("rating") <= 4).mean()).item()
        assert won_first == pytest.approx(shares[:, :4].sum(axis=1).mean(), abs=error)
        assert (won_first > 0.6) == (rater.lean > 0)
    names = sorted(MODELS)
    even = rows.filter(pl.col("rater") == "even").select("model_a", "model_b", pl.col("rating") <= 4)
    won = [
        (names.index(a), names.index(b)) if is_first else (names.index(b), names.index(a))
        for a, b, is_first in even.iter_rows()
    ]
    found = choix.ilsr_pairwise(len(names), won) * 400 / np.log(10)
    assert found - found.mean() == pytest.approx(strengths - strengths.mean(), abs=45)

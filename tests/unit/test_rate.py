"""`arenalake.rate` on tables in memory: what it takes, what it says, and that it is the ratings everybody knows."""

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from rating_cases import simulate

import arenalake
from arenalake.errors import VotesError

LEFT_RIGHT = {"model_a": "left", "model_b": "right", "labels": {"left": "model_a", "right": "model_b"}}


def votes_of(n=600, seed=1):
    first, second, outcome = simulate(seed, 4, n)
    names = np.array(["ant", "bee", "cat", "dog"])
    winner = np.array(["model_a", "model_b", "tie"])[outcome]
    extra = {"judge": [f"j{i % 37}" for i in range(n)], "language": np.array(["de", "en", "en"])[np.arange(n) % 3]}
    return pd.DataFrame({"model_a": names[first], "model_b": names[second], "winner": winner, **extra})


def same(one, two):
    pd.testing.assert_frame_equal(one, two, check_exact=True)


@pytest.fixture(scope="module")
def votes():
    return votes_of()


@pytest.fixture(scope="module")
def found(votes):
    return arenalake.rate(votes, rounds=64)


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_arenalake_loads_no_spark_and_rating_neither():
    code = """if True:
        import sys, arenalake
        heavy = {"pyspark", "pandas", "polars", "plotly", "numba"}
        print(sorted(heavy & set(sys.modules)))
        import pyarrow as pa
        arenalake.rate(pa.table({"model_a": ["a", "b"], "model_b": ["b", "a"], "winner": ["model_a"] * 2}), rounds=3)
        print(sorted({"pyspark", "py4j", "plotly"} & set(sys.modules)))
    """
    assert run_python(code).splitlines() == ["[]", "[]"]


def test_two_models_have_the_rating_that_their_odds_give():
    # 3 wins to 1, ties as half: odds 3.5 to 1.5, so that the difference is 400 log10(3.5 / 1.5).
    table = {"model_a": ["x", "x", "x", "y", "x"], "model_b": ["y", "y", "y", "x", "y"]}
    board = (
        arenalake.rate(pa.table({**table, "winner": ["model_a"] * 4 + ["tie"]}), rounds=10).leaderboard().to_pandas()
    )
    half = 200 * np.log10(3.5 / 1.5)
    assert dict(zip(board["model"], board["rating"], strict=True)) == pytest.approx(
        {"x": 1000 + half, "y": 1000 - half}
    )
    assert board["n_battles"].tolist() == [5, 5]


def test_the_ratings_of_real_votes_are_those_of_other_peoples_code(real_data):
    votes = pl.read_csv(real_data / "llmfao/crowd-comparisons.csv")
    golden = pl.read_csv(real_data / "llmfao/llmfao-golden.csv")
    found = arenalake.rate(votes, **LEFT_RIGHT, method=["bradley_terry", "elo", "win_rate"], rounds=2)
    strength = {
        "bradley_terry": lambda rating: 10 ** (rating / 400) / (10 ** (rating / 400)).sum(),
        "elo": lambda rating: rating,
    }
    for method, convert in strength.items():
        ours = found.leaderboard(method=method).select("model", convert(pl.col("rating")).alias("ours"))
        both = ours.join(golden.filter(algorithm=method), left_on="model", right_on="item")
        assert len(both) == 59
        assert both["ours"].to_numpy() == pytest.approx(both["score"].to_numpy(), rel=1e-8)


@pytest.mark.parametrize(
    "kind",
    [
        pl.from_pandas,
        lambda votes: pl.from_pandas(votes).lazy(),
        lambda votes: pa.Table.from_pandas(votes),
        lambda votes: pa.Table.from_pandas(votes).to_batches()[0],
        lambda votes: pa.concat_tables([pa.Table.from_pandas(part) for part in (votes[:7], votes[7:])]),
        lambda votes: votes.astype("category"),
        lambda votes: votes.astype("string[pyarrow]"),
        lambda votes: votes.assign(model_a=" " + votes["model_a"] + "\n"),
        lambda votes: votes.set_index(votes.index[::-1]),
    ],
)
def test_every_kind_of_table_gives_the_same_bits(votes, found, kind):
    table = kind(votes)
    other = arenalake.rate(table, rounds=64)
    as_pandas = {"polars": lambda frame: frame.to_pandas(), "pyarrow": lambda frame: frame.to_pandas()}
    convert = as_pandas.get(type(table).__module__.split(".")[0], lambda frame: frame)
    assert type(convert(other.ratings)) is pd.DataFrame
    for name in ("ratings", "replicates", "pairs", "slices"):
        one, two = convert(getattr(other, name)), getattr(found, name)
        pd.testing.assert_frame_equal(one, two, check_dtype=False, check_exact=True)


def test_the_order_of_the_votes_matters_to_elo_only(votes, found):
    shuffled = votes.sample(frac=1, random_state=3)
    same(arenalake.rate(shuffled, rounds=64).replicates, found.replicates)
    one, two = (arenalake.rate(table, rounds=2, method="elo").ratings["rating"] for table in (votes, shuffled))
    assert not np.array_equal(one, two)


def test_a_round_does_not_depend_on_how_many_there_are(votes, found):
    more = arenalake.rate(votes, rounds=140).replicates
    same(more[more["round"] < 64].reset_index(drop=True), found.replicates)


def test_numbers_and_truth_values_are_names_and_labels_too():
    table = pd.DataFrame({"model_a": [1.0, 2.0, 1.0], "model_b": [2, 1, 2], "winner": [True, True, False]})
    found = arenalake.rate(table, labels={True: "model_a", False: "model_b"}, rounds=2)
    assert sorted(found.leaderboard()["model"]) == ["1", "2"]
    ones = table.assign(winner=[1, 1, 0])
    same(arenalake.rate(ones, labels={1: "model_a", 0: "model_b"}, rounds=2).ratings, found.ratings)


def test_labels_of_the_published_formats_need_no_mapping():
    table = pd.DataFrame({"model_a": list("abab"), "model_b": list("baba")})
    winner = ["tie (bothbad)", "both_bad", "model_a", "model_b"]
    assert arenalake.rate(table.assign(winner=winner), rounds=2).leaderboard()["n_battles"].tolist() == [4, 4]


def test_slices_are_rated_on_their_own_and_small_ones_are_told(votes):
    found = arenalake.rate(votes, by="language", rounds=20, min_battles=300)
    assert found.slices.to_dict("records") == [
        {"slice": "all", "n_battles": 600, "min_battles": 300, "rated": True},
        {"slice": "language=de", "n_battles": 200, "min_battles": 300, "rated": False},
        {"slice": "language=en", "n_battles": 400, "min_battles": 300, "rated": True},
    ]
    alone = arenalake.rate(votes[votes["language"] == "en"], rounds=20)
    for name in ("ratings", "replicates", "pairs"):
        part = getattr(found, name)
        part = part[part["slice"] == "language=en"].reset_index(drop=True)
        same(part.drop(columns="slice"), getattr(alone, name).drop(columns="slice"))
    assert "not rated: language=de (200)" in repr(found)
    with pytest.raises(VotesError, match="slice: 'language=de' was not rated"):
        found.leaderboard(slice="language=de")


def test_a_vote_without_a_value_is_in_no_slice_of_it(votes):
    some = votes.assign(language=[None, "en"] * 300)
    found = arenalake.rate(some, by="language", rounds=2, min_battles=1)
    assert dict(zip(found.slices["slice"], found.slices["n_battles"], strict=True)) == {"all": 600, "language=en": 300}


def test_judges_are_drawn_whole(votes):
    by_judge = arenalake.rate(votes, judge="judge", rounds=200)
    assert set(by_judge.ratings["interval"]) == {"percentile", "sandwich", "sandwich_judge"}
    assert set(by_judge.ratings["unit"]) == {"judge"}
    # With a judge for each vote, errors that allow for judges are the plain ones but for the factor J / (J - 1).
    alone = arenalake.rate(votes.assign(judge=np.arange(600)), judge="judge", rounds=2).ratings
    plain, clustered = (alone[alone["interval"] == name]["se"].to_numpy() for name in ("sandwich", "sandwich_judge"))
    assert clustered == pytest.approx(plain * np.sqrt(600 / 599), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "arguments", "said"),
    [
        ({}, {"model_a": "modela"}, "model_a: the table has no column 'modela'; did you mean 'model_a'"),
        ({}, {"by": "Language"}, "by: the table has no column 'Language'; did you mean 'language'"),
        ({}, {"judge": "model_a"}, "model_a and judge: both are column 'model_a'"),
        ({"winner": "left"}, {}, r"labels without a meaning: 'left' \(600 votes\); known: model_a, model_b, tie"),
        ({"winner": np.nan}, {}, "winner: 600 of 600 votes have no value in column 'winner'"),
        ({"winner": None}, {}, "winner: 600 of 600 votes have no value"),
        ({"winner": "nan"}, {}, "winner: 600 of 600 votes have no value"),
        ({"model_b": " "}, {}, "model_b: 600 of 600 votes have no value in column 'model_b'"),
        ({"model_a": "ant", "model_b": "ant"}, {}, "both sides are the same model in 600 votes, such as 'ant'"),
        ({"judge": None}, {"judge": "judge"}, "judge: 600 of 600 votes .* or give each vote its own judge"),
        ({}, {"labels": {"left": "modela"}}, "labels: 'left' is given the outcome 'modela'; did you mean 'model_a'"),
        ({}, {"method": "bradley_tery"}, "method: 'bradley_tery' is not known; did you mean 'bradley_terry'"),
        ({}, {"method": "style_control"}, "style_control needs the texts"),
        ({}, {"method": []}, "method: "),
        ({}, {"method": ["elo", "elo"]}, "lists elo twice"),
        ({}, {"rounds": 0}, "rounds: "),
        ({}, {"rounds": True}, "rounds: must be a number"),
        ({}, {"seed": -1}, "seed: "),
        ({}, {"order": "judge"}, "order: only for a Spark DataFrame"),
    ],
)
def test_a_mistake_is_told_by_its_argument(votes, change, arguments, said):
    with pytest.raises(VotesError, match=said):
        arenalake.rate(votes.assign(**change), **arguments)


def test_one_vote_of_an_unknown_label_is_an_error_and_never_a_tie(votes):
    winner = votes["winner"].where(votes.index != 17, "Tie?")
    with pytest.raises(VotesError, match=r"'Tie\?' \(1 vote\)"):
        arenalake.rate(votes.assign(winner=winner))


def test_a_table_that_is_none_or_empty_is_told(votes):
    with pytest.raises(VotesError, match="the table has no rows"):
        arenalake.rate(votes[:0])
    with pytest.raises(VotesError, match="got str; read a file first"):
        arenalake.rate("votes.csv")
    with pytest.raises(VotesError, match="several kinds"):
        arenalake.rate(votes.assign(model_a=["a", 1] * 300))
    with pytest.raises(VotesError, match="2 columns 'winner'"):
        arenalake.rate(pd.concat([votes, votes["winner"]], axis=1))


def test_the_repr_is_the_leaderboard(found):
    lines = repr(found).splitlines()
    assert lines[:4] == [
        "600 votes on 4 models",
        "",
        "all: bradley_terry, 95 % intervals from 64 rounds over battles",
        "rank  model  rating     95 % interval  battles",
    ]
    assert [line.split()[0] for line in lines[4:]] == ["1", "2", "3", "4"]


def test_a_notebook_shows_names_as_text():
    table = pd.DataFrame({"model_a": ["<b>x</b>", "y"], "model_b": ["y", "<b>x</b>"], "winner": ["model_a", "model_a"]})
    html = arenalake.rate(table, rounds=2)._repr_html_()
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<b>x" not in html


def test_the_plot_has_a_point_and_an_interval_for_each_model(found):
    trace = found.plot().data[0]
    board = found.leaderboard()
    assert list(trace.x) == board["rating"].tolist()
    assert np.add(trace.x, trace.error_x.array) == pytest.approx(board["ci_upper"].to_numpy())


def test_columns_are_those_of_the_tables_without_the_source(found):
    from arenalake.ratings.tables import RATING_PAIRS, RATING_REPLICATES, RATING_SLICES, RATINGS

    for name, table in {"ratings": RATINGS, "replicates": RATING_REPLICATES, "pairs": RATING_PAIRS}.items():
        assert list(getattr(found, name).columns) == table.column_names[1:]
    assert list(found.slices.columns) == RATING_SLICES.column_names[1:]

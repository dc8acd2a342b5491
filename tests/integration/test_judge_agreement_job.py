"""The job judge_agreement on real votes: MT-bench as its paper has it, and three files of LLMFAO that are matched."""

import json
import shutil
from collections import Counter

import duckdb
import polars as pl
import pytest
from pyspark.sql import functions as F

from arenalake.config import parse_config
from arenalake.errors import ConfigError
from arenalake.ingest import job as ingest
from arenalake.judges import job as judge_agreement
from arenalake.judges.counts import count_items, count_lengths, count_votes, judged_votes, pair_judges
from arenalake.judges.options import JudgesConfig
from arenalake.judges.statistics import AgreementRules, summarise_pairs
from arenalake.judges.tables import AGREEMENT_STATS, GRADE_COUNTS, JUDGE_BIAS, JUDGE_WIN_RATES
from arenalake.lake import Lake
from arenalake.lake.counting import in_memory
from arenalake.lake.options import StorageConfig
from arenalake.ratings.options import BootstrapConfig
from arenalake.reproduction import job as reproduce
from arenalake.reproduction.tables import REPRODUCTION
from arenalake.step import Context

# Table 5 of the paper by turn: agreeing and all pairs of votes, with ties and without (arXiv 2306.05685).
TABLE_5 = {
    ("expert", "expert", 1): ((454, 721), (388, 479)),
    ("expert", "expert", 2): ((471, 707), (388, 474)),
    ("expert", "gpt-4", 1): ((886, 1343), (727, 859)),
    ("expert", "gpt-4", 2): ((871, 1325), (731, 864)),
}
# Table 7: win rates in per cent by category, votes of experts on both turns.
TABLE_7 = {
    "gpt-4": (61.2, 67.9, 49.3, 66.1, 56.3, 66.2, 76.6, 72.2),
    "gpt-3.5-turbo": (50.9, 60.6, 32.6, 63.8, 55.0, 48.8, 52.8, 53.8),
    "vicuna-13b-v1.2": (39.7, 39.2, 20.1, 18.0, 36.9, 29.2, 47.0, 47.5),
    "llama-13b": (15.1, 15.1, 7.8, 7.5, 2.1, 9.3, 6.8, 10.1),
}


def config_of(lake, **sections):
    return parse_config({"storage": {"root": str(lake.root)}, "mlflow": {"enabled": False}, **sections})


def of_mt_bench(lake, real_data):
    folder = real_data / "mt_bench"
    sources = {"mt_bench": {"format": "mt_bench", "path": str(folder / "{human,gpt4_pair}.jsonl")}}
    groups = {"expert": "expert_*", "author": "author_*", "gpt-4": "gpt4_pair"}
    return Context(config_of(lake, sources=sources, judges={"groups": groups}, bootstrap={"rounds": 200}), lake)


@pytest.fixture(scope="module")
def ingested(spark, real_data, tmp_path_factory):
    """The folder of a lake with the judgments of MT-bench."""
    lake = Lake(spark, StorageConfig(root=str(tmp_path_factory.mktemp("mt_bench") / "lake")))
    ingest.run(of_mt_bench(lake, real_data))
    return lake.local_root


@pytest.fixture
def mt_bench(lake, ingested, real_data):
    """A copy of that lake for one test."""
    shutil.copytree(ingested, lake.local_root)
    return of_mt_bench(lake, real_data)


def test_mt_bench_has_the_figures_of_its_paper(mt_bench, real_data):
    lake = mt_bench.lake
    lines = judge_agreement.run(mt_bench).lines
    assert (
        "judge_agreement: mt_bench, expert and expert, with ties: 64.8% of 1,428 pairs of votes agree (random 33%)"
        in (lines)
    )
    stats = lake.load(AGREEMENT_STATS)
    by_turn = stats.filter((pl.col("grouping") == "turn") & (pl.col("measure") == "agreement"))
    found = {
        (row["judge_a"], row["judge_b"], row["turn"], row["setup"]): (row["n_agree"], row["n"])
        for row in by_turn.iter_rows(named=True)
    }
    for (a, b, turn), (with_ties, without_ties) in TABLE_5.items():
        assert found[a, b, turn, "with_ties"] == with_ties
        assert found[a, b, turn, "without_ties"] == without_ties

    rates = lake.load(JUDGE_WIN_RATES).filter(pl.col("judge_group") == "expert")
    by_category = rates.filter(pl.col("grouping") == "category")
    cells = {(row["model"], row["category"]): row["win_rate"] for row in by_category.iter_rows(named=True)}
    questions = [json.loads(line) for line in (real_data / "mt_bench" / "question.jsonl").open()]
    categories = list(dict.fromkeys(question["category"] for question in questions))
    assert Counter(question["category"] for question in questions) == dict.fromkeys(categories, 10)
    for model, published in TABLE_7.items():
        assert tuple(round(100 * cells[model, category], 1) for category in categories) == published
    turn_1 = rates.filter((pl.col("grouping") == "turn") & (pl.col("turn") == 1))
    assert {row["model"]: round(row["win_rate"], 3) for row in turn_1.iter_rows(named=True)} == {
        "gpt-4": 0.649,
        "claude-v1": 0.503,
        "gpt-3.5-turbo": 0.498,
        "vicuna-13b-v1.2": 0.387,
        "alpaca-13b": 0.202,
        "llama-13b": 0.113,
    }

    lines = reproduce.run(mt_bench).lines
    assert lines[0] == ("reproduce: mt_bench: of 128 published figures 54 match, 0 differ, 74 cannot be recomputed")
    figures = lake.load(REPRODUCTION)
    favour = figures.row(by_predicate=pl.col("figure") == "gpt-4's favour for itself", named=True)
    assert favour["ours"] == pytest.approx(77.125 - 64.9286, abs=0.001)

    again = Lake(lake.spark, mt_bench.config.storage)
    judge_agreement.run(Context(mt_bench.config, again))
    assert again.versions()["written"] == {}


def test_single_judges_of_mt_bench_agree_as_often_as_duckdb_counts(mt_bench, real_data):
    config = mt_bench.config.model_copy(
        update={"judges": JudgesConfig(single=True, groupings=["all"]), "bootstrap": BootstrapConfig(rounds=20)}
    )
    judge_agreement.run(Context(config, mt_bench.lake))
    stats = mt_bench.lake.load(AGREEMENT_STATS, only={"level": "judge"})
    found = stats.filter((pl.col("measure") == "agreement") & (pl.col("setup") == "with_ties"))
    files = [str(real_data / "mt_bench" / name) for name in ("human.jsonl", "gpt4_pair.jsonl")]
    expected = duckdb.sql(
        f"""
        WITH votes AS (
            SELECT judge, question_id, turn, least(model_a, model_b) AS x, greatest(model_a, model_b) AS y,
                CASE WHEN winner LIKE 'tie%' THEN 'tie' WHEN winner = 'model_a' THEN model_a ELSE model_b END AS won
            FROM read_json({files})
        )
        SELECT a.judge, b.judge, count(*) FILTER (a.won = b.won), count(*)
        FROM votes a JOIN votes b USING (question_id, turn, x, y) WHERE a.judge < b.judge GROUP BY ALL
        """
    ).fetchall()
    assert len(expected) > 500
    assert {row[:2]: row[2:] for row in found.select("judge_a", "judge_b", "n_agree", "n").rows()} == {
        (a, b): (agree, n) for a, b, agree, n in expected
    }
    with_ends = found["ci_lower"].is_not_null()
    assert 0 < with_ends.sum() < len(found)
    assert (found["n_questions"] >= 30).to_list() == with_ends.to_list()
    # Groups are there as well, and a report reads them alone.
    assert not mt_bench.lake.load(AGREEMENT_STATS, only={"level": "group"}).is_empty()


def test_three_files_of_llmfao_are_matched_by_a_mapped_key(lake, real_data):
    columns = {"question_id": "prompt", "model_a": "left", "model_b": "right"}
    labels = {"left": "model_a", "right": "model_b", "tie": "tie"}
    votes = {"format": "votes", "winner_labels": labels, "columns": columns}
    folder = real_data / "llmfao"
    sources = {
        "crowd": votes | {"path": str(folder / "crowd-comparisons.csv"), "columns": columns | {"judge": "worker"}},
        **{
            f"gpt-{n}": votes | {"path": str(folder / f"gpt{n}-crowd-comparisons.csv"), "judge_kind": "model"}
            for n in (3, 4)
        },
    }
    judges = {
        "matched": {"llmfao": list(sources)},
        "groups": {"gpt-3": "gpt-3", "gpt-4": "gpt-4"},
        "groupings": ["all"],
        "families": {"gpt-4": ["GPT*"]},
    }
    context = Context(config_of(lake, sources=sources, judges=judges, bootstrap={"rounds": 50}), lake)
    ingest.run(context)
    judge_agreement.run(context)
    stats = lake.load(AGREEMENT_STATS).filter(pl.col("setup") == "with_ties")
    assert stats["source"].unique().to_list() == ["llmfao"]
    found = {
        (row["judge_a"], row["judge_b"]): (row["n_agree"], row["n"])
        for row in stats.filter(pl.col("measure") == "agreement").iter_rows(named=True)
    }
    expected = duckdb.sql(
        f"""
        WITH votes AS (
            SELECT 'human' AS judge, worker::VARCHAR AS person, * EXCLUDE worker FROM '{folder}/crowd-comparisons.csv'
            UNION ALL SELECT 'gpt-3', 'gpt-3', * FROM '{folder}/gpt3-crowd-comparisons.csv'
            UNION ALL SELECT 'gpt-4', 'gpt-4', * FROM '{folder}/gpt4-crowd-comparisons.csv'
        ), turned AS (
            SELECT judge, person, row_number() OVER () AS vote, prompt, least("left", "right") AS x,
                greatest("left", "right") AS y,
                CASE winner = 'tie' WHEN true THEN 'tie'
                    ELSE CASE (winner = 'left') = ("left" < "right") WHEN true THEN 'x' ELSE 'y' END END AS won
            FROM votes
        )
        SELECT a.judge, b.judge, count(*) FILTER (a.won = b.won), count(*)
        FROM turned a JOIN turned b USING (prompt, x, y)
        WHERE a.judge < b.judge OR (a.judge = b.judge AND a.vote < b.vote AND a.person <> b.person)
        GROUP BY ALL
        """
    ).fetchall()
    assert found == {(a, b): (agree, n) for a, b, agree, n in expected}
    bias = lake.load(JUDGE_BIAS)
    assert {"tie", "first_wins", "own_family", "own_family_favour"} <= set(bias["measure"])
    assert lake.load(GRADE_COUNTS).is_empty()


def test_votes_say_what_their_judges_lean_to(lake, tmp_path):
    def votes(judge, question, *both):
        return [
            {"judge": judge, "question_id": question, "model_a": a, "model_b": b, "winner": winner, "likert": 3}
            for (a, b), winner in zip((("m", "n"), ("n", "m")), both, strict=False)
        ]

    records = [
        *votes("x", 1, "model_a", "model_b"),  # m both times
        *votes("x", 2, "model_a", "model_a"),  # what is first
        *votes("x", 3, "tie", "model_b"),  # leans to what is second
        *votes("x", 4, "tie", "tie"),
        *votes("x", 5, "model_b"),
        *votes("x", 5, "model_a"),  # contradicts the vote before
    ]
    file = tmp_path / "raw" / "votes.jsonl"
    file.parent.mkdir()
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    sources = {"s": {"format": "votes", "path": str(file)}}
    context = Context(config_of(lake, sources=sources, judges={"single": True}, bootstrap={"rounds": 20}), lake)
    ingest.run(context)
    judge_agreement.run(context)
    bias = lake.load(JUDGE_BIAS)
    for level, judge in (("group", "human"), ("judge", "x")):
        rows = bias.filter((pl.col("level") == level) & (pl.col("judge") == judge))
        assert {row["measure"]: (row["k"], row["n"]) for row in rows.iter_rows(named=True)} == {
            "tie": (3, 10),
            "first_wins": (4, 7),
            "consistent": (2, 4),
            "prefers_first": (1, 4),
            "prefers_second": (1, 4),
            "contradicts": (3, 5),
        }
    assert lake.load(AGREEMENT_STATS).is_empty()
    assert lake.load(GRADE_COUNTS).select("level", "judge", "grade", "n").rows() == [
        ("group", "human", 3, 10),
        ("judge", "x", 3, 10),
    ]

    # Nobody asks for single judges: those who contradict themselves are named all the same, and no one else.
    file.with_name("more.jsonl").write_text(json.dumps(records[0] | {"judge": "y", "question_id": 9}) + "\n")
    sources = {"s": {"format": "votes", "path": str(file.with_name("*.jsonl"))}}
    context = Context(config_of(lake, sources=sources, bootstrap={"rounds": 20}), lake)
    ingest.run(context)
    lines = judge_agreement.run(context).lines
    named = lake.load(JUDGE_BIAS).filter(pl.col("level") == "judge")
    assert named.select("judge", "measure", "k", "n").rows() == [("x", "contradicts", 3, 5)]
    assert (
        "judge_agreement: s, human: a judge voted more than once on an item 5 times, with contradictory votes 3 times; "
        "all votes count, and judge_bias names the judges"
    ) in lines
    assert (
        "judge_agreement: s: no length bias, because no decided vote has two answers measured with 'sample'"
    ) in lines


def test_of_single_judges_those_without_a_name_are_compared_with_each_other_as_well(lake):
    votes = [("m", "n", judge, winner) for judge, winner in [(None, "model_a"), (None, "model_b"), ("x", "model_a")]]
    votes += [("m", "n", "x", "model_b"), ("n", "m", None, "model_b")]
    names = ("model_a", "model_b", "judge", "winner")
    rows = [
        dict(zip(names, vote, strict=True)) | {"source": "s", "battle_id": str(i), "question_id": "1", "turn": 1}
        for i, vote in enumerate(votes)
    ]
    ddl = (
        "source string, battle_id string, question_id string, turn int, model_a string, model_b string, judge string, "
    )
    battles = lake.spark.createDataFrame(rows, ddl + "winner string")
    missing = {"judge_kind": "string", "category": "string", "score": "double", "likert": "int", "record_key": "string"}
    battles = battles.withColumns({name: F.lit(None).cast(type_) for name, type_ in missing.items()})
    counted = count_votes(judged_votes(battles, JudgesConfig()), single=True)
    pairs = in_memory(pair_judges(count_items(counted, by="judge")))
    stats = summarise_pairs(pairs, rules=AgreementRules(rounds=2))
    agree = stats.filter((pl.col("measure") == "agreement") & (pl.col("setup") == "with_ties")).sort(
        "judge_a", "judge_b"
    )
    # Without a name: m, n, m; x: m and n, which are not compared.
    assert agree.select("judge_a", "judge_b", "n_agree", "n").rows() == [("s", "s", 1.0, 3), ("s", "x", 3.0, 6)]


def test_lengths_are_of_answers_up_to_the_turn_of_the_vote(lake):
    battles = lake.spark.createDataFrame(
        [
            ("s", "1", None, "z", "a", "model_a", 1),  # 5 tokens more on the first turn
            ("s", "1/0", "1", "z", "a", "model_b", 1),  # another vote of a record on the same answers
            ("s", "2", "2", "a", "z", "model_b", None),  # 5 and 100 more on both
            ("s", "3", "3", "a", "z", "tie", 1),
            ("s", "4", "4", "a", "z", "model_a", 1),  # no text
            ("t", "1", "1", "a", "z", "model_a", 1),  # another source's text
        ],
        "source string, battle_id string, record_key string, model_a string, model_b string, winner string, turn int",
    )
    missing = {"judge": "string", "question_id": "string", "category": "string", "score": "double", "likert": "int"}
    battles = battles.withColumns({name: F.lit(None).cast(type_) for name, type_ in missing.items()})
    messages = lake.spark.createDataFrame(
        [
            ("s", f"{battle}/{side}", role, turn, {"sample": tokens})
            for battle in "123"
            for side, role, turn, tokens in [
                *[("a", "user", 1, 900), ("a", "assistant", 1, 15), ("b", "assistant", 1, 10)],
                *[("a", "assistant", 2, 200), ("b", "assistant", 2, 100)],
            ]
        ],
        "source string, conversation_id string, role string, turn int, n_tokens map<string, int>",
    )
    votes = judged_votes(battles.withColumn("judge_kind", F.lit("human")), JudgesConfig(matched={"both": ["s", "t"]}))
    counted = count_lengths(votes, messages, tokenizer="sample")
    assert sorted(map(tuple, counted.collect())) == [("both", "human", 5, 2, 1), ("both", "human", 105, 1, 0)]
    assert not count_lengths(votes, messages, tokenizer="another").collect()


def test_a_tokenizer_that_measures_nothing_ends_the_job_in_one_line(lake):
    config = config_of(lake, judges={"tokenizer": "spm:llama"})
    with pytest.raises(
        ConfigError, match=r"judges\.tokenizer: 'spm:llama' is not among the names of tokens\.tokenizers"
    ):
        judge_agreement.run(Context(config, lake))

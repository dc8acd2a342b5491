"""The job judge_agreement on real votes: MT-bench as its paper has it, and three files of LLMFAO that are matched."""

import json
from collections import Counter

import polars as pl
import pytest

from arenalake.config import parse_config
from arenalake.ingest import job as ingest
from arenalake.judges import job as judge_agreement
from arenalake.judges.tables import AGREEMENT_STATS, JUDGE_WIN_RATES
from arenalake.lake import Lake
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


@pytest.fixture
def mt_bench(lake, real_data):
    folder = real_data / "mt_bench"
    sources = {"mt_bench": {"format": "mt_bench", "path": str(folder / "{human,gpt4_pair}.jsonl")}}
    groups = {"expert": "expert_*", "author": "author_*", "gpt-4": "gpt4_pair"}
    config = config_of(lake, sources=sources, judges={"groups": groups}, bootstrap={"rounds": 200})
    context = Context(config, lake)
    ingest.run(context)
    return context


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

    again = Lake(lake.spark, mt_bench.config.storage)
    judge_agreement.run(Context(mt_bench.config, again))
    assert again.versions()["written"] == {}

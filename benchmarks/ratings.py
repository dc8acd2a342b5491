"""Ratings and intervals beside other people's: `python benchmarks/ratings.py`, everything in one run on one machine.

Set A: 33,000 battles of 20 models. Set B: 1.5 million battles of 130 models, sampled by Zipf's law. Each contender
starts from the same table of battles in memory (a pandas frame of names) and ends with 1,000 rounds of ratings and,
where it has them, 95 % intervals. Contenders that are too slow run fewer rounds (the number is shown); the time of a
round is then the difference of two runs, so that what comes before the rounds counts once.
BLAS has one thread, and all have run once on a few battles, so that their code is loaded. Times are medians of some
runs, in which the contenders take turns. Beside the time on the clock stands the time on the processors, which other
work disturbs less. Our peak memory is that of a process of its own. Then comes the Spark job around Bradley-Terry: from
the table `battles` to all tables of ratings, how much longer that takes than the NumPy inside, and the memory of its
largest Python worker. Set C is for that job alone: 300,000 battles of 3,000 models, of which 300 have some 2 battles
each, so that hardly any round connects all of them. On two cores it takes 115 s and 1.2 GB in the largest worker:
`python benchmarks/ratings.py --methods spark --sets C --repeat 1`.

FastChat's newest rating code is in no release, so its algorithm stands here, written anew with SciPy: counts of
distinct (first model, second model, outcome), multinomial weights for each round, one L-BFGS fit per round over a pool
of processes; for Elo, a loop over battles that is vectorised over rounds;
for style control, one L-BFGS fit of all drawn battles per round. evalica and choix are the released packages,
in one process, as they offer no bootstrap.
"""

# ruff: noqa: E402 - threads are limited before the libraries that start them are loaded
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from statistics import median
from typing import Any

import choix
import evalica
import numpy as np
import pandas as pd
from generate import ProcessTree  # the benchmark beside this one
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from scipy.optimize import minimize
from scipy.special import expit

from arenalake.app.session import get_session
from arenalake.battles import job as battle_stats
from arenalake.config import Config, parse_config
from arenalake.entities.tables import BATTLES
from arenalake.lake import Lake
from arenalake.ratings import job as rating_step
from arenalake.ratings.model.elo import EloRules, elo_rounds
from arenalake.ratings.model.families import HALF_WIN
from arenalake.ratings.model.intervals import percentile_interval, rank_interval
from arenalake.ratings.model.replicates import PointFit, Resample, fit_point, replicate, resample_battles
from arenalake.ratings.model.resampling import resample_rows
from arenalake.ratings.model.rounds import BLOCK
from arenalake.ratings.model.style import StyledBattles, StyleFit, fit_style, replicate_style, standardise
from arenalake.ratings.model.votes import PairVotes, tally
from arenalake.step import Context

SETS = {"A": (33_000, 20), "B": (1_500_000, 130), "C": (300_000, 3_000, 300)}
SPARK_SETS = ("B", "C")
WINNERS = np.array(["model_a", "model_b", "tie"], dtype=object)
POINTS = 400 / np.log(10)


def generate(n_battles: int, n_models: int, n_rare: int = 0) -> pd.DataFrame:
    """Battles whose models are sampled by Zipf's law, the last ones a tenth as often as by it; 30 % ties."""
    random = np.random.default_rng(0)
    share = 1 / np.arange(1, n_models + 1)
    share[n_models - n_rare :] /= 10
    strength = random.normal(0, 0.8, n_models)
    first, second = (random.choice(n_models, n_battles, p=share / share.sum()) for _ in range(2))
    while (same := first == second).any():
        second[same] = random.choice(n_models, same.sum(), p=share / share.sum())
    wins = random.random(n_battles) < expit(strength[first] - strength[second])
    outcome = np.where(random.random(n_battles) < 0.3, 2, np.where(wins, 0, 1))
    names = np.array([f"model-{number:04}" for number in range(n_models)], dtype=object)
    votes = pd.DataFrame({"model_a": names[first], "model_b": names[second], "winner": WINNERS[outcome]})
    return votes.assign(**{f"style_{number}": random.uniform(-1, 1, n_battles) for number in range(4)})


def encode(battles: pd.DataFrame) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Names, and the battles as indices of models and outcomes."""
    first, models = pd.factorize(battles["model_a"])
    rest = pd.Index(models).get_indexer(pd.Index(battles["model_b"]))
    if (rest < 0).any():
        codes, models = pd.factorize(pd.concat([battles["model_a"], battles["model_b"]], ignore_index=True))
        first, rest = codes[: len(battles)], codes[len(battles) :]
    outcome = pd.Index(WINNERS).get_indexer(pd.Index(battles["winner"]))
    return list(models), first.astype(np.int64), rest.astype(np.int64), outcome.astype(np.int64)


_POINT: list[tuple[PointFit, Resample]] = []


def _our_block(block: int, rounds: int) -> np.ndarray:
    return replicate(*_POINT[0], range(block * BLOCK, min((block + 1) * BLOCK, rounds)))


def _spread(work: Callable[[Any], np.ndarray], parts: Sequence[Any], processes: int) -> list[np.ndarray]:
    if processes == 1:
        return [work(part) for part in parts]
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        return list(pool.map(work, parts))


def ours(battles: pd.DataFrame, rounds: int, processes: int) -> pd.DataFrame:
    return rate_votes(tally(*encode(battles)), rounds, processes)


def rate_votes(votes: PairVotes, rounds: int, processes: int) -> pd.DataFrame:
    point = fit_point(votes, HALF_WIN)
    _POINT[:] = [(point, resample_battles(point.votes, 0))]
    parts = _spread(partial(_our_block, rounds=rounds), range(-(-rounds // BLOCK)), processes)
    values = 1000 + POINTS * np.concatenate(parts, axis=1)
    interval, ranks = percentile_interval(values), rank_interval(values)
    rating = 1000 + POINTS * point.theta
    return pd.DataFrame(
        {"rating": rating, "lower": interval.lower, "upper": interval.upper, "best": ranks[0], "worst": ranks[1]},
        index=list(point.votes.models),
    )


def _lbfgs(weights: np.ndarray, pairs: np.ndarray, outcome: np.ndarray, n_models: int) -> np.ndarray:
    def loss(rating: np.ndarray) -> tuple[float, np.ndarray]:
        p = expit(rating[pairs[:, 0]] - rating[pairs[:, 1]])
        value = -(weights * (outcome * np.log(p) + (1 - outcome) * np.log(1 - p))).sum()
        slope = weights * (outcome - p)
        gradient = np.zeros(n_models)
        np.add.at(gradient, pairs, np.stack([-slope, slope], axis=1))
        return value, gradient

    options = {"maxiter": 100, "gtol": 1e-6}
    return minimize(loss, np.zeros(n_models), jac=True, method="L-BFGS-B", options=options)["x"]


def fastchat(battles: pd.DataFrame, rounds: int, processes: int) -> pd.DataFrame:
    models, first, second, outcome = encode(battles)
    rows = np.stack([first, second, outcome], axis=1)
    cells, counts = np.unique(rows, axis=0, return_counts=True)
    score = np.array([1.0, 0.0, 0.5])[cells[:, 2]]
    drawn = np.random.default_rng(0).multinomial(len(battles), counts / counts.sum(), size=rounds) / len(battles)
    fit = partial(_lbfgs, pairs=cells[:, :2], outcome=score, n_models=len(models))
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        values = np.array(list(pool.imap_unordered(fit, drawn)))
    values = 1000 + POINTS * (values - values.mean(axis=1, keepdims=True))
    lower, upper = np.percentile(values, [2.5, 97.5], axis=0)
    return pd.DataFrame({"rating": np.median(values, axis=0), "lower": lower, "upper": upper}, index=models)


def evalica_rounds(battles: pd.DataFrame, rounds: int, processes: int) -> pd.DataFrame:
    winners = np.array([evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw], dtype=object)
    outcome = winners[pd.Index(WINNERS).get_indexer(pd.Index(battles["winner"]))]
    first, second = battles["model_a"].to_numpy(), battles["model_b"].to_numpy()
    random, found = np.random.default_rng(0), []
    for _ in range(rounds):
        row = random.integers(0, len(battles), len(battles))
        found.append(evalica.bradley_terry(first[row].tolist(), second[row].tolist(), outcome[row].tolist()).scores)
    values = 1000 + POINTS * np.log(pd.concat(found, axis=1))
    values = values - values.mean() + 1000
    return pd.DataFrame({"rating": values.median(axis=1), "lower": values.quantile(0.025, axis=1)})


def choix_rounds(battles: pd.DataFrame, rounds: int, processes: int) -> pd.DataFrame:
    models, first, second, outcome = encode(battles)
    n = len(models)
    counts = np.bincount((first * n + second) * 3 + outcome, minlength=3 * n * n)
    random, found = np.random.default_rng(0), []
    for _ in range(rounds):
        drawn = random.multinomial(len(battles), counts / len(battles)).reshape(n, n, 3)
        wins = drawn[..., 0] + drawn[..., 1].T + (drawn[..., 2] + drawn[..., 2].T) / 2
        found.append(choix.ilsr_pairwise_dense(wins, tol=1e-8))
    values = 1000 + POINTS * np.array(found)
    return pd.DataFrame({"rating": np.median(values, axis=0)}, index=models)


_ELO: list[tuple[np.ndarray, np.ndarray, np.ndarray, int]] = []


def _our_elo_block(rounds: range) -> np.ndarray:
    first, second, score, n_models = _ELO[0]
    return elo_rounds(first, second, score, n_models, 0, rounds, EloRules())


def our_elo(battles: pd.DataFrame, rounds: int, processes: int) -> pd.DataFrame:
    models, first, second, outcome = encode(battles)
    _ELO[:] = [(first, second, np.array([1.0, 0.0, 0.5])[outcome], len(models))]
    size = -(-rounds // processes)
    parts = [range(start, min(start + size, rounds)) for start in range(0, rounds, size)]
    values = np.concatenate(_spread(_our_elo_block, parts, processes), axis=1)
    interval = percentile_interval(values)
    return pd.DataFrame({"lower": interval.lower, "upper": interval.upper}, index=models)


def fastchat_elo(battles: pd.DataFrame, rounds: int, processes: int) -> pd.DataFrame:
    models, first, second, outcome = encode(battles)
    score = np.array([1.0, 0.0, 0.5])[outcome]
    rows = np.random.default_rng(0).integers(0, len(battles), (len(battles), rounds))
    rating, each = np.zeros((rounds, len(models))), np.arange(rounds)
    for row in rows:
        a, b = first[row], second[row]
        change = 4 * (score[row] - expit((rating[each, a] - rating[each, b]) / POINTS))
        rating[each, a] += change
        rating[each, b] -= change
    lower, upper = np.percentile(rating + 1000, [2.5, 97.5], axis=0)
    return pd.DataFrame({"lower": lower, "upper": upper}, index=models)


_STYLE: list[StyleFit] = []


def _our_style_block(rounds: range) -> np.ndarray:
    n_battles = len(_STYLE[0].battles.first)

    def weights(round_: int) -> np.ndarray:
        return resample_rows(n_battles, 0, round_).astype(np.float64)

    return replicate_style(_STYLE[0], weights, rounds)[0]


def our_style(battles: pd.DataFrame, rounds: int, processes: int) -> pd.DataFrame:
    models, first, second, outcome = encode(battles)
    style = standardise(battles.filter(like="style_").to_numpy())[0]
    order = np.argsort(models)
    place = np.argsort(order).astype(np.uint16)
    sides = place[first], place[second]
    names = tuple(models[index] for index in order)
    _STYLE[:] = [fit_style(StyledBattles(names, *sides, np.array([1.0, 0.0, 0.5])[outcome], style), ridge=0.5)]
    size = -(-rounds // processes)
    parts = [range(start, min(start + size, rounds)) for start in range(0, rounds, size)]
    values = 1000 + POINTS * np.concatenate(_spread(_our_style_block, parts, processes), axis=1)
    interval = percentile_interval(values)
    return pd.DataFrame({"lower": interval.lower, "upper": interval.upper}, index=list(names))


_ROWS: list[tuple[np.ndarray, np.ndarray, np.ndarray, int]] = []


def _style_lbfgs(seed: int) -> np.ndarray:
    pairs, score, style, n_models = _ROWS[0]
    drawn = np.random.default_rng(seed).integers(0, len(score), len(score))
    weights = np.bincount(drawn, minlength=len(score)) / len(score)

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        rating, beta = values[:n_models], values[n_models:]
        p = expit(rating[pairs[:, 0]] - rating[pairs[:, 1]] + style @ beta)
        value = -(weights * (score * np.log(p) + (1 - score) * np.log(1 - p))).sum()
        slope = weights * (score - p)
        gradient = np.zeros(n_models)
        np.add.at(gradient, pairs, np.stack([-slope, slope], axis=1))
        ridge = 0.5 / len(score)
        return value + ridge / 2 * beta @ beta, np.concatenate([gradient, ridge * beta - slope @ style])

    options = {"maxiter": 100, "gtol": 1e-6}
    start = np.zeros(n_models + style.shape[1])
    return minimize(loss, start, jac=True, method="L-BFGS-B", options=options)["x"][:n_models]


def fastchat_style(battles: pd.DataFrame, rounds: int, processes: int) -> pd.DataFrame:
    models, first, second, outcome = encode(battles)
    style = standardise(battles.filter(like="style_").to_numpy())[0]
    score = np.array([1.0, 0.0, 0.5])[outcome]
    _ROWS[:] = [(np.stack([first, second], axis=1), score, style, len(models))]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        values = np.array(list(pool.imap_unordered(_style_lbfgs, range(rounds))))
    values = 1000 + POINTS * (values - values.mean(axis=1, keepdims=True))
    lower, upper = np.percentile(values, [2.5, 97.5], axis=0)
    return pd.DataFrame({"lower": lower, "upper": upper}, index=models)


Contender = Callable[[pd.DataFrame, int, int], pd.DataFrame]
# Name, function, and rounds for sets A and B (0: left out).
BRADLEY_TERRY: list[tuple[str, Contender, dict[str, int]]] = [
    ("arenalake", ours, {"A": 1000, "B": 1000}),
    ("FastChat's algorithm", fastchat, {"A": 1000, "B": 200}),
    ("evalica", evalica_rounds, {"A": 20, "B": 4}),
    ("choix on counts", choix_rounds, {"A": 100, "B": 10}),
]
ELO: list[tuple[str, Contender, dict[str, int]]] = [
    ("arenalake", our_elo, {"A": 1000, "B": 0}),
    ("FastChat's algorithm", fastchat_elo, {"A": 1000, "B": 0}),
]

STYLE: list[tuple[str, Contender, dict[str, int]]] = [
    ("arenalake", our_style, {"A": 1000, "B": 100}),
    ("FastChat's algorithm", fastchat_style, {"A": 100, "B": 6}),
]
METHODS = {"bradley_terry": BRADLEY_TERRY, "elo": ELO, "style_control": STYLE}
SPARK = "spark"
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"  # as in conf/local.yml


def compare(title: str, contenders: list[tuple[str, Contender, dict[str, int]]], options: argparse.Namespace) -> None:
    for name in options.sets:
        if not contenders[0][2].get(name):
            continue
        battles = generate(*SETS[name])
        print(f"\n{title}, set {name}: {len(battles):,} battles, {SETS[name][1]} models, 1,000 rounds")
        clock: dict[str, list[float]] = {label: [] for label, _, _ in contenders}
        work: dict[str, list[float]] = {label: [] for label, _, _ in contenders}
        results = {}
        for _, function, _ in contenders:
            function(generate(2000, 20), 1, 1)
        for _ in range(options.repeat):  # side by side, so that a busy machine slows all of them
            for label, function, rounds in contenders:
                wanted = rounds_to_run(rounds[name], options)
                results[label], used = _timed(function, battles, wanted, options.processes)
                if wanted < 1000:  # what comes before the rounds is paid once, however many there are
                    few = max(options.processes, wanted // 10)  # no process has nothing to do in either run
                    a_round = (used - _timed(function, battles, few, options.processes)[1]) / (wanted - few)
                    used = used + a_round * (1000 - wanted)
                clock[label].append(used[0])
                work[label].append(used[1])
        mine = contenders[0][0]
        for label, _, rounds in contenders:
            seconds, effort = median(clock[label]), median(work[label])
            print(
                f"  {label:22} {seconds:9.2f} s ({seconds / median(clock[mine]):7.1f} times ours)"
                f"  processors {effort:9.2f} s ({effort / median(work[mine]):7.1f} times ours)"
                f"  {rounds_to_run(rounds[name], options):5} rounds{_difference(results[mine], results[label])}"
            )
        measured = multiprocessing.get_context("spawn").Process(target=_print_memory, args=(title, name, options))
        measured.start()
        measured.join()


def rounds_to_run(rounds: int, options: argparse.Namespace) -> int:
    return max(2 * options.processes, int(rounds * options.share))


def _timed(function: Contender, battles: pd.DataFrame, rounds: int, processes: int) -> tuple[pd.DataFrame, np.ndarray]:
    """The result, and seconds on the clock and on the processors."""
    started, before = time.perf_counter(), _processor_seconds()
    result = function(battles, rounds, processes)
    return result, np.array([time.perf_counter() - started, _processor_seconds() - before])


def _print_memory(method: str, name: str, options: argparse.Namespace) -> None:
    _, function, rounds = METHODS[method][0]
    function(generate(*SETS[name]), rounds_to_run(rounds[name], options), options.processes)
    own, child = (resource.getrusage(who).ru_maxrss / 2**20 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"  our peak memory, with the frame of battles: {own:.2f} GB, and up to {child:.2f} GB in each child process")


def run_spark(name: str, options: argparse.Namespace) -> None:
    """Bradley-Terry from the table `battles` to the tables of ratings, and the NumPy in it by itself."""
    battles, rounds = generate(*SETS[name]), max(1, int(1000 * options.share))
    votes = tally(*encode(battles))
    numpy = median(_seconds(lambda: rate_votes(votes, rounds, options.processes)) for _ in range(options.repeat))
    sections = {
        "spark": {
            "master": f"local[{options.processes}]",
            "shuffle_partitions": options.processes,
            "java_options": options.java_options,
        },
        "ratings": {"slices": ["all"]},
        "bootstrap": {"rounds": rounds},
    }
    print(f"\nSpark job, set {name}, {rounds:,} rounds, session up, `battles` read to `ratings` and its tables written")
    print(f"  the NumPy inside {numpy:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        config = parse_config({**sections, "storage": {"root": f"{folder}/0"}})
        spark = get_session(config.spark)
        _write_battles(spark, battles, f"{folder}/battles.parquet")
        with ProcessTree() as tree:
            found = [
                _time_jobs(spark, parse_config({**sections, "storage": {"root": f"{folder}/{number}"}}), folder)
                for number in range(options.repeat + 1)
            ]
        spark.stop()
    for label, (count, rate) in (
        ("the first in the session", found[0]),
        (f"median of the next {options.repeat}", np.median(found[1:], axis=0)),
    ):
        print(
            f"  {label:24} ratings {rate:5.2f} s, {rate - numpy:5.2f} s around the NumPy; "
            f"counting battles before them {count:5.2f} s"
        )
    memory = ", ".join(f"{kind} {peak:.0f} MB" for kind, peak in sorted(tree.peak_mb.items()))
    print(f"  processors {tree.total_cpu_seconds():.0f} s in all {options.repeat + 1} runs; peak memory: {memory}")


def _write_battles(spark: SparkSession, battles: pd.DataFrame, path: str) -> None:
    ids = pd.Series(np.arange(len(battles))).astype(str)
    battles[["model_a", "model_b", "winner"]].assign(
        source="B", file="B", battle_id=ids, judge_kind="human", judge=None, sequence=np.arange(len(battles))
    ).to_parquet(path)


def _time_jobs(spark: SparkSession, config: Config, folder: str) -> tuple[float, float]:
    """Seconds of the jobs battle_stats and ratings on a lake of their own."""
    read = spark.read.parquet(f"{folder}/battles.parquet")
    columns = [
        (F.col(column.name) if column.name in read.columns else F.lit(None)).cast(column.type).alias(column.name)
        for column in BATTLES.columns
    ]
    Lake(spark, config.storage).replace(BATTLES, read.select(*columns))
    count, rate = (
        _seconds(lambda run=run: run(Context(config, Lake(spark, config.storage))))
        for run in (battle_stats.run, rating_step.run)
    )
    return count, rate


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _processor_seconds() -> float:
    """User and system time of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _difference(mine: pd.DataFrame, theirs: pd.DataFrame) -> str:
    if "lower" not in theirs or "upper" not in theirs or mine is theirs:
        return ""
    width = ((theirs["upper"] - theirs["lower"]) / (mine["upper"] - mine["lower"])).median()
    return f"  interval width {width:.3f} of ours"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=[*METHODS, SPARK], default=[*METHODS, SPARK])
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--repeat", type=int, default=3, help="the median of this many runs counts")
    parser.add_argument("--java-options", default=JAVA_OPTIONS, help="by default those of the sample")
    parser.add_argument("--share", type=float, default=1.0, help="share of the rounds, for a quick look")
    options = parser.parse_args()
    for method in options.methods:
        if method == SPARK:
            for name in options.sets:
                if name in SPARK_SETS:
                    run_spark(name, options)
        else:
            compare(method, METHODS[method], options)


if __name__ == "__main__":
    main()

"""How long `arenalake.rate` takes from a data frame, after import: `python benchmarks/rate.py`.

Each size is rated several times in this process; the first call compiles or loads machine code.
"""

import argparse
import statistics
import time

import numpy as np
import pandas as pd
import polars as pl

from arenalake import rate

SIZES = {"33,000 battles, 20 models": (33_000, 20), "1.5 million battles, 130 models": (1_500_000, 130)}


def votes_of(n_battles, n_models):
    random = np.random.default_rng(0)
    strength = random.normal(0, 0.7, n_models)
    first = random.integers(0, n_models, n_battles)
    second = (first + random.integers(1, n_models, n_battles)) % n_models
    wins = random.random(n_battles) < 1 / (1 + np.exp(strength[second] - strength[first]))
    outcome = np.where(random.random(n_battles) < 0.25, 2, np.where(wins, 0, 1))
    names = np.array([f"model-{number:03}" for number in range(n_models)], dtype=object)
    labels = np.array(["model_a", "model_b", "tie"], dtype=object)
    return pd.DataFrame({"model_a": names[first], "model_b": names[second], "winner": labels[outcome]})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rate(votes_of(100, 3), rounds=2).pairs  # noqa: B018 - compiles
    for name, size in SIZES.items():
        votes = votes_of(*size)
        for kind, table in {"pandas": votes, "polars": pl.from_pandas(votes)}.items():
            seconds, with_pairs = [], []
            for _ in range(options.repeats):
                started = time.perf_counter()
                found = rate(table, rounds=options.rounds)
                seconds.append(time.perf_counter() - started)
                found.pairs  # noqa: B018 - made when somebody asks
                with_pairs.append(time.perf_counter() - started)
            told = [f"{statistics.median(times):.2f} s" for times in (seconds, with_pairs)]
            print(f"{name}, {options.rounds} rounds, {kind}: {told[0]}, with .pairs {told[1]}", flush=True)


if __name__ == "__main__":
    main()

"""Votes of a crowd with texts, as rows of the tables that the job `ratings` reads."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from arenalake.battles.tables import BATTLE_COUNTS
from arenalake.config import parse_config
from arenalake.entities.tables import BATTLES, MESSAGES

METHODS = ["bradley_terry", "bradley_terry_no_ties", "davidson", "rao_kupper", "win_rate", "elo", "style_control"]
SLICES = {"min_battles": 60, "slices": ["all", "language"]}
MODELS = ("ant", "bee", "cat", "dog")


def battles_of_a_crowd():
    """Source `crowd` with English and some German votes, some without a language, and votes of a judge model."""
    random = np.random.default_rng(3)
    strength = np.array([0.6, 0.2, -0.2, -0.6])
    rows = []
    for number in range(400):
        first, second = random.choice(4, 2, replace=False)
        wins = random.random() < 1 / (1 + np.exp(strength[second] - strength[first]))
        tie = random.choice([None, None, None, "tie", "tie (bothbad)"])
        row = dict.fromkeys(BATTLES.column_names)
        row.update(
            source="crowd",
            file="votes.csv",
            battle_id=f"b{number:04}",
            model_a=MODELS[first],
            model_b=MODELS[second],
            winner=tie or ("model_a" if wins else "model_b"),
            judge=f"judge {random.integers(40)}" if number % 50 else None,
            judge_kind="model" if number >= 380 else "human",
            language=("English", "English", "German", None)[number % 4] if number % 8 else "English",
            sequence=number,
            tstamp=datetime(2023, 4 + number // 200, 1 + number % 28, tzinfo=UTC),
        )
        rows.append(row)
    return pd.DataFrame(rows, columns=BATTLES.column_names)


def messages_of(battles, lost="b0007"):
    """Two turns on each side of each battle; one battle has no text."""
    random = np.random.default_rng(4)
    rows = []
    for battle in battles[battles["battle_id"] != lost].itertuples():
        for side, model in (("a", battle.model_a), ("b", battle.model_b)):
            for position in range(4):
                row = dict.fromkeys(MESSAGES.column_names)
                row.update(
                    source="crowd",
                    file="votes.csv",
                    conversation_id=f"{battle.battle_id}/{side}",
                    position=position,
                    role=("user", "assistant")[position % 2],
                    model=model,
                    turn=1 + position // 2,
                    n_tokens={"sample": int(random.integers(1, 300))},
                    n_chars=int(random.integers(1, 900)),
                    n_headers=int(random.integers(3)),
                    n_list_items=int(random.integers(9)),
                    n_bold=int(random.integers(5)),
                )
                rows.append(row)
    return pd.DataFrame(rows, columns=MESSAGES.column_names)


def counts_of(battles):
    keys = list(BATTLE_COUNTS.key)
    battles = battles.assign(month=pd.to_datetime(battles["tstamp"]).dt.strftime("%Y-%m"))
    battles["removed_by"] = battles.get("removed_by")
    return battles.groupby(keys, dropna=False).size().reset_index(name="n")[BATTLE_COUNTS.column_names]


def frame_of(spark, rows, table):
    values = rows.astype(object).where(rows.notna(), None).values.tolist()
    plain = [[v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for v in row] for row in values]
    return spark.createDataFrame([tuple(row) for row in plain], table.ddl)


def nothing_of(spark, table):
    return spark.createDataFrame([], table.ddl)


def config_of(root="x", *, ratings=None, **bootstrap):
    sections = {"storage": {"root": root}, "mlflow": {"enabled": False}}
    return parse_config(
        {**sections, "ratings": {**SLICES, **(ratings or {})}, "bootstrap": {"rounds": 40, **bootstrap}}
    )

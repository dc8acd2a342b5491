"""Small inputs, their settings, and tables as values: for tests that compare one place to run with another."""

from pathlib import Path

from stored import folder_of, stored_rows

from arenalake.app.tables import ALL_TABLES
from arenalake.config import load_config
from arenalake.entities.tables import BATTLES, MESSAGES
from arenalake.lake import Lake

ROOT = Path(__file__).resolve().parents[2]
VOTE_JOBS = ["ingest", "battle_stats", "ratings"]
JOBS = [
    "ingest",
    "measure",
    "corpus_stats",
    "token_stats",
    "moderation_stats",
    "battle_stats",
    "ratings",
    "judge_agreement",
    "reproduce",
]
COMPARED = [table for table in ALL_TABLES if table.layer == "gold" or table in (BATTLES, MESSAGES)]


def write_votes(path):
    """240 votes on four models as a CSV file; returns their number."""
    votes = [
        f"model-{a},model-{b},{('model_a', 'model_b', 'tie')[(a * b + n) % 3]}"
        for n in range(20) for a in range(4) for b in range(4) if a != b
    ]  # fmt: skip
    path.write_text("\n".join(["model_a,model_b,winner", *votes]))
    return len(votes)


def vote_settings(file):
    """Overrides of conf/cluster.yml: the votes alone, through the jobs that rate them."""
    return {
        "sources": f"{{votes: {{format: votes, path: {file}}}}}",
        "pipeline.jobs": f"[{','.join(VOTE_JOBS)}]",
        "ratings.slices": "[all]",
        "bootstrap.rounds": 30,
        "mlflow.enabled": "false",
    }


def corpus_settings(raw):
    """Overrides of conf/cluster.yml: both generated corpora through every job that writes a table."""
    return {
        "sources.lmsys.path": f"{raw}/lmsys_chat_1m",
        "sources.arena.path": f"{raw}/chatbot_arena",
        "pipeline.jobs": f"[{','.join(JOBS)}]",
        "bootstrap.rounds": 40,
        "ratings.min_battles": 100,
        "ratings.methods": "[bradley_terry,elo,style_control]",
        "mlflow.enabled": "false",
    }


def as_arguments(settings):
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def configuration(settings):
    """conf/cluster.yml with overrides, as a job in this process sees it."""
    return load_config(ROOT / "conf/cluster.yml", as_arguments(settings)[1::2])


def rows_of(settings):
    """Every compared table as sorted rows; the text of a double is exact."""
    lake = Lake(None, configuration(settings).storage)
    folders = {table: folder_of(lake, table) for table in COMPARED}
    return {
        table.name: sorted(map(repr, stored_rows(folder, table.column_names)))
        for table, folder in folders.items()
        if folder.is_dir()
    }

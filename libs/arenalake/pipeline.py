"""The jobs by name, in dependency order, and the pipeline that runs a choice of them in one session."""

import importlib
from collections.abc import Callable, Sequence

from arenalake.steps import Context, StepResult

# A job may read what any job above it writes, and nothing else.
JOB_ORDER = (
    "generate",
    "ingest",
    "measure",
    "token_stats",
    "moderation_stats",
    "battle_stats",
    "ratings",
    "recovery",
    "report",
)

Step = Callable[[Context], StepResult]


def step_of(job: str) -> Step:
    """The function of a job, imported when it is needed: `ratings` does not load a tokenizer."""
    module = importlib.import_module(f"arenalake.steps.{job}")
    step: Step = module.run
    return step


def in_dependency_order(jobs: Sequence[str]) -> list[str]:
    return [job for job in JOB_ORDER if job in jobs]

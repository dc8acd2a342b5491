"""What a step is given and what it gives back."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from arenalake.errors import ArenalakeError
from arenalake.lake import Lake

if TYPE_CHECKING:  # the configuration is put together of parts that lie above
    from arenalake.config import Config


@dataclass(frozen=True)
class Context:
    """One job's surroundings: the validated configuration and the lake, whose `spark` is the session."""

    config: "Config"
    lake: Lake


@dataclass
class StepResult:
    """What a job tells its caller.

    Attributes:
        lines: results for stdout, in order.
        summary: what a person in a terminal reads in the block at the end of the run, in place of `lines`.
        metrics: numbers for MLflow, such as row counts.
        tables: small result tables for MLflow, such as the leaderboard.
        unreadable: files that could not be read; the job did everything else and then ends with status 1.
        errors: what else did not work, in the same way; each has its exit status.
        lacks: the rows that the lake does not hold, so that the job had nothing to do, in words; an error where the job
            was asked for by its name.
    """

    lines: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    errors: list[ArenalakeError] = field(default_factory=list)
    lacks: str = ""

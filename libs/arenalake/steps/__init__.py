"""What each job reads, which rooms it calls, and what it writes: one short module per job."""

from arenalake.steps.step import Context, StepResult

__all__ = ["Context", "StepResult"]

"""Summarise annotated pairs and fit what each judge prefers."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("preference_stats")

"""Count messages by length in tokens and summarise the counts."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("preference_stats")

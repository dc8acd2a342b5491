"""Count moderation flags and scores and summarise the counts."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("moderation_stats")

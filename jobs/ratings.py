"""Rate the models and bootstrap the intervals."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("ratings")

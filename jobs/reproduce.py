"""Compare published figures of the data sets with figures from the tables."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("reproduce")

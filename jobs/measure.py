"""Measure the messages that are not measured yet."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("measure")

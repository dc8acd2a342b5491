"""Summarise what a corpus consists of."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("corpus_stats")

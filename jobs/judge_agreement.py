"""Compute the agreement and the biases of judges, the rankings that they give, and their grades."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("judge_agreement")

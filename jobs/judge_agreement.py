"""How far judges agree, the rankings that they give, and what they lean to."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("judge_agreement")

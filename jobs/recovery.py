"""Compare the ratings of generated votes with the true ratings."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("recovery")

"""Write the statistics as one self-contained folder of HTML."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("report")

"""Write raw files in the published formats, from a seed, with the truth beside them."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("generate")

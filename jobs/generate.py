"""Write raw files in the published formats from a seed, with the true strengths and ratings behind them."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("generate")

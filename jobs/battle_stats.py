"""Count battles by outcome and summarise pairs, positions and days."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("battle_stats")

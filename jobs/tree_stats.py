"""Statistics of conversation trees, their labels, threads, and pairs of ranked answers."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("tree_stats")

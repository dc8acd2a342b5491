"""Run the jobs of the configuration's `pipeline.jobs`, in dependency order, in one session."""

from arenalake.runner import run_pipeline

if __name__ == "__main__":
    run_pipeline()

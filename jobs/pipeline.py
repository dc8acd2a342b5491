"""Run the jobs of the configuration's `pipeline.jobs` in one session, each as soon as its input is there."""

from arenalake.app.runner import run_pipeline

if __name__ == "__main__":
    run_pipeline()

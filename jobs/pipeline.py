"""Run the jobs of `pipeline.jobs` in one session; each job starts when its input is ready."""

from arenalake.app.runner import run_pipeline

if __name__ == "__main__":
    run_pipeline()

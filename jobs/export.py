"""Write threads and pairs of ranked answers as files for trainers; refused where the licence forbids it."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("export")

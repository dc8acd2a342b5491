"""Read new raw files of the configured sources into the entity tables."""

from arenalake.app.runner import run_job

if __name__ == "__main__":
    run_job("ingest")

"""An example for Airflow 3: all jobs of a configuration, once a day, one run at a time.

Copy it into the folder of DAGs and set the two paths. The workers need `arenalake` and Java; `arenalake` may be in an
environment of its own.
"""

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

COMMAND = "/opt/arenalake/bin/arenalake"
CONFIG = "/etc/arenalake/arenalake.yml"

with DAG(
    "arenalake",
    schedule="0 4 * * *",
    start_date=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    catchup=False,
    # Two runs that write to the same bucket can lose each other's rows.
    max_active_runs=1,
    default_args={"execution_timeout": dt.timedelta(hours=6)},
):
    # Reports a wrong key or a missing file in one line, before hours of work.
    check = BashOperator(task_id="check", bash_command=f"{COMMAND} config check --config {CONFIG}")
    # A retry is safe: it resumes an interrupted run and skips tables that are up to date.
    run = BashOperator(
        task_id="run",
        bash_command=f"{COMMAND} run --config {CONFIG}",
        retries=1,
        retry_delay=dt.timedelta(minutes=5),
    )
    check >> run

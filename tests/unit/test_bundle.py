"""The Databricks bundle against the real job files, the real configuration model and itself."""

import ast
import re
import runpy
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from arenalake.app import runner
from arenalake.config import Config, load_config
from arenalake.config.loading import UniqueKeyLoader
from arenalake.entities import tables as entity_tables
from arenalake.jobs import JOBS
from arenalake.sources import all_entities

ROOT = Path(__file__).resolve().parents[2]
RESOURCES = ROOT / "conf" / "resources"
NEVER_SCHEDULED = {name for name, job in JOBS.items() if not job.usual}

WRITING = {"Derivation", "Statistic", "change", "store", "replace", "append", "insert_new", "upsert"}


def module_file(name):
    """The file of a module of the library, or None for a function in one."""
    path = ROOT / "libs" / Path(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def imports_of(file):
    """The tables that a file of the library names, and what else of the library it imports."""
    tables, imported = set(), set()
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("arenalake"):
            continue
        if node.module.endswith(".tables"):
            tables |= {name.name for name in node.names if name.name.isupper()}
        else:
            imported |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return tables, imported


def tables_touched(job):
    """The tables that a job's step and everything it imports name, read from the code."""
    waiting, seen, touched = {JOBS[job].module}, {"arenalake.lake"}, set()
    while waiting:
        module = waiting.pop()
        if module in seen or module_file(module) is None:
            continue
        seen.add(module)
        tables, imported = imports_of(module_file(module))
        touched |= tables
        waiting |= imported
    return touched


def tables_written(job):
    """The tables that a job's step adds rows to by name."""
    tree = ast.walk(ast.parse(module_file(JOBS[job].module).read_text()))
    calls = [node for node in tree if isinstance(node, ast.Call)]
    calls = [call for call in calls if getattr(call.func, "attr", getattr(call.func, "id", None)) in WRITING]
    named = {call.args[0].id for call in calls if call.args and isinstance(call.args[0], ast.Name)}
    # Ingestion writes every entity and names none.
    entities = {entity.table for entity in all_entities()} | set(all_entities())
    return named | (
        {name for name, value in vars(entity_tables).items() if name.isupper() and value in entities}
        if job == "ingest"
        else set()
    )


def writers_read():
    """For each job, the jobs before it that write what it reads.

    A table belongs to the job that writes it by name, else to the first that names it.
    """
    order = list(JOBS)
    touched = {job: tables_touched(job) for job in JOBS}
    owner = {}
    for named in ({job: tables_written(job) for job in JOBS}, touched):
        for job, tables in named.items():
            owner |= {table: job for table in tables if table not in owner}
    return {
        job: {owner[table] for table in touched[job] if order.index(owner[table]) < order.index(job)} for job in JOBS
    }


def load_yaml(text):
    return yaml.load(text, UniqueKeyLoader)


def merged_bundle():
    """databricks.yml with what it includes."""
    bundle = load_yaml((ROOT / "databricks.yml").read_text())
    for pattern in bundle["include"]:
        files = sorted(ROOT.glob(pattern))
        assert files, f"{pattern} includes nothing"
        for file in files:
            part = load_yaml(file.read_text())
            twice = set(bundle["variables"]) & set(part.get("variables", {}))
            assert not twice, f"variables declared twice: {twice}"
            bundle["variables"].update(part.get("variables", {}))
            for kind, resources in part.get("resources", {}).items():
                kept = bundle.setdefault("resources", {}).setdefault(kind, {})
                assert not set(kept) & set(resources)
                kept.update(resources)
    return bundle


def resolve(value, variables):
    """Replace `${var.name}` and `${var.name.key}` by their values, however deep."""
    if isinstance(value, dict):
        return {key: resolve(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, variables) for item in value]
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"\$\{var\.([\w.]+)\}", value)
    if whole:
        return resolve(_look_up(whole[1], variables), variables)
    return re.sub(r"\$\{var\.([\w.]+)\}", lambda m: str(resolve(_look_up(m[1], variables), variables)), value)


def _look_up(path, variables):
    name, *keys = path.split(".")
    value = variables[name]
    for key in keys:
        value = resolve(value, variables)[key]
    return value


def job(target="dev", user="jane_doe", **overrides):
    """The job as a target deploys it for a user with this short name: references to variables replaced."""
    bundle = merged_bundle()
    variables = {name: spec["default"] for name, spec in bundle["variables"].items() if "default" in spec}
    variables |= bundle["targets"][target].get("variables", {})
    deployed = resolve(bundle["resources"]["jobs"]["arenalake"], variables | overrides)
    return load_yaml(yaml.safe_dump(deployed).replace("${workspace.current_user.short_name}", user))


def places(deployed):
    """Where a job's parameters say that its tables, files and runs are."""
    values = {parameter["name"]: parameter["default"] for parameter in deployed["parameters"]}
    return {name: values[name] for name in ("catalog", "schema", "volume", "experiment")}


def documented_commands():
    """The commands of docs/databricks.md for the bundle: target to the variables that it is deployed with."""
    lines = (ROOT / "docs/databricks.md").read_text(encoding="utf-8").splitlines()
    deployments = [line for line in lines if line.startswith("databricks bundle deploy ")]
    return {re.search(r"-t (\w+)", line)[1]: dict(re.findall(r"--var=(\w+)=(\S+)", line)) for line in deployments}


@pytest.fixture(params=["serverless", "classic"])
def compute(request):
    return request.param


@pytest.fixture
def deployed(compute):
    return job(compute=f"${{var.{compute}}}")


@pytest.fixture
def tasks(deployed):
    return {task["task_key"]: task for task in deployed["tasks"]}


def quartz_errors(expression):
    """What is wrong with a Quartz cron expression: six or seven fields, days by month or by week, numbers in range."""
    ranges = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2099)]
    fields = expression.split()
    if len(fields) not in (6, 7):
        return [f"{len(fields)} fields instead of 6 or 7"]
    errors = []
    if (fields[3] == "?") == (fields[5] == "?"):
        errors.append("one of day of month and day of week must be ?")
    for position, (field, (low, high)) in enumerate(zip(fields, ranges, strict=False)):
        if field == "?" and position in (3, 5):
            continue
        for item in field.split(","):
            plain = re.fullmatch(r"(\*|\d+(?:-\d+)?)(?:/\d+)?", item)
            named = position in (4, 5) and re.fullmatch(r"[A-Z]{3}(-[A-Z]{3})?|\d?L|\d#\d", item)
            if not plain and not named:
                errors.append(f"{item} is not a value of field {position + 1}")
            elif plain and any(not low <= int(number) <= high for number in re.findall(r"\d+", plain[1])):
                errors.append(f"{item} is outside {low}-{high}")
    return errors


def test_a_key_given_twice_is_an_error():
    with pytest.raises(yaml.YAMLError, match="given twice"):
        load_yaml("a: 1\nb: 2\na: 3\n")


def test_every_scheduled_job_is_one_task(deployed):
    keys = [task["task_key"] for task in deployed["tasks"]]
    assert sorted(keys) == sorted(set(JOBS) - NEVER_SCHEDULED)


def test_a_task_runs_the_file_of_its_job(tasks):
    for key, task in tasks.items():
        file = (RESOURCES / task["spark_python_task"]["python_file"]).resolve()
        assert file == ROOT / "jobs" / f"{key}.py"
        assert file.is_file()


def test_every_task_waits_for_the_writers_of_what_it_reads_and_for_no_other(tasks):
    def ancestors(key):
        direct = [dependency["task_key"] for dependency in tasks[key].get("depends_on", [])]
        assert len(direct) == len(set(direct)), f"{key} lists a dependency twice"
        return set(direct).union(*(ancestors(name) for name in direct))

    writers = writers_read()
    for key, task in tasks.items():
        assert writers[key] <= ancestors(key), f"{key} may start before its input is written"
        for dependency in task.get("depends_on", []):
            assert dependency["task_key"] in writers[key], f"{key} waits for {dependency} without reading from it"


def test_what_the_jobs_read_is_found_in_the_code():
    writers = writers_read()
    assert writers["ingest"] == set()
    assert writers["measure"] == {"ingest"}
    assert writers["token_stats"] >= {"measure"}
    assert writers["moderation_stats"] == {"ingest", "measure"}
    assert writers["battle_stats"] == {"ingest"}
    assert writers["ratings"] == {"ingest", "measure", "battle_stats"}
    assert writers["report"] >= {"ingest", "token_stats", "moderation_stats", "battle_stats", "ratings"}


def test_the_tasks_wait_for_the_same_jobs_as_in_the_pipeline(tasks):
    for key, task in tasks.items():
        waits_for = {dependency["task_key"] for dependency in task.get("depends_on", [])}
        assert waits_for == set(JOBS[key].after) - NEVER_SCHEDULED, key


def test_every_task_has_exactly_one_place_to_run_that_the_job_declares(deployed, tasks, compute):
    environments = [environment["environment_key"] for environment in deployed["environments"]]
    clusters = [cluster["job_cluster_key"] for cluster in deployed["job_clusters"]]
    assert len(environments) == len(set(environments))
    assert len(clusters) == len(set(clusters))
    for task in tasks.values():
        keys = {name: task[name] for name in ("environment_key", "job_cluster_key") if task[name]}
        if compute == "serverless":
            assert set(keys) == {"environment_key"}
            assert keys["environment_key"] in environments
            assert task["libraries"] == []  # not allowed beside an environment
        else:
            assert set(keys) == {"job_cluster_key"}
            assert keys["job_cluster_key"] in clusters


def test_both_kinds_of_compute_get_the_wheel_that_the_artifact_builds():
    bundle = merged_bundle()
    assert bundle["artifacts"]["arenalake"]["type"] == "whl"
    assert "--wheel-dir dist " in bundle["artifacts"]["arenalake"]["build"]
    serverless, classic = job(compute="${var.serverless}"), job(compute="${var.classic}")
    wheels = [*serverless["environments"][0]["spec"]["dependencies"][:1], classic["tasks"][0]["libraries"][0]["whl"]]
    assert {(RESOURCES / wheel).resolve() for wheel in wheels} == {ROOT / "dist" / "*.whl"}


def test_both_kinds_of_compute_get_the_same_further_packages_within_the_ranges_of_setup_py():
    declared = re.findall(r'"([^"]+)",  #', (ROOT / "setup.py").read_text())
    serverless = job(compute="${var.serverless}")["environments"][0]["spec"]["dependencies"][1:]
    classic = [library["pypi"]["package"] for library in job(compute="${var.classic}")["tasks"][0]["libraries"][1:]]
    assert serverless == classic
    assert set(serverless) <= set(declared)


def test_every_job_accepts_the_parameters_of_its_task(tasks, deployed, monkeypatch):
    values = {parameter["name"]: parameter["default"] for parameter in deployed["parameters"]}
    accepted = {}
    monkeypatch.setattr(runner, "run_steps", lambda config, jobs, **_: accepted.update({jobs[0]: config}))
    used = set()
    for key, task in tasks.items():
        arguments = []
        for parameter in task["spark_python_task"]["parameters"]:
            used |= set(re.findall(r"\{\{job\.parameters\.(\w+)\}\}", parameter))
            filled = re.sub(r"\{\{job\.parameters\.(\w+)\}\}", lambda match: values[match[1]], parameter)
            arguments.append(filled.replace("${workspace.file_path}", str(ROOT)))
            assert "{{" not in arguments[-1]
        monkeypatch.setattr(sys, "argv", [f"jobs/{key}.py", *arguments])
        runpy.run_path(str(ROOT / "jobs" / f"{key}.py"), run_name="__main__")
        assert isinstance(accepted[key], Config)
    assert used == set(values), "a parameter of the job that no task uses, or the other way round"
    config = accepted["report"]
    assert (config.storage.catalog, config.storage.schema_name) == (values["catalog"], values["schema"])
    assert config.sources["lmsys"].path == f"/Volumes/main/{values['schema']}/files/raw/lmsys_chat_1m"


def test_a_parameter_that_a_job_does_not_accept_ends_with_status_2(monkeypatch, capsys):
    arguments = ["--config", str(ROOT / "conf/databricks.yml"), "--set", "bootstrap.round=9"]
    monkeypatch.setattr(sys, "argv", ["jobs/ratings.py", *arguments])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / "jobs/ratings.py"), run_name="__main__")
    assert stopped.value.code == 2
    assert "bootstrap.round" in capsys.readouterr().err


def test_names_of_unity_catalog_are_in_variables_only():
    text = (RESOURCES / "job.yml").read_text()
    for line in text.splitlines():
        if "/Volumes/" in line:
            path = "/Volumes/{{job.parameters.catalog}}/{{job.parameters.schema}}/{{job.parameters.volume}}/"
            assert path in line
    defaults = {parameter["name"]: parameter["default"] for parameter in job(catalog="c", schema="s")["parameters"]}
    assert (defaults["catalog"], defaults["schema"]) == ("c", "s")


def test_every_name_of_unity_catalog_in_the_configuration_is_overridden(tasks, deployed):
    names = {"catalog": "catalog_x", "schema": "schema_x", "volume": "volume_x"}
    values = {parameter["name"]: parameter["default"] for parameter in deployed["parameters"]} | names
    for task in tasks.values():
        parameters = task["spark_python_task"]["parameters"]
        overrides = [parameter for parameter in parameters[2:] if parameter != "--set"]
        filled = [re.sub(r"\{\{job\.parameters\.(\w+)\}\}", lambda m: values[m[1]], text) for text in overrides]
        config = load_config(ROOT / "conf/databricks.yml", filled)
        assert (config.storage.catalog, config.storage.schema_name) == ("catalog_x", "schema_x")
        paths = [source.path for source in config.sources.values()] + [config.report.path]
        assert all(path.startswith("/Volumes/catalog_x/schema_x/volume_x/") for path in paths)


@pytest.mark.parametrize(("target", "pause_status"), [("dev", "PAUSED"), ("prod", "UNPAUSED")])
def test_the_schedule_is_valid_and_paused_in_dev_only(target, pause_status):
    schedule = job(target, service_principal="application-id")["schedule"]
    assert quartz_errors(schedule["quartz_cron_expression"]) == []
    assert schedule["pause_status"] == pause_status
    assert schedule["timezone_id"] == "UTC"


@pytest.mark.parametrize("wrong", ["0 4 * * *", "0 0 4 * * *", "0 0 24 * * ?", "0 0 4 ? * 8", "0 0 4 x * ?"])
def test_the_check_of_schedules_finds_mistakes(wrong):
    assert quartz_errors(wrong)


def test_one_run_at_a_time_and_a_failure_is_told_to_somebody(deployed):
    assert deployed["max_concurrent_runs"] == 1
    assert deployed["email_notifications"]["on_failure"]
    assert "on_failure" in deployed["webhook_notifications"]


def test_a_deployers_copy_writes_neither_where_prod_does_nor_where_another_ones_does():
    commands = documented_commands()
    assert set(commands) == {"dev", "prod"}
    for how in ({}, commands):
        given = {target: how.get(target, {}) for target in ("dev", "prod")}
        prod = places(job("prod", **{"service_principal": "application-id", **given["prod"]}))
        own, other = (places(job("dev", user=user, **given["dev"])) for user in ("jane_doe", "john_roe"))
        assert len({place["schema"] for place in (prod, own, other)}) == 3
        # Unity Catalog takes letters, digits and underscores without quotes.
        assert all(re.fullmatch(r"[a-z0-9_]{1,255}", place["schema"]) for place in (prod, own, other))
        assert own["experiment"] != prod["experiment"]


def test_prod_has_a_fixed_path_an_identity_and_permissions():
    bundle = merged_bundle()
    dev, prod = bundle["targets"]["dev"], bundle["targets"]["prod"]
    assert (dev["mode"], prod["mode"]) == ("development", "production")
    assert "current_user" not in prod["workspace"]["root_path"]
    assert prod["run_as"] == {"service_principal_name": "${var.service_principal}"}
    assert {permission["level"] for permission in prod["permissions"]} == {"CAN_MANAGE", "CAN_VIEW"}
    assert "default" not in bundle["variables"]["service_principal"], "prod must not deploy without being told as whom"


def test_every_variable_is_declared_described_and_used():
    bundle = merged_bundle()
    text = "".join(file.read_text() for file in [ROOT / "databricks.yml", *RESOURCES.glob("*.yml")])
    used = set(re.findall(r"\$\{var\.(\w+)", text))
    # The other kind of compute is what --var='compute=${var.classic}' names.
    assert used | {"classic"} == set(bundle["variables"])
    assert all(spec.get("description") for spec in bundle["variables"].values())
    overridden = {name for target in bundle["targets"].values() for name in target.get("variables", {})}
    assert overridden <= set(bundle["variables"])


def test_what_the_jobs_need_in_the_workspace_is_uploaded():
    paths = merged_bundle()["sync"]["paths"]
    assert set(paths) == {"jobs", "conf"}
    assert all((ROOT / path).is_dir() for path in paths)

"""The container and the schedule that are given as examples: what they name is there."""

import re
import runpy
import shlex
import sys
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType

import pytest

from arenalake.app import cli, runner
from arenalake.app.session import get_session

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "conf/Dockerfile").read_text()


def instructions(name):
    """The arguments of each instruction of that name, with its continued lines."""
    joined = re.sub(r"\\\n", " ", DOCKERFILE)
    return [line.removeprefix(name).strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


def test_all_that_the_container_copies_is_there_and_is_sent_to_the_builder():
    ignored = (ROOT / "conf/Dockerfile.dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {source for line in instructions("COPY") for source in line.split()[:-1]}
    assert "*" in ignored
    assert copied == sent
    assert all((ROOT / source).exists() for source in copied)


def test_the_container_installs_extras_that_exist_and_starts_a_command_that_exists():
    setup = (ROOT / "setup.py").read_text()
    (extras,) = re.findall(r"\[([\w,]+)\]\"", DOCKERFILE)
    assert all(f'"{extra}": ' in setup for extra in extras.split(","))
    (entry,) = instructions("ENTRYPOINT")
    assert f'console_scripts": {entry.replace("arenalake", "arenalake=arenalake.app.cli:main")}' in setup


def test_the_container_runs_on_a_python_and_a_java_that_are_tested():
    setup = (ROOT / ".ci/setup").read_text()
    assert all(re.match(r"python:3\.1[123]-", image) for image in instructions("FROM"))
    assert re.search(r"openjdk-\d+-jre-headless", DOCKERFILE)[0] in setup


def test_the_container_fetches_the_jars_as_local_mode_does():
    (code,) = re.findall(r'python -c "(.*?)"', re.sub(r"\\\n", "", DOCKERFILE))
    compile(code, "conf/Dockerfile", "exec")
    assert get_session.__name__ in code


@pytest.fixture
def tasks(monkeypatch):
    """The tasks of the example, by stand-ins for what it takes from Airflow."""
    found = {}

    class DAG:
        def __init__(self, dag_id, **settings):
            assert settings["max_active_runs"] == 1
            assert settings["catchup"] is False

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    class BashOperator:
        def __init__(self, task_id, bash_command, **settings):
            found[task_id] = self
            self.command, self.after = shlex.split(bash_command), []

        def __rshift__(self, other):
            other.after.append(self)

    for name, members in {
        "airflow.sdk": {"DAG": DAG},
        "airflow.providers.standard.operators.bash": {"BashOperator": BashOperator},
    }.items():
        for parent in [name[: dot.start()] for dot in re.finditer(r"\.", name)]:
            monkeypatch.setitem(sys.modules, parent, ModuleType(parent))
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    runpy.run_path(str(ROOT / "conf/airflow_dag.py"))
    return found


def test_the_schedule_checks_the_configuration_and_then_runs_it(tasks, monkeypatch):
    calls = []
    monkeypatch.setattr(runner, "run_configured", lambda *arguments, **_: calls.append(arguments))
    assert tasks["run"].after == [tasks["check"]]
    for task in tasks.values():
        program, *arguments = task.command
        assert fnmatch(program, "/*/arenalake")
        config = str(ROOT / "conf/local.yml")
        arguments[arguments.index("--config") + 1] = config
        cli.main(arguments)
    assert calls == [(config, (), ())]

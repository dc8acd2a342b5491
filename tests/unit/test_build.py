"""What is around the code: pinned versions, configurations, Spark properties, scripts."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from arenalake.app import session
from arenalake.config import load_config, parse_config

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted((ROOT / "conf").glob("*.yml"))


def declared():
    """Every requirement of setup.py."""
    return [
        Requirement(text) for text in re.findall(r'^\s+"([A-Za-z][^"]*)",  #', (ROOT / "setup.py").read_text(), re.M)
    ]


def pinned():
    lines = (ROOT / "conf/constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def properties():
    lines = (ROOT / "conf/cluster.properties").read_text().splitlines()
    return dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))


def test_every_requirement_is_pinned_within_its_range():
    pins = {canonicalize_name(name): version for name, version in pinned().items()}
    assert len(declared()) > 20
    for requirement in declared():
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"


def test_a_pin_is_a_name_and_a_version_and_nothing_else():
    assert all(re.fullmatch(r"[\w.]+", version) for version in pinned().values())
    assert all(re.fullmatch(r"[\w.-]+", name) for name in pinned())


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_configuration_is_valid(path):
    load_config(path)


def test_the_configuration_for_a_bucket_in_the_docs_is_valid():
    (text,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/cluster.md").read_text(), flags=re.DOTALL)
    config = parse_config(yaml.safe_load(text))
    assert config.spark.packages[0].startswith("org.apache.hadoop:hadoop-aws:")
    amazon = {package.rpartition(":")[2] for package in config.spark.packages if ":s3" in package or ":sts" in package}
    assert len(amazon) == 1, "parts of one SDK"


def test_only_local_configurations_start_a_session_of_their_own():
    masters = {path.name: load_config(path).spark.master for path in CONFIGS}
    assert {name for name, master in masters.items() if master} == {
        "local.yml",
        "studies.yml",
        "trees_example.yml",
        "votes_example.yml",
    }
    assert "spark" not in yaml.safe_load((ROOT / "conf/cluster.yml").read_text())


def test_the_properties_for_a_cluster_agree_with_local_mode_and_hold_no_sizes():
    values = properties()
    for key in session._LOCAL.keys() & values.keys():
        assert values[key] == session._LOCAL[key]
    for key in ("spark.sql.extensions", "spark.sql.catalog.spark_catalog"):
        assert key in values
    assert not any(re.search(r"memory|cores|instances|partitions|master", key) for key in values)


def test_every_property_has_its_reason_above_it():
    paragraphs = (ROOT / "conf/cluster.properties").read_text().strip().split("\n\n")
    assert all(paragraph.startswith("# ") for paragraph in paragraphs)


@pytest.mark.parametrize("script", ["setup", "run", "package"])
def test_the_scripts_can_be_started(script):
    path = ROOT / ".ci" / script
    assert path.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(path)], check=True)

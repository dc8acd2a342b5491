"""The configuration: what each key may hold, what a mistake is told, and that every key is documented."""

import os
import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from arenalake.config import Config, load_config, parse_config
from arenalake.errors import ConfigError
from arenalake.sources import SOURCES

GOOD = {"storage": {"root": "lake"}}


def problem_of(tree):
    with pytest.raises(ConfigError) as caught:
        parse_config({**GOOD, **tree})
    assert caught.value.exit_status == 2
    return str(caught.value)


def votes_with(columns, **settings):
    return {"format": "votes", "path": "x", "columns": columns, **settings}


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"storag": {}}, ["storag: no such key", "allowed here: bootstrap, "]),
        (
            {"storage": {"root": "x", "rot": 1}},
            ["storage.rot: no such key", "catalog, lock_wait_seconds, root, schema"],
        ),
        ({"storage": {}}, ["storage: give either `root`, or both `catalog` and `schema`"]),
        ({"storage": {"root": "x", "catalog": "c", "schema": "s"}}, ["give either `root`"]),
        (
            {"sources": {"a": {"format": "arna", "path": "x"}}},
            ["sources.a.format: 'arna' is not known", "arena_expert, likert, lmsys_chat_1m"],
        ),
        ({"judges": {"groupings": ["month"]}}, ["judges.groupings: 'month' must be all, or one or more of turn,"]),
        ({"judges": {"groupings": ["all", "all"]}}, ["judges.groupings: a grouping is listed twice"]),
        ({"judges": {"groups": {"g": []}}}, ["judges.groups.g: must be a name, with * and ? as wildcards"]),
        ({"judges": {"families": {"g": "g-*"}}}, ["families: g is not a group; groups are human, model"]),
        ({"judges": {"matched": {"m": ["a", "b"], "n": ["b", "c"]}}}, ["matched: b is listed twice"]),
        ({"judges": {"matched": {"m": ["a", "b"]}}}, ["judges.matched: a, b is not among the sources"]),
        ({"sources": {"a": {"path": "x"}}}, ["sources.a.format: is missing; known: arena,"]),
        (
            {"sources": {"a": "x"}},
            ["sources.a: must be a section (got 'x'); allowed here: citation, format"],
        ),
        ({"sources": {"a": {"format": "arena"}}}, ["sources.a.path: is missing"]),
        (
            {"sources": {"a": {"format": "arena", "path": "x", "colums": {}}}},
            ["sources.a.colums: no such key; allowed here: citation, format, identity_phrases,"],
        ),
        (
            {"sources": {"a": {"format": "arena", "path": "x", "columns": {"judge": "j"}}}},
            ["sources.a.columns: no such key; allowed here: citation, format,"],
        ),
        (
            {"sources": {"a": {"format": "votes", "path": "x", "columns": {"modell": "j"}}}},
            ["sources.a.columns: modell cannot be mapped: only battle_id,", "model_a, model_b"],
        ),
        (
            {"sources": {"a": {"format": "votes", "path": "x", "winner_labels": {True: "model_a"}}}},
            ["sources.a.winner_labels", "the label True", "in quotes"],
        ),
        (
            {"sources": {"a": {"format": "votes", "path": "x", "winner_labels": {"left": "A"}}}},
            ["sources.a.winner_labels.left", "'model_a', 'model_b', 'tie' or 'tie (bothbad)'", "'A'"],
        ),
        ({"ratings": {"anchor": {"modl": "x"}}}, ["ratings.anchor.modl: no such key; allowed here: model, rating"]),
        ({"ratings": {"slices": ["languge"]}}, ["'languge' is not a slice", "language"]),
        (
            {"sources": {"a": {"format": "votes", "path": "x", "identity_phrases": ["gpt"]}}},
            ["sources.a.identity_phrases: no such key; allowed here: citation, columns, format, judge_kind,"],
        ),
        (
            {"sources": {"a": {"format": "arena", "path": "x", "identity_phrases": "no/such.yml"}}},
            ["sources.a.identity_phrases: cannot be read (No such file", "'no/such.yml'"],
        ),
        ({"sources": {"a": {"format": "arena", "path": "x", "identity_phrases": [" "]}}}, ["holds an empty phrase"]),
        ({"cleaning": {"drop_leaked": True}}, ["cleaning.drop_leaked: no source has identity_phrases"]),
        (
            {"cleaning": {"outliers": {"min_votes": 9, "first_votes": 8}}},
            ["first_votes (8) must be at least min_votes"],
        ),
        ({"cleaning": {"outliers": {"alfa": 1}}}, ["cleaning.outliers.alfa: no such key; allowed here: alpha, first_"]),
        ({"bootstrap": {"rounds": 0}}, ["bootstrap.rounds", "greater than or equal to 1", "got 0"]),
        ({"bootstrap": {"rounds": True}}, ["bootstrap.rounds: must be a number (got True)"]),
        ({"cleaning": {"max_votes_per_day": True}}, ["cleaning.max_votes_per_day: must be a number (got True)"]),
        ({"cleaning": {"outliers": {"alpha": False}}}, ["cleaning.outliers.alpha: must be a number (got False)"]),
        (
            {"ratings": {"anchor": "gpt-4"}},
            ["ratings.anchor: must be a section (got 'gpt-4'); allowed here: model, rat"],
        ),
        ({"storage": "lake"}, ["storage: must be a section (got 'lake'); allowed here: catalog"]),
        ({"cleaning": {"drop_leaked": True}}, ["configuration: cleaning.drop_leaked: no source has identity_phrases"]),
        ({"spark": {"master": "spark://host:7077"}}, ["spark.master", "local[*]", "spark-submit"]),
        ({"spark": {"master": "local[0]"}}, ["spark.master", "local[*]"]),
        ({"spark": {"driver_memory": "2gb"}}, ["spark.driver_memory", "such as 4g", "got '2gb'"]),
        ({"spark": {"java_options": "-ea -Xmx3g"}}, ["spark.java_options", "spark.driver_memory sets the heap"]),
        ({"spark": {"packages": ["hadoop-aws"]}}, ["spark.packages.0", "got 'hadoop-aws'"]),
        ({"spark": {"conf": {"spark.sql.session.timeZone": "CET"}}}, ["spark.sql.session.timeZone cannot be set"]),
        ({"spark": {"conf": {"spark.sql.extensions": "x"}}}, ["spark.sql.extensions cannot be set", "Delta Lake"]),
        ({"spark": {"conf": {"spark.driver.memory": "3g"}}}, ["spark.driver.memory cannot be", "spark.driver_memory"]),
        ({"spark": {"conf": {"spark.jars.packages": "x"}}}, ["spark.jars.packages cannot", "use spark.packages"]),
        ({"spark": {"conf": {"fs.s3a.endpoint": "x"}}}, ["fs.s3a.endpoint is not a setting of Spark", "spark.hadoop."]),
        ({"spark": {"conf": {"spark.hadoop.fs.s3a.secret.key": "x"}}}, ["fs.s3a.secret.key cannot", "environment"]),
        ({"spark": {"conf": {"spark": {"ui": 1}}}}, ["spark.conf: must name settings in full", "--set 'spark.conf="]),
        (
            {"sources": {"a": {"format": "lmsys_chat_1m", "path": "x", "winner_labels": {"l": "model_a"}}}},
            ["sources.a.winner_labels: no such key; allowed here: citation, format, licence, path, title, url"],
        ),
        (
            {"sources": {"a": votes_with({"winner_model_a": "a", "winner_tie": "t"})}},
            ["sources.a: columns: winner_model_a, winner_tie cannot be mapped without winner_model_b"],
        ),
        (
            {"sources": {"a": votes_with({"winner_model_a": "a", "winner_model_b": "b", "winner": "w"})}},
            ["sources.a: columns: give either winner, or winner_model_a, winner_model_b, not both"],
        ),
        (
            {"sources": {"a": votes_with({"winner_model_a": "a", "winner_model_b": "a"})}},
            ["winner_model_a, winner_model_b must be different columns of the file"],
        ),
        (
            {"sources": {"a": votes_with({"winner_model_a": "a", "winner_model_b": "b"}, winner_is="model")}},
            ["sources.a: winner_is cannot be given if each outcome has its own column"],
        ),
        (
            {"sources": {"a": votes_with({}, winner_is="model", winner_labels={"draw": "tie", "left": "model_a"})}},
            ["with `winner_is: model` only ties have labels, but left stands for a win"],
        ),
        (
            {"sources": {"a": {"format": "arena", "path": "x", "winner_is": "model"}}},
            ["sources.a.winner_is: no such key; allowed here: citation, format,"],
        ),
        (
            {"sources": {"a": {"format": "arena_55k", "path": "x", "winner_labels": {"1": "model_a"}}}},
            ["sources.a.winner_labels: no such key; allowed here: citation, format, identity_phrases,"],
        ),
        ({"pipeline": {"jobs": ["ingst"]}}, ["pipeline.jobs.0", "'ingest'", "'ingst'"]),
    ],
)
def test_a_wrong_key_is_named_with_its_value_and_what_is_allowed(tree, said):
    problem = problem_of(tree)
    for part in said:
        assert part in problem


def test_every_wrong_key_is_told_at_once():
    problem = problem_of({"bootstrap": {"rounds": 0, "sed": 1}, "spark": {"mastr": "x"}})
    assert all(key in problem for key in ("bootstrap.rounds", "bootstrap.sed", "spark.mastr"))


def test_overrides_are_read_as_yaml_and_the_last_one_wins(tmp_path):
    file = tmp_path / "c.yml"
    file.write_text("storage: {root: a}\nbootstrap: {rounds: 5}\n")
    config = load_config(
        file, ["bootstrap.rounds=7", "bootstrap.rounds=8", "tokens.tokenizers=[whitespace, sample]", "storage.root=b=c"]
    )
    assert config.bootstrap.rounds == 8
    assert config.tokens.tokenizers == ["whitespace", "sample"]
    assert config.storage.root == "b=c"


def test_a_key_given_twice_is_an_error_and_an_empty_section_is_none(tmp_path):
    file = tmp_path / "c.yml"
    file.write_text("storage: {root: a}\nratings:\n#  min_battles: 5\nbootstrap: {rounds: 5}\n")
    assert load_config(file).ratings == parse_config({"storage": {"root": "a"}}).ratings
    file.write_text("storage: {root: a}\nbootstrap: {rounds: 5}\nbootstrap: {seed: 5}\n")
    with pytest.raises(ConfigError, match=r"bootstrap is given twice in one section .*line 1"):
        load_config(file)


@pytest.mark.parametrize(
    ("root", "local"),
    [
        ("lake", "lake"),
        ("/data/lake", "/data/lake"),
        ("file:/data/lake", "/data/lake"),
        ("file:///data/lake", "/data/lake"),
        ("~/lake", os.path.expanduser("~/lake")),
        ("dbfs:/mnt/lake", None),
        ("s3a://bucket/lake", None),
    ],
)
def test_a_root_is_a_folder_of_this_machine_or_none(root, local):
    found = parse_config({"storage": {"root": root}}).storage.local_root
    assert found == (None if local is None else Path(local).absolute())


def test_every_key_is_documented_with_its_default():
    text = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([\w.<>]+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert list(told) == [key for key, _ in keys_of(Config)]
    for key, default in keys_of(Config):
        if default is not None and key != "pipeline.jobs":  # a list of nearly all
            assert told[key] == f"`{default}`", key


def keys_of(section, prefix=""):
    """Dotted keys in order, with the default as YAML; None where there is none."""
    for name, field in section.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        inner = [kind for kind in kinds if issubclass(kind, BaseModel)]
        if name == "sources":  # every key of any format, each once
            yield from dict.fromkeys(
                pair for one in SOURCES.values() for pair in keys_of(one.settings, f"{key}.<name>.")
            )
            continue
        if inner:
            yield from keys_of(inner[-1], f"{key}.")
            continue
        default = field.get_default(call_default_factory=True)
        known = default is not None and not field.is_required() and default not in ("", {}, ())
        yield key, yaml.safe_dump(default, default_flow_style=True).split("\n")[0] if known else None


def test_a_label_that_yaml_reads_as_a_number_or_truth_value_stays_text(tmp_path):
    file = tmp_path / "c.yml"
    file.write_text(
        "storage: {root: a}\nsources: {v: {format: votes, path: x, winner_labels: {1: model_a, 2: model_b}}}\n"
    )
    assert load_config(file).sources["v"].winner_labels == {"1": "model_a", "2": "model_b"}


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("bootstrap.rounds", "dotted.key=value"),
        ("=3", "dotted.key=value"),
        ("storage.root.x=1", "is a value, not a section"),
    ],
)
def test_an_override_that_cannot_be_applied_says_how_to_write_it(tmp_path, override, said):
    file = tmp_path / "c.yml"
    file.write_text("storage: {root: a}\n")
    with pytest.raises(ConfigError, match=said):
        load_config(file, [override])


@pytest.mark.parametrize(
    ("text", "said"), [("a: [", "is not YAML"), ("- 1", "mapping of sections"), (None, "cannot be read")]
)
def test_a_file_that_is_no_configuration_is_named(tmp_path, text, said):
    file = tmp_path / "c.yml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        load_config(file)
    assert str(file) in str(caught.value)

"""Configuration from YAML files and `--set` overrides; what is wrong is told by its key, in one line."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from arenalake.config.config import Config
from arenalake.errors import ConfigError
from arenalake.hints import did_you_mean
from arenalake.sources import SOURCES
from arenalake.sources.settings import SourceSettings


class UniqueKeyLoader(yaml.SafeLoader):
    """YAML keeps the last of two equal keys in silence; here they are an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping as PyYAML makes it, after a look at its keys."""
        keys = [self.construct_object(key) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = {str(key) for position, key in enumerate(keys) if key in keys[:position]}
        if twice:
            said = f"{', '.join(sorted(twice))} is given twice in one section"
            raise yaml.constructor.ConstructorError(None, None, said, node.start_mark)
        return super().construct_mapping(node, deep)


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Read a YAML file, apply `dotted.key=value` overrides in order, and validate the whole.

    A value is read as YAML, so `--set bootstrap.rounds=200` is a number and `--set tokens.tokenizers=[sample]` a list.

    Raises:
        ConfigError: naming the file or each wrong key, its value and what is allowed.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--config {path}: cannot be read ({error.strerror}); give the path of a YAML file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"--config {path}: is not UTF-8 text ({error.reason})") from None
    try:
        tree = yaml.load(text, UniqueKeyLoader) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"--config {path}: is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"--config {path}: must hold a mapping of sections, found {type(tree).__name__}")
    overrides = list(overrides)
    for override in overrides:
        _apply_override(tree, override)
    return parse_config(tree, where=f"{path} with --set" if overrides else str(path))


def parse_config(tree: Mapping[str, Any], where: str = "configuration") -> Config:
    """Validate a mapping as `Config`; the error lists every wrong key at once."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        problems = "; ".join(_describe(problem) for problem in error.errors())
        raise ConfigError(f"{where}: {problems}") from None


def _describe(problem: Any) -> str:
    location, section = _place_of(problem["loc"])
    key, message = ".".join(location), problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"{key}: no such key{_allowed_keys(section)}{did_you_mean(location[-1], _keys_of(section))}"
    if problem["type"] == "missing":
        return f"{key}: is missing"
    if not key:
        return str(message)
    value = problem["input"]
    if problem["type"].startswith("union_tag") and isinstance(value, dict):
        name = value.get("format")
        told = "is missing" if name is None else f"{name!r} is not known"
        hint = did_you_mean(str(name), SOURCES) if name is not None else ""
        return f"{key}.format: {told}; known: {', '.join(sorted(SOURCES))}{hint}"
    if problem["type"] in ("model_type", "dict_type", "union_tag_not_found"):
        return f"{key}: must be a section (got {value!r}){_allowed_keys(section)}"
    message = message.replace("a valid tuple", "a list")
    shown = "" if isinstance(value, dict) else f" (got {value!r})"
    hint = ""
    if problem["type"] == "literal_error" and isinstance(value, str):
        hint = did_you_mean(value, re.findall("'([^']*)'", problem["ctx"]["expected"]))
    return f"{key}: {message[0].lower()}{message[1:]}{shown}{hint}"


def _place_of(location: Sequence[Any]) -> tuple[list[str], Any]:
    """The keys that lead to a problem, and the innermost section or kind of value that is there."""
    parts = [part for part in location if part != "[key]"]
    section: Any = Config
    if parts[:1] == ["sources"] and len(parts) > 1:
        # Behind the name of a source stands its format, where that is known.
        name, inner = parts[1], parts[3:]
        section = SOURCES[parts[2]].settings if len(parts) > 2 else SourceSettings
        keys = ["sources", name]
    else:
        keys, inner = [], parts
    for part in inner:
        keys.append(part)
        field = getattr(section, "model_fields", {}).get(part)
        if field is not None:
            section = next(kind for kind in (*get_args(field.annotation), field.annotation) if kind is not None)
    return [str(key) for key in keys], section


def _allowed_keys(section: Any) -> str:
    keys = _keys_of(section)
    return f"; allowed here: {', '.join(keys)}" if keys else ""


def _keys_of(section: Any) -> list[str]:
    """What may stand in a section; nothing for a mapping, whose keys are the caller's."""
    return sorted(field.alias or name for name, field in getattr(section, "model_fields", {}).items())


def _apply_override(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"--set {override}: write it as dotted.key=value, for example bootstrap.rounds=200")
    try:
        value = yaml.safe_load(text) if text.strip() else None
    except yaml.YAMLError:
        value = text
    node: Any = tree
    for depth, part in enumerate(parts[:-1], start=1):
        child = node.get(part)
        if child is None:
            child = node[part] = {}
        if not isinstance(child, dict):
            raise ConfigError(f"--set {override}: {'.'.join(parts[:depth])} is a value, not a section")
        node = child
    node[parts[-1]] = value

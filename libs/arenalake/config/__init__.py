"""The configuration: what may stand in it, and how it is read."""

from arenalake.config.config import Config
from arenalake.config.loading import load_config, parse_config

__all__ = ["Config", "load_config", "parse_config"]

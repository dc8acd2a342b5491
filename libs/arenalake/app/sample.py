"""What is said wherever the votes are generated: nobody may take a sample for a result."""

from arenalake.config import Config
from arenalake.paths import local_path
from arenalake.samples.folders import SAYS_NOTHING, has_truth_here


def generated_sources(config: Config) -> list[str]:
    """Sources whose files the generator made, in the order of the configuration. Needs no session.

    On this machine that is a corpus beside its truth; elsewhere it is one below `generate.path` of a configuration that
    has `generate` among its jobs.
    """
    return [name for name, source in config.sources.items() if _is_generated(source.path, config)]


def sample_notice(config: Config) -> str:
    """One sentence that says which sources are generated; empty where none is."""
    names = generated_sources(config)
    if not names:
        return ""
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"Sample data: the records of {listed} are generated, votes included. {SAYS_NOTHING}"


def _is_generated(path: str, config: Config) -> bool:
    own = local_path(path)
    if own is None:
        return "generate" in config.pipeline.jobs and path.startswith(config.generate.path.rstrip("/") + "/")
    return has_truth_here(own)

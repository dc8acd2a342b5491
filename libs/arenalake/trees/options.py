"""Options of the configuration: which threads and pairs are taken from trees, and how they are exported."""

from typing import Annotated, Literal

from pydantic import Field

from arenalake.section import Section


class TreesConfig(Section):
    """Which threads a tree has: the one of the best-ranked replies, or all; and whether marked messages are kept."""

    threads: Literal["best", "all"] = "best"
    keep_deleted: bool = False
    keep_synthetic: bool = False


class ExportConfig(Section):
    """Where files for trainers are written, in which forms, and which share of the trees is held out.

    `only` lists the sources to export; if empty, all sources with conversation trees. `players` are those who win and
    lose in the form `votes`: each model and `human`, or authors.
    """

    path: str | None = None
    only: list[str] = []
    forms: Annotated[list[Literal["preference", "messages", "votes"]], Field(min_length=1)] = ["preference", "messages"]
    players: Literal["kind", "author"] = "kind"
    test_share: float = Field(default=0.05, ge=0, lt=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
